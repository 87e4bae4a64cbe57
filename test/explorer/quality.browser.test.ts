import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe, { type AxeResults, type RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SCENE_IDS } from '../../explorer/src/address/address.ts';
import { longestBlock, watchMainThread } from './main-thread.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The explorer for everybody: on all screens, in all colours, by keyboard, by finger, without ever
 * standing still.
 */

const SIZES = [
  [1280, 800],
  [1920, 1080],
  [768, 1024],
  [390, 844],
] as const;

/** Stops of the Tab key before a scene's map. */
const MAX_STOPS = 12;

describe.skipIf(!isBrowserHere)('explorer, for everybody [Chromium]', () => {
  let site: Site;
  let scenes: string[];
  beforeAll(async () => {
    site = await openSite();
    const page = await site.open({ at: '#0/nano' });
    scenes = await page
      .locator('.scene-nav a')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href')?.slice(1) ?? ''));
    await page.context().close();
  }, START_MS);
  afterAll(() => site?.close());

  /** What axe finds, and whether anything sticks out to the right. */
  async function findings(page: Page, where: string, options: RunOptions = {}) {
    const { violations } = await page.evaluate<AxeResults, RunOptions>(
      (given) => (globalThis as unknown as { axe: typeof axe }).axe.run(given),
      { resultTypes: ['violations'], ...options },
    );
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    return [
      ...violations.map(({ id, impact, nodes }) => ({
        ...{ where, id, impact },
        nodes: nodes
          .slice(0, 3)
          .map(({ html, failureSummary }) => [html.slice(0, 160), failureSummary?.slice(0, 240)]),
      })),
      ...(wide > 1 ? [{ where, id: `${wide} pixels stick out` }] : []),
    ];
  }

  const COLOURS: RunOptions = { runOnly: ['color-contrast'] };

  test.each(SCENE_IDS)(
    'scene %s, all sizes and colours, zoomed → axe finds nothing',
    async (scene) => {
      const found: unknown[] = [];
      const page = await site.open({ at: `#${scene}/nano` });
      await page.evaluate(axe.source);
      const client = await page.context().newCDPSession(page);
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme: 'light' });
        found.push(...(await findings(page, `${width}×${height}`)));
        await page.emulateMedia({ colorScheme: 'dark' });
        found.push(...(await findings(page, `${width}×${height}, dark`, COLOURS)));
      }
      await page.emulateMedia({ colorScheme: 'light', forcedColors: 'active' });
      found.push(...(await findings(page, 'forced colours')));
      await page.emulateMedia({ forcedColors: 'none' });
      // 200 % of 1280×800.
      const zoomed = { width: 640, height: 400, deviceScaleFactor: 2, mobile: false };
      await client.send('Emulation.setDeviceMetricsOverride', zoomed);
      found.push(...(await findings(page, '200 %')));
      await page.context().close();
      expect(found).toEqual([]);
      expect(site.complaints()).toEqual([]);
    },
  );

  test('settings, share and question open → axe finds nothing', async () => {
    const found: unknown[] = [];
    for (const [width, height] of [SIZES[0], SIZES[3]]) {
      const page = await site.open({ at: '#1/nano', width, height });
      await page.evaluate(axe.source);
      for (const name of ['? Question', 'Share', 'Settings']) {
        const button = page.getByRole('button', { name, exact: true });
        await button.click();
        if (name === 'Settings') await page.getByText('About this page').click();
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          found.push(...(await findings(page, `${name} at ${width}, ${colorScheme}`)));
        }
        await page.keyboard.press('Escape');
        expect(await page.locator('.share-card, .question-card, .drawer').count(), name).toBe(0);
      }
      await page.context().close();
    }
    expect(found).toEqual([]);
  });

  test('keyboard alone → through all scenes, at most 12 stops before the map, each visible', async () => {
    const page = await site.open({ at: '#0/nano' });
    const focus = () =>
      page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        const rings = [element, element.parentElement, element.nextElementSibling];
        return {
          name: (element.getAttribute('aria-label') ?? element.textContent ?? '').slice(0, 40),
          isVisible: rings.some((each) => each && getComputedStyle(each).outlineStyle !== 'none'),
          isOnStage: element.closest('.stage') !== null,
          isScene: element.matches('.scene-nav a'),
        };
      });
    // The skip link, then the scenes.
    await page.keyboard.press('Tab');
    expect((await focus()).name).toBe('Skip to the map');
    await page.keyboard.press('Tab');
    const counts: Record<string, readonly string[]> = {};
    for (const [n, scene] of scenes.entries()) {
      if (n > 0) {
        await page.keyboard.press('ArrowRight');
        await page.keyboard.press('Enter');
      }
      await page.locator(`.explorer[data-scene="${scene}"]`).waitFor();
      await page.waitForTimeout(400);
      expect(await focus()).toMatchObject({ isScene: true, isVisible: true });
      const stops = ['Skip to the map', scene];
      for (let tries = 0; tries < 2 * MAX_STOPS; tries++) {
        await page.keyboard.press('Tab');
        const now = await focus();
        expect(now, `${scene}: ${now.name}`).toMatchObject({ isVisible: true });
        if (now.isOnStage) break;
        stops.push(now.name);
      }
      counts[scene] = stops;
      expect(stops.length, `${scene}: ${stops.join(' | ')}`).toBeLessThanOrEqual(MAX_STOPS);
      for (const _ of stops.slice(1)) await page.keyboard.press('Shift+Tab');
    }
    expect(Object.keys(counts)).toEqual(scenes);
    await page.context().close();
  });

  test('a swipe over each map of each scene → nothing is picked and nothing painted', async () => {
    const page = await site.open({ at: '#0/nano', width: 390, height: 844, touch: true });
    const client = await page.context().newCDPSession(page);
    for (const scene of scenes) {
      await page.evaluate((id) => {
        location.hash = `#${id}/nano`;
      }, scene);
      await page.locator(`.explorer[data-scene="${scene}"]`).waitFor();
      await page.waitForTimeout(1500);
      const state = () =>
        page.evaluate(() => {
          const text = document.querySelector('.scene-text')?.textContent;
          const drawn = [...document.querySelectorAll<HTMLCanvasElement>('.stage canvas')].map(
            (canvas) => canvas.toDataURL(),
          );
          return [location.hash, text, ...drawn];
        });
      const before = await state();
      const boxes = await page.locator('.stage canvas').evaluateAll((all) =>
        all
          .map((canvas) => canvas.getBoundingClientRect())
          .filter(({ width, height, top }) => width > 40 && height > 40 && top < 800)
          .map(({ left, top, width, height }) => [left + width / 3, top + height / 2]),
      );
      expect(boxes.length, scene).toBeGreaterThan(0);
      for (const [x, y] of boxes.slice(0, 4)) {
        const at = (by: number) => ({ touchPoints: [{ x, y: y + by }] });
        await client.send('Input.dispatchTouchEvent', { type: 'touchStart', ...at(0) });
        for (const by of [8, 20, 35, 50]) {
          await client.send('Input.dispatchTouchEvent', { type: 'touchMove', ...at(-by) });
        }
        await client.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
      }
      await page.waitForTimeout(600);
      expect(await state(), `scene ${scene}`).toEqual(before);
    }
    await page.context().close();
  });

  test('the page’s own thread → never stands still for more than 100 ms', async () => {
    const open = () => site.open({ before: watchMainThread, at: '#0/nano' });
    const isGood = await longestBlock('nano at 256×256', open, async (page) => {
      for (const scene of scenes) {
        await page.locator(`.scene-nav a[href="#${scene}"]`).click();
        await page.locator(`.explorer[data-scene="${scene}"]`).waitFor();
        const map = page.locator('.stage canvas').first();
        for (const x of [20, 60, 90, 120]) {
          await map.hover({ position: { x, y: x }, force: true });
          await page.waitForTimeout(60);
        }
        await page.waitForTimeout(300);
      }
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
