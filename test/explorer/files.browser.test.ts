import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eightBit } from '../../explorer/src/measure/paint.ts';
import { overWhite } from '../../explorer/src/measure/psnr.ts';
import { encodeLatentPng, encodeLatentSafetensors, readLatents } from '../../src/formats/index.ts';
import { LATENT_FORMATS } from '../../src/formats/table.ts';
import type { Picture, TaesdError } from '../../src/index.ts';
import { fromVaeLatents } from '../../src/latent.ts';
import { decodePicture } from '../../src/picture/index.ts';
import { encodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { utf8 } from '../bytes.ts';
import { buildExif } from '../exif/build-exif.ts';
import { LATENT_CASES, type LatentCase } from '../formats/latent-cases.ts';
import { seededNumbers } from '../formats/seeded-numbers.ts';
import {
  ALPHA,
  BASELINE,
  FULL,
  GREY,
  jpegWithExif,
  LOSSLESS,
  LOSSY,
  PROGRESSIVE,
} from '../picture/files.ts';
import { randomWeights } from '../small-model.ts';
import { decodedCanvas, hashOf, hashOfBytes, inSettings, pixelsOf } from './at-the-page.ts';
import { dropFile, IS_NOTHING } from './drop-file.ts';
import { PICTURE } from './nano-trip.ts';
import { QUARTERS, quartersAvif, quartersBmp, quartersGif } from './picture-files.ts';
import { pngHeader } from './pictures.ts';
import { rgba } from './rgba.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * Files of what people have, in a real browser: pictures of every kind and latents of every format,
 * dropped on the page, and files that it cannot read.
 */

const TOO_MANY_PIXELS =
  'more than the 64 million pixels that this page unpacks. A smaller copy of it will do.';
const TOO_MANY_BYTES = 'more than the 48 MB that this page reads. A smaller copy of it will do.';
const MODELS_OF_16 =
  'Models with as many: taesd3, taef1, taef1-1.1, taew2_1. They are decoded when one of them is chosen in the settings.';
const CANVAS_LIES =
  'This browser changes the pixels that pages read from a canvas, as a protection against fingerprinting, so this picture is not quite the one in the file. A PNG file is read without a canvas and comes through exactly.';

/** Code of a browser that resists fingerprinting: one bit of what its canvas gives is wrong. */
const LYING_CANVAS = `{
  const { prototype } = OffscreenCanvasRenderingContext2D;
  const read = prototype.getImageData;
  prototype.getImageData = function (...area) {
    const image = read.apply(this, area);
    image.data[0] ^= 1;
    return image;
  };
}`;

describe.skipIf(!isBrowserHere)('explorer, files of all kinds [Chromium]', () => {
  let site: Site;
  let page: Page;
  let taesd: Taesd;
  beforeAll(async () => {
    taesd = await Taesd.load({ model: 'nano', workers: 0 });
    site = await openSite();
    page = await site.open({ at: '#4/nano' });
  }, START_MS);
  const folder = mkdtempSync(join(tmpdir(), 'taesd-files-'));
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    taesd?.dispose();
    await site?.close();
  });

  const status = (at = page) => at.locator('.status').textContent();
  const inputCanvas = (at = page) => at.locator('.bottleneck [data-part="input"] canvas');

  /** Reads a picture with the package, over white, as nano takes it. */
  const read = async (bytes: Uint8Array): Promise<Picture> => overWhite(await decodePicture(bytes));

  const noAlpha = { width: 5, height: 7, data: new Uint8Array(105).map((_, n) => (37 * n) % 256) };
  const alpha = { ...noAlpha, data: new Uint8Array(140).map((_, n) => (73 * n) % 256) };
  const turned = jpegWithExif(BASELINE.bytes, buildExif({ orientation: 6 }));

  /*
   * The browser's decoders may round otherwise than the package's, and its canvas rounds colours
   * that alpha was multiplied with: so many of 255.
   */
  test.each<[string, Uint8Array, () => Promise<Picture> | Picture, number]>([
    ['rgb.png', encodePng(noAlpha), () => rgba(noAlpha), 0],
    ['alpha.png', encodePng(alpha), () => read(encodePng(alpha)), 0],
    ['baseline.jpg', BASELINE.bytes, () => read(BASELINE.bytes), 2],
    ['progressive.jpg', PROGRESSIVE.bytes, () => read(PROGRESSIVE.bytes), 2],
    ['full.jpg', FULL.bytes, () => read(FULL.bytes), 2],
    ['grey.jpg', GREY.bytes, () => read(GREY.bytes), 2],
    ['turned.jpg', turned, () => read(turned), 2],
    ['lossy.webp', LOSSY.bytes, () => read(LOSSY.bytes), 2],
    ['lossless.webp', LOSSLESS.bytes, () => read(LOSSLESS.bytes), 2],
    ['alpha.webp', ALPHA.bytes, () => read(ALPHA.bytes), 2],
    ['quarters.gif', quartersGif(), () => QUARTERS, 0],
    ['quarters.bmp', quartersBmp(), () => QUARTERS, 0],
    ['quarters.avif', quartersAvif(), () => QUARTERS, 0],
  ])('%s dropped → its pixels, and what nano makes of them', async (name, bytes, wanted, bound) => {
    const { width, height, data } = await wanted();
    await dropFile(page, name, bytes);
    const done = `Done: ${name}, ${width}×${height}, through the 19 layers of nano.`;
    await expect.poll(() => status()).toBe(done);
    const pixels = await pixelsOf(inputCanvas());
    expect(pixels.length).toBe(data.length);
    expect(Math.max(...pixels.map((byte, at) => Math.abs(byte - data[at])))).toBeLessThanOrEqual(
      bound,
    );
    const seen = { width, height, data: Uint8ClampedArray.from(pixels) };
    const made = await taesd.decode(await taesd.encode(seen), { width, height });
    await expect.poll(() => hashOf(decodedCanvas(page))).toBe(hashOfBytes(made.data));
  });

  /** A file of latents, and its first numbers in the space that it has. */
  interface LatentDrop {
    readonly name: string;
    readonly bytes: Uint8Array;
    readonly values: Float32Array;
    /** Raw numbers do not say it. */
    readonly shape?: readonly number[];
  }

  const square = [1, 4, 5, 5];
  const numbers = (dtype: 'F32' | 'F16' | 'BF16') => seededNumbers(dtype, square, 3);
  const own = () => ({ latents: { shape: square, data: numbers('F32').values }, model: 'taesd' });

  /** One row for each of the package's cases whose file says all that has to be known. */
  const cases = LATENT_CASES.filter(({ options = {} }) =>
    Object.keys(options).every((key) => key === 'name'),
  ).map(({ name, bytes, options, values }, n): LatentDrop & { readonly what: string } => ({
    ...{ what: name, name: options?.name ?? `${n}.latent`, bytes, values },
  }));

  test.each([
    ...(['F32', 'F16', 'BF16'] as const).map((dtype) => ({
      ...{ what: `raw numbers, ${dtype}`, name: `square.${dtype.toLowerCase()}`, shape: square },
      ...{ bytes: numbers(dtype).bytes, values: numbers(dtype).values },
    })),
    {
      ...{ what: 'the package’s safetensors', name: 'own.safetensors' },
      bytes: encodeLatentSafetensors({ ...own(), model: 'taesd', width: 37, height: 33 }),
      values: own().latents.data,
    },
    {
      ...{ what: 'the package’s PNG', name: 'own.png' },
      bytes: encodeLatentPng({ ...own(), model: 'taesd', width: 37, height: 33 }),
      values: eightBit(own().latents).data,
    },
    ...cases,
  ])(
    'latents dropped: $what → what they are, and their picture; or they wait for their model',
    async ({ name, bytes, values, ...more }: LatentDrop) => {
      const found = await readLatents(bytes, { name, shape: more.shape });
      const { model, width, height, space, source, assumed } = found;
      const [batch, channels, h, w] = found.latents.shape;
      const before = await hashOf(decodedCanvas(page));
      await dropFile(page, name, bytes);
      const whose =
        model === undefined ? 'latents of a model that it does not name' : `latents of ${model}`;
      const said = [
        `“${name}” holds ${whose}: ${channels} channels of ${w}×${h}, for a picture of ${width}×${height} (${source}).`,
        ...assumed.map((one) => `${one[0].toUpperCase()}${one.slice(1)}.`),
      ];
      if (batch > 1) said.push(`The file holds ${batch} latents, of which this is the first.`);
      const isNanos = channels === 4 && model !== 'taesdxl';
      if (!isNanos && model === undefined) said.push(MODELS_OF_16);
      const wanted = isNanos
        ? `Done: the latents of ${name}, ${width}×${height}, through the 19 layers of nano.`
        : model === undefined
          ? `The latents of ${name} wait for a model with ${channels} channels.`
          : `The weights of ${model} are not here: they can be downloaded, or opened from files.`;
      await expect.poll(() => status()).toBe(wanted);
      const note = page.getByRole('note');
      expect(await note.locator('p').allTextContents()).toEqual(said);
      await note.getByRole('button', { name: 'Close' }).click();
      if (!isNanos) {
        expect(await hashOf(decodedCanvas(page))).toBe(before);
        return;
      }
      const first = { shape: [1, channels, h, w], data: values.slice(0, channels * h * w) };
      const latents = space === 'vae' ? fromVaeLatents(first, 'nano') : first;
      const { data } = await taesd.decode(latents, { width, height });
      await expect.poll(() => hashOf(decodedCanvas(page))).toBe(hashOfBytes(data));
      expect(await hashOf(inputCanvas())).toBe(hashOfBytes(data));
    },
  );

  const lake = encodePng(PICTURE);
  const flipped = lake.slice();
  flipped[lake.length >> 1] ^= 1;
  const caseOf = (beginning: string): LatentCase => {
    const found = LATENT_CASES.find(({ name }) => name.startsWith(beginning));
    if (found === undefined) throw new Error(`no case begins with ${beginning}`);
    return found;
  };
  const cut = (beginning: string) => caseOf(beginning).bytes.slice(0, -40);
  const long = (beginning: string) => new Uint8Array([...caseOf(beginning).bytes, 0]);
  const unreadable = (bytes: Uint8Array, name?: string) =>
    readLatents(bytes, name === undefined ? {} : { name }).then(
      () => '',
      (error: TaesdError) => `cannot be read: ${error.sentence}.`,
    );

  test.each<[string, Uint8Array, () => string | Promise<string>]>([
    ['notes.png', utf8('not a picture'), () => IS_NOTHING],
    ['cut.jpg', BASELINE.bytes.subarray(0, 40), () => IS_NOTHING],
    ['empty.png', new Uint8Array(0), () => 'is empty.'],
    ['bomb.png', pngHeader(60000, 60000), () => `is 60000×60000: ${TOO_MANY_PIXELS}`],
    ['film.png', new Uint8Array(49 * 2 ** 20), () => `has 49 MB: ${TOO_MANY_BYTES}`],
    ['flipped.png', flipped, () => unreadable(flipped)],
    ['cut.png', lake.subarray(0, 3000), () => unreadable(lake.subarray(0, 3000))],
    ['cut.latent', cut('ComfyUI'), () => unreadable(cut('ComfyUI'))],
    ['cut.npy', cut('.npy'), () => unreadable(cut('.npy'))],
    ['cut.npz', cut('sd-scripts'), () => unreadable(cut('sd-scripts'))],
    ['cut.pt', cut('torch'), () => unreadable(cut('torch'))],
    ['long.latent', long('ComfyUI'), () => unreadable(long('ComfyUI'))],
    ['long.npy', long('.npy'), () => unreadable(long('.npy'))],
    ['page.npy', utf8('<!doctype html><p>Not found'), () => unreadable(utf8('<!doctype html>'))],
    ['odd.f32', new Uint8Array(44), () => unreadable(new Uint8Array(44), 'odd.f32')],
  ])('%s chosen → said in words, the page goes on', async (name, content, words) => {
    const before = await hashOf(decodedCanvas(page));
    const path = join(folder, name);
    writeFileSync(path, content);
    await inSettings(page, (drawer) => drawer.getByLabel('Choose a picture').setInputFiles(path));
    const alert = page.getByRole('alert');
    await expect
      .poll(() => alert.locator('span').allTextContents())
      .toEqual([`“${name}” ${await words()}`]);
    expect(await status()).toBe('');
    await alert.getByRole('button', { name: 'Close' }).click();
    expect(await alert.textContent()).toBe('');
    expect(await hashOf(decodedCanvas(page))).toBe(before);
  });

  test('the chooser of pictures → every ending that the package reads, and gzipped files', async () => {
    await inSettings(page, async (drawer) => {
      const accept = await drawer.getByLabel('Choose a picture').getAttribute('accept');
      const endings = LATENT_FORMATS.flatMap((format) => format.endings);
      const wanted = ['image/*', ...endings.filter((ending) => ending !== '.png'), '.gz'];
      expect(accept?.split(',').sort()).toEqual(wanted.sort());
    });
  });

  test('a canvas that lies → JPEG and WebP by the package’s decoders, GIF with a warning', async () => {
    const other = await site.open({ at: '#4/nano' });
    // The worker's code begins with what such a browser does.
    await other.route(/files-worker[^/]*\.js$/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${LYING_CANVAS}\n${await response.text()}` });
    });
    for (const [name, bytes] of [
      ['lossy.webp', LOSSY.bytes],
      ['turned.jpg', turned],
    ] as const) {
      await dropFile(other, name, bytes);
      const { width, height, data } = await read(bytes);
      const done = `Done: ${name}, ${width}×${height}, through the 19 layers of nano.`;
      await expect.poll(() => status(other)).toBe(done);
      expect(await hashOf(inputCanvas(other))).toBe(hashOfBytes(data));
      expect(await other.getByRole('note').count()).toBe(0);
    }
    await dropFile(other, 'quarters.gif', quartersGif());
    await other.locator('.status', { hasText: 'Done: quarters.gif, 12×8' }).waitFor();
    expect(await other.getByRole('note').locator('p').allTextContents()).toEqual([CANVAS_LIES]);
    await other.context().close();
  });

  test('a model beside the page → taken for latents that name it; those that name none wait for it', async () => {
    const encoder = randomWeights('taesd3', 'encoder');
    const decoder = randomWeights('taesd3', 'decoder');
    const beside = await openSite({
      'taesd3_encoder.safetensors': () => encoder,
      'taesd3_decoder.safetensors': () => decoder,
    });
    const model = await Taesd.load({ model: 'taesd3', weights: { encoder, decoder }, workers: 0 });
    try {
      const other = await beside.open({ at: '#4/nano' });
      const expectDecoded = async (name: string, { values, shape }: LatentCase) => {
        const [, , h, w] = shape;
        const size = { width: 8 * w, height: 8 * h };
        const done = `Done: the latents of ${name}, ${size.width}×${size.height}, through the 35 layers of taesd3.`;
        await expect.poll(() => status(other)).toBe(done);
        const latents = fromVaeLatents({ shape: [1, 16, h, w], data: values }, 'taesd3');
        const wanted = hashOfBytes((await model.decode(latents, size)).data);
        await expect.poll(() => hashOf(decodedCanvas(other))).toBe(wanted);
        expect(await hashOf(inputCanvas(other))).toBe(wanted);
      };
      const named = caseOf('sd-scripts pic_0040x0048_sd3');
      await dropFile(other, 'mine_sd3.npz', named.bytes);
      await expectDecoded('mine_sd3.npz', named);
      const choose = (name: string) =>
        inSettings(other, (drawer) =>
          drawer.getByLabel('Whose latents it speaks').selectOption(name),
        );
      await choose('nano');
      await other.locator('.status', { hasText: 'through the 19 layers of nano' }).waitFor();
      const unnamed = caseOf('ComfyUI, F32 [1,16,');
      await dropFile(other, 'any.latent', unnamed.bytes);
      await expect
        .poll(() => status(other))
        .toBe('The latents of any.latent wait for a model with 16 channels.');
      await choose('taesd3');
      await expectDecoded('any.latent', unnamed);
      expect(beside.complaints()).toEqual([]);
    } finally {
      model.dispose();
      await beside.close();
    }
  });

  test('all of it → nothing in the console, under the strict policy', () => {
    expect(site.complaints()).toEqual([]);
  });
});
