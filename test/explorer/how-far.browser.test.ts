import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadDream } from '../../examples/dream/dream.mjs';
import { renderPicture } from '../../examples/render-picture.mjs';
import { brushed } from '../../explorer/src/measure/paint.ts';
import { ringsAround } from '../../explorer/src/measure/rings.ts';
import { joinTiles, largestDifference, splitTiles } from '../../explorer/src/measure/seam.ts';
import { ringsText, seamText } from '../../explorer/src/text/measured.ts';
import { type Picture, type Tensor, VARIANTS } from '../../src/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { hashOf } from './at-the-page.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * How far a number sees, and a landscape from noise: what the page says and shows against what this
 * process gets.
 */

const LAYER = `encoder.${VARIANTS.nano.networks.encoder.length - 1}`;
const PLACE = { channel: 2, y: 11, x: 20 };
const DREAM = new URL('../../weights/dream/dream.safetensors', import.meta.url);

describe.skipIf(!isBrowserHere)('explorer, how far it sees; from noise [Chromium]', () => {
  let site: Site;
  let page: Page;
  let taesd: Taesd;
  let latents: Tensor;
  let whole: Picture;
  beforeAll(async () => {
    taesd = await Taesd.load({ model: 'nano', workers: 0 });
    latents = await taesd.encode(renderPicture(256));
    whole = await taesd.decode(latents);
    site = await openSite();
    const { channel, y, x } = PLACE;
    page = await site.open({ at: `#6/nano/${LAYER}/${channel}/${x},${y}` });
  }, START_MS);
  afterAll(async () => {
    taesd?.dispose();
    await site?.close();
  });

  test('one number of the latent changed → what changes by distance, as measured here', async () => {
    const { channel, y, x } = PLACE;
    const [, , height, width] = latents.shape;
    const value = latents.data[(channel * height + y) * width + x] + 1;
    const poked = await taesd.decode(brushed(latents, { channel, y, x, value, radius: 1 }));
    const text = ringsText(ringsAround(whole, poked, { x, y, size: 8 }), 5, 8);
    await page.locator('.far-text', { hasText: text }).waitFor();
    const chart = page.getByTestId('rings').getByRole('img');
    expect(await chart.getAttribute('aria-label')).toContain(text);
    expect(await page.evaluate(() => location.hash)).toBe(`#6/nano/${LAYER}/${channel}/${x},${y}`);
  });

  test('two halves → the difference to the whole for each overlap, as measured here', async () => {
    const chart = page.getByTestId('seams').getByRole('img');
    await expect
      .poll(() => chart.getAttribute('aria-label'), { timeout: 60_000 })
      .toContain('of 255');
    const told = (await chart.getAttribute('aria-label')) ?? '';
    const { width, height } = whole;
    for (const overlap of [0, 3, 8]) {
      const tiles = splitTiles(latents, { overlap, downscale: 8, width, height });
      const left = await taesd.decode(tiles.left.latents);
      const right = await taesd.decode(tiles.right.latents);
      const { difference } = largestDifference(whole, joinTiles(tiles, left, right));
      expect(told).toMatch(new RegExp(`[ :]${overlap}: ${difference}[,.]`));
      await page.getByRole('slider', { name: 'Overlap' }).fill(`${overlap}`);
      await page.locator('.far-text', { hasText: seamText(overlap, difference) }).waitFor();
      expect(await page.getByTestId('seam').textContent()).toBe(`${difference}`);
    }
  });

  test('a landscape from noise → the weights are fetched then, the picture is that of here', async () => {
    const isFetched = () => site.asked().some((name) => /dream.*\.safetensors$/.test(name));
    expect(isFetched()).toBe(false);
    await page.locator('.scene-nav a[href="#free"]').click();
    await page.getByRole('tab', { name: 'From noise' }).click();
    await page.getByRole('slider', { name: 'Steps' }).press('Home');
    await page.getByLabel('Place').selectOption('lake');
    await page.getByRole('button', { name: 'Run from noise' }).click();
    await page.getByTestId('fps').waitFor();
    await page.getByText('The path has ended after 4 steps.').waitFor();
    expect(isFetched()).toBe(true);
    const dream = await loadDream(readFileSync(DREAM), { workers: 0 });
    const made = await dream.generate({ seed: 1, steps: 4, wanted: { place: 'lake' } });
    const { data } = await taesd.decode(made);
    dream.dispose();
    const wanted = [...data].reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 7);
    expect(await hashOf(page.getByLabel('The landscape'))).toBe(wanted);
    await page.getByRole('button', { name: 'Use this picture' }).click();
    await page.locator('.status', { hasText: 'Done: a landscape by dream, seed 1' }).waitFor();
    expect(await hashOf(page.getByLabel('The original picture'))).toBe(wanted);
  });

  test('all of it → nothing in the console, under the strict policy', () => {
    expect(site.complaints()).toEqual([]);
  });
});
