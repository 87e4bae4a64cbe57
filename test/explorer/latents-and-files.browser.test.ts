import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import { dequantizeLatents, quantizeLatents } from '../../src/index.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { hashOf, usePicture } from './at-the-page.ts';
import { nanoTrip, PICTURE, type Trip } from './nano-trip.ts';
import { isDrawnOn, pngHeader, psnr, wide } from './pictures.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The rest of the explorer clicked through in a real browser: the latent, costs, the path from
 * noise, pictures and files of all kinds.
 */

describe.skipIf(!isBrowserHere)('explorer, latents and files [Chromium]', () => {
  let site: Site;
  let page: Page;
  let trip: Trip;
  beforeAll(async () => {
    trip = await nanoTrip();
    site = await openSite();
    page = await site.open();
    await usePicture(page, 'lake.png', encodePng(PICTURE));
  }, START_MS);
  const folder = mkdtempSync(join(tmpdir(), 'taesd-pictures-'));
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await site?.close();
  });

  test('latent → four channels, painted by pointer and keyboard, moved, put back: the picture follows', async () => {
    const live = page.getByTestId('live');
    await live.waitFor();
    const channels = page.locator('.latent-channel canvas');
    expect(await channels.count()).toBe(4);
    const first = await hashOf(live);
    const changed = async (from: number) => {
      await expect.poll(() => hashOf(live)).not.toBe(from);
      return hashOf(live);
    };
    const box = await channels.first().boundingBox();
    if (box === null) throw new Error('no canvas');
    await channels.first().hover({ position: { x: 20, y: 20 } });
    await page.mouse.down();
    await channels.first().hover({ position: { x: box.width - 20, y: 60 } });
    await page.mouse.up();
    const painted = await changed(first);
    await channels.nth(1).focus();
    await channels.nth(1).press('ArrowLeft');
    await channels.nth(1).press(' ');
    const twice = await changed(painted);
    await page.locator('.latent-channel').nth(2).getByRole('slider').press('PageUp');
    await changed(twice);
    await page.getByRole('button', { name: 'Back to the encoded latent' }).click();
    await expect.poll(() => hashOf(live)).toBe(first);
  });

  test('quantisation on → its difference, PSNR as here; off → the picture before', async () => {
    const { latents, taesd, decoded } = trip;
    const bytes = dequantizeLatents(quantizeLatents(latents.data));
    const quantised = await taesd.decode({ shape: latents.shape, data: bytes });
    const before = await hashOf(page.getByTestId('live'));
    await page.getByLabel('Quantise to 8 bits').check();
    await page.getByTestId('quantised').waitFor();
    const wanted = `${psnr(quantised.data, 4, decoded).toFixed(2)} dB`;
    expect(await page.getByTestId('quantised').textContent()).toContain(wanted);
    expect(await hashOf(page.getByTestId('live'))).not.toBe(before);
    await page.getByLabel('Quantise to 8 bits').uncheck();
    await expect.poll(() => hashOf(page.getByTestId('live'))).toBe(before);
  });

  test('costs → a bar and a row for each layer, multiply-adds by level', async () => {
    const costs = page.locator('#costs');
    for (const chart of await costs.locator('canvas').all()) {
      await chart.scrollIntoViewIfNeeded();
      await expect.poll(() => chart.evaluate(isDrawnOn)).toBe(true);
    }
    await costs.getByText('The layers as a table').click();
    expect(await page.getByTestId('times').locator('tbody tr').count()).toBe(trip.steps.size);
    const total = [...trip.steps.values()].reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
    expect(await costs.locator('.intro').textContent()).toContain(`${(total / 1e6).toFixed(0)} M`);
  });

  test('from noise → live previews of a seeded path, the last of them the decoded picture', async () => {
    await page.getByRole('button', { name: 'Run from noise' }).click();
    const screen = page.locator('[data-model=nano]');
    await screen.getByTestId('fps').waitFor();
    const early = await hashOf(screen.locator('canvas'));
    await page.getByText('The path has ended after 60 steps.').waitFor();
    const caption = (await screen.locator('figcaption').textContent()) ?? '';
    const [, fps, shown, dropped] =
      caption.match(/([\d.]+) frames\/s.* (\d+) shown, (\d+) dropped/)?.map(Number) ?? [];
    console.log(
      `previews of nano at ${PICTURE.width}×${PICTURE.height}: ${fps} frames/s, ${shown} shown, ${dropped} dropped`,
    );
    expect(fps).toBeGreaterThan(1);
    expect(shown + dropped).toBeLessThanOrEqual(62);
    expect(early).not.toBe(await hashOf(page.getByLabel('The decoded picture')));
    const last = await hashOf(page.getByLabel('The decoded picture'));
    await expect.poll(() => hashOf(screen.locator('canvas'))).toBe(last);
    // By hand, and from another seed.
    await page.getByRole('slider', { name: 'Step', exact: true }).press('Home');
    await expect.poll(() => hashOf(screen.locator('canvas'))).not.toBe(last);
    const one = await hashOf(page.locator('.screens canvas').first());
    await page.getByLabel('Seed').fill('7');
    await page.getByLabel('Seed').press('Tab');
    await expect.poll(() => hashOf(page.locator('.screens canvas').first())).not.toBe(one);
  });

  test.each([
    ['notes.png', 'not a picture', 'is not a picture that this browser can read'],
    ['bomb.png', pngHeader(60000, 60000), 'is 60000×60000: more than the 64 million pixels'],
    ['film.png', new Uint8Array(49 * 2 ** 20), 'has 49 MB: more than the 48 MB'],
  ])('%s → said in words, the page goes on', async (name, content, words) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    await page.getByLabel('Choose a picture').setInputFiles(path);
    expect(await page.getByRole('alert').getByText(words).textContent()).toContain(name);
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await page.getByRole('alert').textContent()).toBe('');
    expect(await page.getByTestId('psnr').isVisible()).toBe(true);
  });

  test('weights that are none → said in words, the model stays', async () => {
    const buffer = Buffer.from('not weights at all');
    const file = { name: 'taesd.safetensors', mimeType: '', buffer };
    await page.getByLabel('Open weights').setInputFiles(file);
    await page.getByRole('alert').getByText('safetensors').waitFor();
    expect(await page.getByText(/^At work: /).textContent()).toContain('nano');
    await page.getByRole('button', { name: 'Close' }).click();
  });

  test('a model that is not here → offered for download, not replaced', async () => {
    await page.getByLabel('Whose latents it speaks').selectOption('taesdxl');
    await page.getByRole('button', { name: 'Download taesdxl, 5 MB' }).waitFor();
    expect(await page.getByText(/^At work: /).textContent()).toContain('nano');
    await page.getByLabel('Whose latents it speaks').selectOption('nano');
    expect(await page.getByRole('button', { name: /^Download/ }).count()).toBe(0);
  });

  test('a picture that is too large → made smaller, and said; the sample', async () => {
    await usePicture(page, 'wide.png', encodePng(wide(600, 40)));
    expect(await page.getByText(/^Shown: /).textContent()).toContain(
      'made smaller from 600×40 to 256×17',
    );
    await page.getByRole('button', { name: 'Use the sample' }).click();
    await page.locator('.status', { hasText: 'Done: the sample, 256×256' }).waitFor();
    const { data } = decodePng(encodePng(renderPicture(256)));
    expect(await hashOf(page.getByLabel('The original picture'))).toBe(
      [...data].reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 7),
    );
  });

  test('a picture dropped on the page → taken', async () => {
    const bytes = [...encodePng(PICTURE)];
    const transfer = await page.evaluateHandle((content) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(content)], 'dropped.png', { type: 'image/png' }));
      return data;
    }, bytes);
    await page.locator('.page').dispatchEvent('dragover', { dataTransfer: transfer });
    expect(await page.locator('.page.dropping').count()).toBe(1);
    await page.locator('.page').dispatchEvent('drop', { dataTransfer: transfer });
    await page.locator('.status', { hasText: 'Done: dropped.png' }).waitFor();
    expect(await page.locator('.page.dropping').count()).toBe(0);
  });

  test('all of it → nothing in the console, under the strict policy', () => {
    expect(site.complaints()).toEqual([]);
  });
});
