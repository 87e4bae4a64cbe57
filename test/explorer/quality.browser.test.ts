import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { choosePixel, jumpTo } from './at-the-page.ts';
import { longestBlock, watchMainThread } from './main-thread.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The explorer for everybody: wide and narrow, light and dark, by keyboard, without ever standing
 * still.
 */

describe.skipIf(!isBrowserHere)('explorer, for everybody [Chromium]', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  }, START_MS);
  afterAll(() => site?.close());

  /**
   * All that can be shown is shown: a step, a pixel, an open block, the tables, a change of the
   * latent.
   */
  async function showAll(page: Page): Promise<void> {
    await page.locator('.status', { hasText: 'Done: ' }).waitFor();
    await jumpTo(page, 'decoder.4');
    await choosePixel(page, { channel: 3, y: 2, x: 11 });
    await page.getByRole('button', { name: 'Open block decoder.4' }).click();
    await page.locator('.layer.inside').first().waitFor();
    await page.getByText('The layers as a table').click();
    await page.getByLabel('Quantise to 8 bits').check();
    await page.getByTestId('quantised').waitFor();
    await page.getByRole('button', { name: 'Run from noise' }).click();
    await page.getByTestId('fps').waitFor();
    await page.getByRole('button', { name: 'Pause the path' }).click();
  }

  test('wide and narrow, light and dark → axe finds nothing, nothing sticks out', async () => {
    const page = await site.open();
    await showAll(page);
    await page.evaluate(axe.source);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        const { violations } = await page.evaluate<AxeResults>('axe.run()');
        const found = violations.map(({ id, impact, nodes }) => ({
          ...{ width, colorScheme, id, impact },
          where: nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)),
        }));
        expect(found).toEqual([]);
      }
      const scrollWidth = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(scrollWidth).toBeLessThanOrEqual(width);
    }
    await page.context().close();
  });

  test('tab key → the parts in their order, each with a visible focus', async () => {
    const page = await site.open();
    await page.locator('.status', { hasText: 'Done: ' }).waitFor();
    const names: string[] = [];
    for (let n = 0; n < 14; n++) {
      await page.keyboard.press('Tab');
      const focus = await page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        const ring = (each: Element) => getComputedStyle(each).outlineStyle;
        const rings = [element, element.parentElement, element.nextElementSibling];
        const name = element.getAttribute('aria-label') ?? element.closest('label, a, button');
        return {
          name: typeof name === 'string' ? name : (name?.textContent ?? ''),
          isVisible: rings.some((each) => each !== null && ring(each) === 'solid'),
        };
      });
      expect(focus).toEqual({ name: focus.name, isVisible: true });
      names.push(focus.name.slice(0, 16));
    }
    expect(names[0]).toBe('Skip to the pict');
    expect(names[1]).toBe('Choose a picture');
    expect(names).toContain('Layer by layer');
    await page.context().close();
  });

  test('the page’s own thread → never stands still for more than 100 ms', async () => {
    const open = () => site.open({ before: watchMainThread });
    const isGood = await longestBlock('nano at 256×256', open, async (page) => {
      await showAll(page);
      await jumpTo(page, 'decoder.6');
      await page.getByRole('button', { name: /^Show all / }).click();
      for (const _ of Array(6)) {
        await page.getByRole('button', { name: 'Step back' }).click();
        await page.waitForTimeout(60);
      }
      const channel = page.locator('.latent-channel canvas').first();
      await channel.hover({ position: { x: 10, y: 10 } });
      await page.mouse.down();
      await channel.hover({ position: { x: 150, y: 150 } });
      await page.mouse.up();
      await page.getByRole('button', { name: 'Run from noise' }).click();
      await page.waitForTimeout(800);
    });
    expect(isGood).toBe(true);
  });
});

test('explorer: imports → the package’s public entries alone, and text of src/model', () => {
  const root = fileURLToPath(new URL('../../explorer/src/', import.meta.url));
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.tsx?$/.test(name),
  );
  expect(files.length).toBeGreaterThan(30);
  for (const file of files) {
    const code = readFileSync(join(root, file), 'utf8');
    for (const [, path] of code.matchAll(/from '([^']+)'/g)) {
      if (path.includes('/src/')) expect(path).toMatch(/\/src\/model\/[\w.-]+\.ts\?raw$/);
      expect(path).not.toContain('dist/');
    }
  }
});
