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

  /** A figure of one address in frames of several sizes. */
  async function* framed(at: string) {
    const page = await site.open({ at, width: 800, height: 450 });
    for (const [width, height] of [
      [320, 240],
      [400, 400],
      [480, 640],
      [800, 450],
      [1280, 800],
    ]) {
      await page.setViewportSize({ width, height });
      // The stage is drawn in its new size.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => done(0))));
      await page.waitForTimeout(50);
      const shown = await page.evaluate(() => {
        const all = [...document.querySelectorAll<HTMLElement>('[data-part], .cell, .map canvas')]
          .filter((each) => each.checkVisibility({ visibilityProperty: true }))
          .map((each) => {
            const box = each.getBoundingClientRect();
            const { left, top, right, bottom } = box;
            return {
              name: each.dataset.part ?? each.classList[0] ?? '',
              within: [
                ...[each.closest('.sum-row') && 'row', each.closest('.loupe') && 'loupe'],
                ...['input', 'sum-box', 'output', 'ribbon'].filter((part) =>
                  each.closest(`[data-part="${part}"]`),
                ),
              ],
              ...{ left, top, right, bottom, width: box.width, height: box.height },
            };
          })
          .filter((each) => each.width > 0);
        const { scrollWidth, scrollHeight } = document.documentElement;
        return { all, scrolls: [scrollWidth > innerWidth, scrollHeight > innerHeight] };
      });
      const where = `${at} at ${width}×${height}`;
      expect(shown.scrolls, where).toEqual([false, false]);
      yield { ...shown, page, width, height, where };
    }
    expect(site.complaints()).toEqual([]);
    await page.context().close();
  }

  const FRAMED = [
    '#1/nano/encoder.0/5/40,30',
    '#2/nano/encoder.0/0/76,76',
    '#3/nano/encoder.3/12/40,25',
    '#free/nano/encoder.3/12/40,25',
  ];

  test.each([...FRAMED, '#4/nano'])('input or output of %s alone → fills its frame', async (at) => {
    for (const part of ['input', 'output']) {
      for await (const { all, width, height, where } of framed(`?embed=${part}${at}`)) {
        expect(
          all.filter(({ within }) => !within.includes(part)),
          where,
        ).toEqual([]);
        const [map] = all.filter(({ name }) => name === part);
        const inside = [map.left, map.top, width - map.right, height - map.bottom];
        expect(Math.min(...inside), where).toBeGreaterThanOrEqual(-1);
        const [canvas] = all.filter(({ name }) => name === 'map-canvas');
        expect(canvas.height, where).toBeGreaterThan(0.6 * Math.min(width, height));
        // In the middle of the frame.
        expect(Math.abs(width - canvas.left - canvas.right), where).toBeLessThan(4);
      }
    }
  });

  test.each(FRAMED)('the sum of %s alone → all its cells inside the frame', async (at) => {
    for await (const { all, width, height, where } of framed(`?embed=sum${at}`)) {
      expect(
        all.filter(({ within }) => !within.includes('sum-box')),
        where,
      ).toEqual([]);
      const names = all.map(({ name }) => name);
      const rows = names.filter((name) => name === 'products').length;
      expect(rows, where).toBe(at.startsWith('#3') ? 1 : 3);
      expect(
        names.filter((name) => name === 'cell' || name === 'weight'),
        where,
      ).toHaveLength(27 * rows);
      for (const { name, left, top, right, bottom, ...size } of all) {
        const edge = Math.min(left, top, width - right, height - bottom);
        expect(edge, `${name} of ${where}`).toBeGreaterThanOrEqual(-1);
        if (name !== 'cell') continue;
        expect(size.width, where).toBeGreaterThan(12);
        expect(size.height, where).toBeGreaterThan(9);
      }
    }
  });

  test.each(FRAMED)('the stage of %s alone → whole, its parts beside each other', async (at) => {
    for await (const { all, width, height, where } of framed(`?embed=stage${at}`)) {
      const parts = ['input', 'sum-box', 'output', 'presets', 'quest'];
      const boxes = all.filter(({ name }) => parts.includes(name));
      expect(
        boxes.map(({ name }) => name),
        where,
      ).toEqual(expect.arrayContaining(['input', 'sum-box', 'output']));
      for (const one of boxes) {
        const { left, top, right, bottom } = one;
        const edge = Math.min(left, top, width - right, height - bottom);
        expect(edge, `${one.name} of ${where}`).toBeGreaterThanOrEqual(-1);
        for (const other of boxes) {
          const across = Math.min(right, other.right) - Math.max(left, other.left);
          const down = Math.min(bottom, other.bottom) - Math.max(top, other.top);
          if (other !== one) {
            const both = `${one.name} and ${other.name} of ${where}`;
            expect(Math.min(across, down), both).toBeLessThanOrEqual(1);
          }
        }
      }
      for (const cell of all.filter(({ name }) => name === 'cell')) {
        expect(Math.min(cell.width, cell.height), where).toBeGreaterThan(4);
      }
    }
  });

  test('the ribbon alone → inside its frame; a sum that a scene lacks → its stage', async () => {
    for await (const { all, width, where } of framed('?embed=ribbon#1/nano')) {
      const ribbon = all.find(({ name }) => name === 'ribbon');
      expect(ribbon?.width, where).toBeGreaterThan(0.9 * width);
    }
    for await (const { all, page } of framed('?embed=sum#4/nano')) {
      expect(await page.locator('.explorer.embed-stage').count()).toBe(1);
      expect(all.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['input', 'output', 'tools']),
      );
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
