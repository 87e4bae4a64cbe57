import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import { shrink } from '../../explorer/src/engine/shrink.ts';
import { mirrored } from '../../explorer/src/measure/fit.ts';
import { brushed, eightBit, mixed, shifted, stamped } from '../../explorer/src/measure/paint.ts';
import { eightBitText } from '../../explorer/src/text/latent.ts';
import { readLatents } from '../../src/formats/index.ts';
import type { Picture, TaesdError, Tensor } from '../../src/index.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { utf8 } from '../bytes.ts';
import { comfyByHand, safetensorsByHand } from '../formats/files-by-hand.ts';
import { seededNumbers } from '../formats/seeded-numbers.ts';
import {
  decodedCanvas,
  hashOf,
  hashOfBytes,
  inSettings,
  toScene,
  toTab,
  usePicture,
} from './at-the-page.ts';
import { dropFile, IS_NOTHING } from './drop-file.ts';
import { nanoTrip, PICTURE, type Trip } from './nano-trip.ts';
import { psnr, wide } from './pictures.ts';
import { rgba } from './rgba.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The latent changed by hand, saved and opened again, weights, and pictures that are made smaller,
 * in a real browser: what is shown against what this process decodes.
 */

describe.skipIf(!isBrowserHere)('explorer, latents and files [Chromium]', () => {
  let site: Site;
  let page: Page;
  let trip: Trip;
  beforeAll(async () => {
    trip = await nanoTrip();
    site = await openSite();
    page = await site.open({ at: '#4/nano' });
    await usePicture(page, 'lake.png', encodePng(PICTURE));
  }, START_MS);
  const folder = mkdtempSync(join(tmpdir(), 'taesd-pictures-'));
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    trip?.taesd.dispose();
    await site?.close();
  });

  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const status = () => page.locator('.status').textContent();
  const inputCanvas = () => page.locator('.bottleneck [data-part="input"] canvas');
  const channel = (n: number) => page.locator(`[data-part="channel-${n}"] canvas`);

  /** Waits until the page shows the picture of latents as this process decodes it. */
  async function expectDecoded(latents: Tensor): Promise<Picture> {
    const wanted = await trip.taesd.decode(latents);
    await expect.poll(() => hashOf(decodedCanvas(page))).toBe(hashOfBytes(wanted.data));
    const caption = page.locator('[data-part="output"] figcaption');
    await expect
      .poll(() => caption.textContent())
      .toContain(`Decoded by nano: ${psnr(PICTURE.data, 3, wanted).toFixed(2)} dB`);
    return wanted;
  }

  test('painted by keys and pointer, undone, done again, put back → the picture of those numbers', async () => {
    const { latents } = trip;
    await expectDecoded(latents);
    expect(await page.locator('.latent-channel').count()).toBe(4);
    await press('Paint');
    // Keys begin in the middle.
    await channel(1).press('ArrowLeft');
    await channel(1).press(' ');
    const once = brushed(latents, { channel: 1, y: 6, x: 5, value: 2, radius: 2 });
    await expectDecoded(once);
    // A stroke of the pointer has no gaps.
    const box = await channel(0).boundingBox();
    if (box === null) throw new Error('no canvas');
    const cell = box.width / 12;
    const at = (x: number, y: number) => ({
      position: { x: (x + 0.5) * cell, y: (y + 0.5) * cell },
    });
    await channel(0).hover(at(2, 3));
    await page.mouse.down();
    await channel(0).hover(at(7, 3));
    await page.mouse.up();
    let twice = once;
    for (let x = 2; x <= 7; x++) {
      twice = brushed(twice, { channel: 0, y: 3, x, value: 2, radius: 2 });
    }
    await expectDecoded(twice);
    await press('Undo');
    await expectDecoded(once);
    await page.keyboard.press('Control+Shift+Z');
    await expectDecoded(twice);
    await press('Reset');
    await expectDecoded(latents);
  });

  test('a channel shifted, a stamp, a mixture → the picture of those numbers', async () => {
    const { latents, taesd } = trip;
    await press('Shift');
    await channel(2).press(' ');
    await page.getByRole('slider', { name: 'Added to channel 2' }).fill('-0.5');
    await expectDecoded(shifted(latents, [0, 0, -0.5, 0]));
    await press('Undo');
    await press('Stamp');
    // The pointer looked at this place last. Enter frames it, Space stamps it elsewhere.
    const side = Math.round(12 * 0.16);
    const first = { y: 3, x: 7 };
    await channel(0).press('Enter');
    for (let n = 0; n < 4; n++) await channel(0).press('ArrowDown');
    await channel(0).press(' ');
    const corner = ({ y, x }: { y: number; x: number }) => ({
      y: y - (side >> 1),
      x: x - (side >> 1),
    });
    const from = { ...corner(first), width: side, height: side };
    await expectDecoded(stamped(latents, from, corner({ y: 7, x: 7 })));
    await press('Undo');
    await press('Mix');
    await page.getByRole('slider', { name: /^Of the picture, mirrored/ }).fill('0.5');
    const other = await taesd.encode(mirrored(rgba(PICTURE)));
    await expectDecoded(mixed(latents, other, 0.5));
    await press('Reset');
    await expectDecoded(latents);
  });

  test('8 bits on → bytes and dB as here; off → the picture before', async () => {
    const { latents, decoded } = trip;
    await page.getByLabel('8 bits').check();
    const made = await expectDecoded(eightBit(latents));
    const text = eightBitText(latents.data.length, {
      plain: psnr(PICTURE.data, 3, decoded),
      bytes: psnr(PICTURE.data, 3, made),
    });
    expect(text).toContain(`${latents.data.length} bytes instead of `);
    await expect.poll(() => page.locator('.eight-bits').textContent()).toContain(text);
    await page.getByLabel('8 bits').uncheck();
    await expectDecoded(latents);
  });

  test('latent and picture saved → files of those numbers; the latent dropped → decoded, its picture shown', async () => {
    const saved = async (name: string) => {
      const file = page.waitForEvent('download');
      await press(name);
      const path = join(folder, (await file).suggestedFilename());
      await (await file).saveAs(path);
      return path;
    };
    const latentPath = await saved('Save latent');
    const bytes = readFileSync(latentPath);
    const size = bytes.length.toLocaleString('en-US');
    await expect.poll(status).toBe(`Saved nano-latents.safetensors: ${size} bytes.`);
    const picturePath = await saved('Save picture');
    await expect.poll(status).toBe('Saved nano-picture.png.');
    expect([latentPath, picturePath].map((path) => basename(path))).toEqual([
      'nano-latents.safetensors',
      'nano-picture.png',
    ]);
    const read = await readLatents(bytes);
    expect(read).toMatchObject({ model: 'taesd', width: PICTURE.width, height: PICTURE.height });
    expect(read.latents).toEqual(trip.latents);
    const png = decodePng(readFileSync(picturePath));
    const channels = png.data.length / (png.width * png.height);
    expect(psnr(png.data, channels, trip.decoded)).toBe(Infinity);
    await dropFile(page, 'mine.safetensors', bytes);
    const done = 'Done: the latents of mine.safetensors, 96×96, through the 19 layers of nano.';
    await page.locator('.status', { hasText: done }).waitFor();
    const note = page.getByRole('note');
    expect(await note.textContent()).toContain(
      '“mine.safetensors” holds latents of taesd: 4 channels of 12×12, for a picture of 96×96',
    );
    await note.getByRole('button', { name: 'Close' }).click();
    const wanted = hashOfBytes(trip.decoded.data);
    expect(await hashOf(inputCanvas())).toBe(wanted);
    expect(await hashOf(decodedCanvas(page))).toBe(wanted);
  });

  const small = seededNumbers('F32', [1, 4, 5, 5], 3);
  const oneWeight = safetensorsByHand([['decoder.1.weight', small]]);
  const refusal = () =>
    Taesd.load({ model: 'taesd', weights: oneWeight, workers: 0 }).then(
      () => '',
      ({ sentence }: TaesdError) => sentence,
    );

  test('weights that are none → said in words, the model stays; a model that is not here → offered', async () => {
    await inSettings(page, async (drawer) => {
      const atWork = drawer.getByText(/^At work: /);
      const alert = page.getByRole('alert');
      for (const [buffer, words] of [
        [utf8('not weights at all'), `“taesd.safetensors” ${IS_NOTHING}`],
        [oneWeight, await refusal()],
      ] as const) {
        const file = { name: 'taesd.safetensors', mimeType: '', buffer: Buffer.from(buffer) };
        await drawer.getByLabel('Open weights').setInputFiles(file);
        await expect.poll(() => alert.locator('span').allTextContents()).toEqual([words]);
        expect(await status()).toBe('');
        expect(await atWork.textContent()).toBe('At work: nano, weights from the package.');
        await alert.getByRole('button', { name: 'Close' }).click();
      }
      const models = drawer.getByLabel('Whose latents it speaks');
      await models.selectOption('taesdxl');
      await drawer.getByRole('button', { name: 'Download taesdxl, 5 MB' }).waitFor();
      expect(await status()).toBe(
        'The weights of taesdxl are not here: they can be downloaded, or opened from files.',
      );
      expect(await atWork.textContent()).toContain('nano');
      // Latents that wait are not shown yet.
      const shown = drawer.getByText(/^Shown: /);
      const before = await shown.textContent();
      await dropFile(page, 'wide.latent', comfyByHand(seededNumbers('F32', [1, 16, 3, 3], 1)));
      await page.locator('.status', { hasText: 'wide.latent wait for a model with 16' }).waitFor();
      expect(await shown.textContent()).toBe(before);
      // Latents that name nano's own space need no other model.
      await dropFile(page, 'named.latent', comfyByHand(small, { isMarked: false }));
      await page.locator('.status', { hasText: 'Done: the latents of named.latent, ' }).waitFor();
      expect(await models.inputValue()).toBe('nano');
      expect(await shown.textContent()).toContain('Shown: the latents of named.latent, 40×40.');
      expect(await drawer.getByRole('button', { name: /^Download/ }).count()).toBe(0);
      await page.getByRole('note').getByRole('button', { name: 'Close' }).click();
    });
  });

  test('a picture that is too large → made smaller, and said; the sample', async () => {
    const large = wide(600, 40);
    await usePicture(page, 'wide.png', encodePng(large));
    expect(await hashOf(inputCanvas())).toBe(hashOfBytes(shrink(rgba(large), 256).data));
    await inSettings(page, async (drawer) => {
      expect(await drawer.getByText(/^Shown: /).textContent()).toContain(
        'made smaller from 600×40 to 256×17',
      );
      await drawer.getByRole('button', { name: 'Use the sample' }).click();
      await page.locator('.status', { hasText: 'Done: the sample, 256×256' }).waitFor();
    });
    await toTab(page, 'Compare');
    const { data } = decodePng(encodePng(renderPicture(256)));
    expect(await hashOf(page.getByLabel('The original picture'))).toBe(hashOfBytes(data));
    await toScene(page, '4');
  });

  test('all of it → nothing in the console, under the strict policy', () => {
    expect(site.complaints()).toEqual([]);
  });
});
