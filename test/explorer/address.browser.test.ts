import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The address is the state: a link shows what its writer saw, and Back goes back.
 */

describe.skipIf(!isBrowserHere)('explorer, addresses [Chromium]', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  }, START_MS);
  afterAll(() => site?.close());

  const scenes = (page: Page): Promise<string[]> =>
    page
      .locator('.scene-nav a')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href')?.slice(1) ?? ''));

  /** The scene's text, once it has been the same for a while: measurements come one by one. */
  async function text(page: Page): Promise<string> {
    let last = '';
    for (;;) {
      const now = (await page.locator('.scene-text').innerText()).trim();
      if (now === last && now !== '') return now;
      last = now;
      await page.waitForTimeout(700);
    }
  }

  const hash = (page: Page): Promise<string> => page.evaluate(() => location.hash);

  test('each scene by clicks, then its address opened cold → one text; Back → the scene before', async () => {
    const page = await site.open({ at: '#0/nano' });
    const ids = await scenes(page);
    const seen: { id: string; hash: string; text: string }[] = [];
    for (const id of ids) {
      if (id !== '0') await page.locator(`.scene-nav a[href="#${id}"]`).click();
      await page.locator(`.explorer[data-scene="${id}"]`).waitFor();
      const shown = await text(page);
      // The pixel is written when it rests.
      await page.waitForTimeout(400);
      seen.push({ id, hash: await hash(page), text: shown });
    }
    expect(seen.map(({ hash }) => hash.slice(1).split('/')[0])).toEqual(ids);
    expect(new Set(seen.map(({ text }) => text)).size).toBe(ids.length);
    for (const { id } of seen.toReversed().slice(1)) {
      await page.goBack();
      await page.locator(`.explorer[data-scene="${id}"]`).waitFor();
    }
    expect(await text(page)).toBe(seen[0].text);
    await page.context().close();
    for (const one of seen) {
      const cold = await site.open({ at: one.hash });
      expect({ ...one, text: await text(cold) }).toEqual(one);
      expect(await hash(cold)).toBe(one.hash);
      await cold.context().close();
    }
    expect(site.complaints()).toEqual([]);
  });

  test('a pixel of a filter in the address → its sum is shown; a tap changes the address', async () => {
    const page = await site.open({ at: '#1/nano/encoder.0/5/40,30' });
    const map = page.getByRole('application', { name: /^Filter 6\b/ });
    await map.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => hash(page)).toBe('#1/nano/encoder.0/5/41,30');
    await page.context().close();
  });

  test('copy link, text, CSV, LaTeX, SVG, PNG, code → on the clipboard, and said', async () => {
    const page = await site.open({ at: '#1/nano/encoder.0/5/40,30' });
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    const copy = async (label: string) => {
      await page.getByRole('button', { name: label, exact: true }).click();
      await page.locator('.status', { hasText: 'Copied.' }).waitFor();
      return clipboard();
    };
    await page.getByRole('button', { name: 'Share', exact: true }).click();
    expect(await copy('Copy link')).toMatch(/some\/where\/#1\/nano\/encoder\.0\/5\/40,30$/);
    const value = Number(
      (await page.getByTestId('value').textContent())?.replace('−', '-').match(/-?[\d.]+/)?.[0],
    );
    const csv = (await copy('Copy CSV')).trim().split(/\r?\n/);
    expect(csv).toHaveLength(1 + 27 + 3);
    expect(Number(csv.at(-1)?.split(',').at(-1))).toBeCloseTo(value, 2);
    expect(await copy('Copy text')).toContain('x 40, y 30');
    expect(await copy('Copy LaTeX')).toContain('\\begin{align*}');
    const svg = await copy('Copy SVG');
    expect(svg.slice(0, 4)).toBe('<svg');
    expect(svg.match(/<image /g)).toHaveLength(2);
    const code = await copy('Copy code');
    expect(code).toContain('?embed=stage#1/nano/encoder.0/5/40,30"');
    await page.getByRole('button', { name: 'Copy PNG' }).click();
    const types = () =>
      page.evaluate(async () => (await navigator.clipboard.read()).flatMap((item) => item.types));
    await expect.poll(types, { timeout: START_MS }).toContain('image/png');
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save SVG' }).click();
    expect((await saved).suggestedFilename()).toBe('explorer-1-nano-encoder.0-5-40,30.svg');
    await page.keyboard.press('Escape');
    expect(await page.locator('.share-card').count()).toBe(0);
    expect(site.complaints()).toEqual([]);
    await page.context().close();
  });

  test('one figure in a frame of any size → inside the frame, nothing else', async () => {
    const wanted = { input: 'input', sum: 'sum-box', output: 'output', ribbon: 'ribbon' };
    for (const [embed, part] of [...Object.entries(wanted), ['stage', 'input'] as const]) {
      const page = await site.open({ at: `?embed=${embed}#1/nano`, width: 800, height: 450 });
      for (const [width, height] of [
        [320, 240],
        [480, 640],
        [800, 450],
        [1600, 900],
      ]) {
        await page.setViewportSize({ width, height });
        const found = await page.evaluate((name) => {
          const box = document.querySelector(`[data-part="${name}"]`)?.getBoundingClientRect();
          const { scrollWidth, scrollHeight } = document.documentElement;
          const shown = [...document.querySelectorAll('[data-part]')].filter(
            (each) => each.getBoundingClientRect().width > 0,
          );
          return {
            box: box && [box.left, box.top, innerWidth - box.right, innerHeight - box.bottom],
            scrolls: [scrollWidth > innerWidth, scrollHeight > innerHeight],
            width: box?.width ?? 0,
            parts: shown.map((each) => (each as HTMLElement).dataset.part),
          };
        }, part);
        const where = `${embed} at ${width}×${height}`;
        expect(Math.min(...(found.box ?? [-99])), where).toBeGreaterThanOrEqual(-1);
        expect(found.scrolls, where).toEqual([false, false]);
        expect(found.width, where).toBeGreaterThan(embed === 'stage' ? 60 : 120);
        if (embed === 'input') expect(found.parts, where).not.toContain('output');
      }
      await page.context().close();
    }
  });

  test('hide=… → the parts are left out', async () => {
    const page = await site.open({ at: '?hide=header,ribbon,text,question,bar,settings#1/nano' });
    expect(await page.locator('.masthead, .ribbon, .scene-text, .scene-bar').count()).toBe(0);
    expect(await page.locator('[data-part="sum"]').isVisible()).toBe(true);
    await page.context().close();
  });

  test('print → one page', async () => {
    const page = await site.open({ at: '#1/nano' });
    const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1');
    expect(pdf.match(/\/Type\s*\/Page\b/g)).toHaveLength(1);
    await page.context().close();
  });
});
