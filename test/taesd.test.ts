import { spawnSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { fromVaeLatents } from '../src/latent.ts';
import type { LoadOptions, Picture, Progress } from '../src/options/types.ts';
import { writeSafetensors } from '../src/safetensors/write.ts';
import { Taesd } from '../src/taesd.ts';
import type { Tensor } from '../src/tensor.ts';
import { isFullLength, rounds, testAtFullLength } from './full-length.ts';
import { randomTensor, seededRandom } from './random.ts';
import { randomTensors, randomWeights } from './small-model.ts';

/*
 * The public surface on random weights: what it takes, what it gives, and each of its errors, after
 * which the same instance still does a good job.
 */

const WEIGHTS = {
  encoder: randomWeights('taesd', 'encoder'),
  decoder: randomWeights('taesd', 'decoder'),
};
const LATENTS = randomTensor(seededRandom(5), [1, 4, 2, 3], 2);
const IMAGE = randomImage(17, 9, 4);

function randomImage(width: number, height: number, channels: 3 | 4) {
  const random = seededRandom(width);
  const data = Uint8Array.from({ length: width * height * channels }, () => 256 * random());
  return { width, height, data };
}

let taesd: Taesd;
let goodPicture: Picture;
beforeAll(async () => {
  taesd = await Taesd.load({ weights: WEIGHTS });
  goodPicture = await taesd.decode(LATENTS);
});

/** Asserts code and message, and that the instance then decodes as before. */
async function expectError(work: Promise<unknown>, code: string, message: string | RegExp) {
  await expect(work).rejects.toThrow(expect.objectContaining({ name: 'TaesdError', code }));
  await expect(work).rejects.toThrow(message);
  if (typeof message === 'string') {
    await expect(work).rejects.toThrow(expect.objectContaining({ message }));
  }
  expect(await taesd.decode(LATENTS)).toEqual(goodPicture);
}

describe('encode and decode', () => {
  test('encode: 17×9 RGBA → latents [1,4,2,3], the same from RGB, clamped array and tensor', async () => {
    const opaque = randomImage(17, 9, 3);
    const latents = await taesd.encode(opaque);
    expect(latents.shape).toEqual([1, 4, 2, 3]);

    const rgba = new Uint8ClampedArray(17 * 9 * 4).fill(255);
    for (let i = 0; i < 17 * 9; i++) rgba.set(opaque.data.subarray(3 * i, 3 * i + 3), 4 * i);
    expect(await taesd.encode({ width: 17, height: 9, data: rgba })).toEqual(latents);

    const planar = Float32Array.from(
      { length: 3 * 153 },
      (_, i) => opaque.data[3 * (i % 153) + Math.floor(i / 153)] / 255,
    );
    expect(await taesd.encode({ shape: [1, 3, 9, 17], data: planar })).toEqual(latents);
  });

  test('encode: translucent pixels → over white, over a colour, or alpha dropped', async () => {
    const over = async (alpha: number, options: object) => {
      const data = Uint8Array.from({ length: 8 * 8 * 4 }, (_, i) => (i % 4 === 3 ? alpha : 40));
      return taesd.encode({ width: 8, height: 8, data }, options);
    };
    const flat = (r: number, g: number, b: number) =>
      taesd.encode({
        width: 8,
        height: 8,
        data: Uint8Array.from({ length: 192 }, (_, i) => [r, g, b][i % 3]),
      });
    expect(await over(0, {})).toEqual(await flat(255, 255, 255));
    expect(await over(0, { background: [1, 2, 3] })).toEqual(await flat(1, 2, 3));
    expect(await over(0, { alpha: 'drop' })).toEqual(await flat(40, 40, 40));
    // 51/255 is 1/5: 40/5 + 4·255/5 = 212.
    expect(await over(51, {})).toEqual(await flat(212, 212, 212));
  });

  test('decode: latents [1,4,2,3] → 24×16, opaque; the tensor clamped and rounded to nearest', async () => {
    const raw = await taesd.decode(LATENTS, { output: 'tensor' });
    expect(raw.shape).toEqual([1, 3, 16, 24]);
    expect([goodPicture.width, goodPicture.height]).toEqual([24, 16]);
    for (const i of [0, 1, 100, 383]) {
      const bytes = [0, 1, 2].map((c) =>
        Math.round(Math.min(Math.max(raw.data[c * 384 + i], 0), 1) * 255),
      );
      expect([...goodPicture.data.slice(4 * i, 4 * i + 4)]).toEqual([...bytes, 255]);
    }
    expect(raw.data.some((value) => value < 0 || value > 1)).toBe(true);
  });

  test('decode: width 17, height 9 → the top left corner', async () => {
    const cropped = await taesd.decode(LATENTS, { width: 17, height: 9 });
    expect([cropped.width, cropped.height]).toEqual([17, 9]);
    const row = (p: Picture, y: number) => p.data.slice(4 * p.width * y, 4 * p.width * y + 4 * 17);
    for (const y of [0, 8]) expect(row(cropped, y)).toEqual(row(goodPicture, y));
    const raw = await taesd.decode(LATENTS, { width: 17, output: 'tensor' });
    expect(raw.shape).toEqual([1, 3, 16, 17]);
  });

  test('a batch of 2 → as picture by picture', async () => {
    const random = seededRandom(9);
    const signed = randomTensor(random, [2, 3, 9, 8]);
    const batch = { ...signed, data: signed.data.map(Math.abs) };
    const one = (n: number): Tensor => ({
      shape: [1, 3, 9, 8],
      data: batch.data.slice(n * 216, (n + 1) * 216),
    });
    const latents = await taesd.encode(batch);
    expect(latents.shape).toEqual([2, 4, 2, 1]);
    const apart = [await taesd.encode(one(0)), await taesd.encode(one(1))];
    expect([...latents.data]).toEqual(apart.flatMap(({ data }) => [...data]));
    const pictures = await taesd.decode(latents, { output: 'images', width: 8, height: 9 });
    expect(pictures).toEqual([
      await taesd.decode(apart[0], { width: 8, height: 9 }),
      await taesd.decode(apart[1], { width: 8, height: 9 }),
    ]);
    expect((await taesd.decode(latents, { output: 'tensor' })).shape).toEqual([2, 3, 16, 8]);
  });

  test('the reference backend → as wasm within 1e-4', async () => {
    const reference = await Taesd.load({ weights: WEIGHTS, backend: 'reference' });
    expect(reference.info).toEqual({
      model: 'taesd',
      weights: 'given bytes',
      backend: 'reference',
      precision: 'f32',
      parts: ['encoder', 'decoder'],
      workers: 0,
      memoryBytes: 0,
      bytesPerLatent: 0,
    });
    // In the quick suite a small one, for the reference is slow.
    const image = isFullLength ? IMAGE : randomImage(7, 5, 4);
    const [a, b] = [await reference.encode(image), await taesd.encode(image)];
    for (const [i, value] of a.data.entries())
      expect(Math.abs(value - b.data[i])).toBeLessThan(1e-4);
  });

  test('input data → never written to; a change after the call has no effect', async () => {
    const latents = { shape: [1, 4, 2, 3], data: LATENTS.data.slice() };
    const running = taesd.decode(latents);
    expect(latents.data).toEqual(LATENTS.data);
    latents.data.fill(0);
    expect(await running).toEqual(goodPicture);
  });

  test('an offset subarray → as an array of its own', async () => {
    const wide = new Float32Array(40);
    wide.set(LATENTS.data, 7);
    expect(await taesd.decode({ shape: [1, 4, 2, 3], data: wide.subarray(7, 31) })).toEqual(
      goodPicture,
    );
  });

  test('onProgress: → rows done of rows, growing to the whole', async () => {
    const seen: number[] = [];
    const totals = new Set<number>();
    await taesd.decode(randomTensor(seededRandom(1), [1, 4, 16, 16]), {
      onProgress: ({ done, total }) => {
        seen.push(done);
        totals.add(total);
      },
    });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(128);
    expect([...totals]).toEqual([128]);
  });

  test('onProgress that throws → the call fails with it, the next works', async () => {
    const boom = new Error('from the callback');
    const work = taesd.decode(LATENTS, {
      onProgress: () => {
        throw boom;
      },
    });
    await expect(work).rejects.toBe(boom);
    expect(await taesd.decode(LATENTS)).toEqual(goodPicture);
  });

  test('decodeRows: → the rows of decode, from top to bottom, before the rest is done', async () => {
    const columns = rounds(8, 20);
    const width = 8 * columns - 5;
    const latents = randomTensor(seededRandom(4), [1, 4, 24, columns]);
    const whole = await taesd.decode(latents, { width, height: 187 });
    const seen: number[] = [];
    const options = {
      width,
      height: 187,
      onProgress: ({ done }: Progress) => seen.push(done),
    };
    let y = 0;
    let bands = 0;
    for await (const rows of taesd.decodeRows(latents, options)) {
      expect([rows.width, rows.height, rows.y]).toEqual([width, 187, y]);
      expect(rows.data.length).toBe(4 * width * rows.rows);
      expect(rows.data).toEqual(whole.data.slice(4 * width * y, 4 * width * (y + rows.rows)));
      y += rows.rows;
      bands++;
      expect(seen.at(-1)).toBe(y);
    }
    expect(y).toBe(187);
    // A band ends with a turn of the event loop: a fast machine gives fewer of them.
    expect(bands).toBeGreaterThan(1);
  });

  test('decodeRows: taef2, whose network is cut → the rows of decode, no empty ones; progress rises to the end', async () => {
    const weights = { decoder: randomWeights('taef2', 'decoder') };
    const own = await Taesd.load({ model: 'taef2', weights, only: 'decoder', workers: 0 });
    const latents = randomTensor(seededRandom(8), [1, 32, 9, 4]);
    const picture = await own.decode(latents);
    const joined: number[] = [];
    const seen: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) =>
      seen.push(done / total);
    for await (const { y, rows, data } of own.decodeRows(latents, { onProgress })) {
      expect(rows).toBeGreaterThan(0);
      expect(4 * 32 * y).toBe(joined.length);
      joined.push(...data);
    }
    own.dispose();
    expect(Buffer.compare(Uint8Array.from(joined), new Uint8Array(picture.data.buffer))).toBe(0);
    expect(seen).toEqual([...seen].sort((one, other) => one - other));
    expect(seen.at(-1)).toBe(1);
  });

  test('decodeRows: firstRow → the rows of decode from there on; progress counts those above as done', async () => {
    const latents = randomTensor(seededRandom(4), [1, 4, 24, 4]);
    const size = { width: 27, height: 187 };
    const whole = await taesd.decode(latents, size);
    for (const firstRow of [0, 1, 8, 93, 186]) {
      const seen: Progress[] = [];
      const onProgress = (progress: Progress) => seen.push(progress);
      let y = firstRow;
      for await (const rows of taesd.decodeRows(latents, { ...size, firstRow, onProgress })) {
        expect([rows.width, rows.height, rows.y]).toEqual([27, 187, y]);
        expect(rows.data).toEqual(whole.data.slice(4 * 27 * y, 4 * 27 * (y + rows.rows)));
        y += rows.rows;
        expect(seen.at(-1)).toEqual({ done: y, total: 187 });
      }
      expect(y).toBe(187);
      expect(seen[0].done).toBeGreaterThan(firstRow);
    }
  });

  test.each([
    [187, '187'],
    [-1, '-1'],
    [0.5, '0.5'],
    [Number.NaN, 'NaN'],
    ['8', '"8"'],
    [null, 'null'],
    [8n, '8'],
    [Symbol('row'), 'Symbol(row)'],
  ])(
    'decodeRows: firstRow %o of 187 rows → ARG, then the next call works',
    async (firstRow, got) => {
      const options = { height: 187, firstRow } as object;
      const rows = taesd.decodeRows(randomTensor(seededRandom(4), [1, 4, 24, 4]), options);
      const rule = 'a whole number from 0 to 186';
      await expectError(rows.next(), 'ARG', `decodeRows: "firstRow" expected ${rule}, got ${got}`);
      expect(await taesd.decode(LATENTS)).toEqual(goodPicture);
    },
  );

  test('decodeRows: a loop that is left → other calls go on', async () => {
    const latents = randomTensor(seededRandom(4), [1, 4, 24, 20]);
    for await (const rows of taesd.decodeRows(latents)) {
      expect(rows.y).toBe(0);
      break;
    }
    expect(await taesd.decode(LATENTS)).toEqual(goodPicture);
  });

  test.each([
    ['encode', 'signal, allowNonFinite, onProgress, alpha, background, range, maxSize'],
    ['decode', 'signal, allowNonFinite, onProgress, width, height, resolution, space, output'],
    [
      'decodeRows',
      'signal, allowNonFinite, onProgress, width, height, resolution, space, firstRow',
    ],
    ['decodeToCanvas', 'signal, allowNonFinite, width, height, resolution, space'],
    ['steps', 'signal, allowNonFinite, alpha, background, range, maxSize, space, part'],
  ])('%s: an option that there is none of → ARG naming those there are', async (call, names) => {
    const options = { widht: 24 } as object;
    const calls: Record<string, () => Promise<unknown>> = {
      encode: () => taesd.encode(IMAGE, options),
      decode: () => taesd.decode(LATENTS, options),
      decodeRows: () => taesd.decodeRows(LATENTS, options).next(),
      decodeToCanvas: () => taesd.decodeToCanvas(LATENTS, { createView() {} } as never, options),
      steps: () => taesd.steps(LATENTS, options).next(),
    };
    const message = `${call}: unknown option "widht" (known: ${names})`;
    await expectError(calls[call](), 'ARG', message);
  });

  test('signal: fired before, or while it works → ABORTED, and the next call works', async () => {
    // No machine is done with it in 60 ms.
    const latents = randomTensor(seededRandom(4), [1, 4, 256, 256]);
    const message = /^decode: aborted \(This operation was aborted\)$/;
    await expectError(taesd.decode(LATENTS, { signal: AbortSignal.abort() }), 'ABORTED', message);
    const controller = new AbortController();
    const running = taesd.decode(latents, { signal: controller.signal });
    const waiting = taesd.decode(LATENTS);
    setTimeout(() => controller.abort(), 60);
    await expectError(running, 'ABORTED', message);
    expect(await waiting).toEqual(goodPicture);
    const rows = taesd.decodeRows(latents, { signal: controller.signal });
    await expectError(rows.next(), 'ABORTED', /^decodeRows: aborted \(/);
    const encoding = taesd.encode(IMAGE, { signal: AbortSignal.abort('enough') });
    await expectError(encoding, 'ABORTED', 'encode: aborted (enough)');
  });

  test('signal: fired while the call waits for others → ABORTED at once, and nobody passes those before', async () => {
    const rows = taesd.decodeRows(randomTensor(seededRandom(4), [1, 4, 24, 20]));
    await rows.next();
    // The loop above holds its turn until it is left.
    const controller = new AbortController();
    const cancelled = taesd.decode(LATENTS, { signal: controller.signal });
    let ended = false;
    const after = taesd.decode(LATENTS).then((picture) => {
      ended = true;
      return picture;
    });
    setTimeout(() => controller.abort(), 20);
    await expect(cancelled).rejects.toMatchObject({
      code: 'ABORTED',
      message: 'decode: aborted (This operation was aborted)',
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(ended).toBe(false);
    await rows.return();
    expect(await after).toEqual(goodPicture);
  });

  test('the event loop → gets turns while a picture is decoded', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await taesd.decode(randomTensor(seededRandom(1), [1, 4, 24, 24]));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });
});

describe('bad arguments', () => {
  const badSize = (width: unknown, height: unknown) =>
    taesd.encode({ width: width as number, height: height as number, data: new Uint8Array(12) });
  for (const [size, shown] of [
    [0, '0'],
    [-8, '-8'],
    [1.5, '1.5'],
    [NaN, 'NaN'],
    ['8', '"8"'],
    [2 ** 31, '2147483648'],
  ]) {
    test(`encode: width ${shown} → ARG`, () =>
      expectError(
        badSize(size, 2),
        'ARG',
        `encode: "image width" expected a whole number from 1 to 2147483647, got ${shown}`,
      ));
    test(`decode: height ${shown} → ARG`, () =>
      expectError(
        taesd.decode(LATENTS, { height: size as number }),
        'ARG',
        `decode: "height" expected a whole number from 1 to 2147483647, got ${shown}`,
      ));
  }

  test.each<[string, () => Promise<unknown>, string, string | RegExp]>([
    [
      'encode: nothing',
      () => taesd.encode(undefined as never),
      'ARG',
      'encode: "image" expected a picture { width, height, data: RGB or RGBA bytes } or a tensor { shape, data }, got undefined',
    ],
    [
      'encode: floats as bytes',
      () => taesd.encode({ width: 1, height: 1, data: new Float32Array(4) } as never),
      'ARG',
      /got \{ width, height, data \}$/,
    ],
    [
      'encode: too few bytes',
      () => taesd.encode({ width: 2, height: 2, data: new Uint8Array(15) }),
      'ARG',
      'encode: "image data" expected 12 (RGB) or 16 (RGBA) bytes for 2×2, got 15',
    ],
    [
      'encode: unknown alpha',
      () => taesd.encode(IMAGE, { alpha: 'keep' as never }),
      'ARG',
      'encode: "alpha" expected \'composite\' or \'drop\', got "keep"',
    ],
    [
      'encode: a colour of two',
      () => taesd.encode(IMAGE, { background: [1, 2] as never }),
      'ARG',
      'encode: "background" expected three numbers [red, green, blue] from 0 to 255, got { 0, 1 }',
    ],
    [
      'encode: a colour with holes',
      () => taesd.encode(IMAGE, { background: new Array(3) as never }),
      'ARG',
      /^encode: "background" expected three numbers/,
    ],
    [
      'encode: options null',
      () => taesd.encode(IMAGE, null as never),
      'ARG',
      'encode: "options" expected an object, got null',
    ],
    [
      'decode: onProgress 5',
      () => taesd.decode(LATENTS, { onProgress: 5 as never }),
      'ARG',
      'decode: "onProgress" expected a function, got 5',
    ],
    [
      'decode: signal of another type',
      () => taesd.decode(LATENTS, { signal: {} as never }),
      'ARG',
      'decode: "signal" expected an AbortSignal, got Object',
    ],
    [
      'encode: a tensor of 4 channels',
      () => taesd.encode(LATENTS),
      'SHAPE',
      'encode: "image" expected shape [N,3,H,W], values in [0,1], got [1,4,2,3]',
    ],
    [
      'decode: a picture',
      () => taesd.decode(IMAGE as never),
      'ARG',
      'decode: "latents" expected a tensor with data, and dims or shape [N,C,h,w], got { width, height, data }',
    ],
    [
      'decode: two dimensions',
      () => taesd.decode({ shape: [4, 6], data: LATENTS.data }),
      'SHAPE',
      'decode: "latents" expected shape [N,C,h,w] or [C,h,w], each at least 1, got [4,6]',
    ],
    [
      'decode: a size of 0',
      () => taesd.decode({ shape: [1, 4, 0, 3], data: new Float32Array(0) }),
      'SHAPE',
      'decode: "latents" expected shape [N,C,h,w] or [C,h,w], each at least 1, got [1,4,0,3]',
    ],
    [
      'decode: data too short',
      () => taesd.decode({ shape: [1, 4, 2, 4], data: LATENTS.data }),
      'SHAPE',
      'decode: "latents" expected 32 numbers for shape [1,4,2,4], got 24',
    ],
    [
      'decode: a product past 2⁵³',
      () => taesd.decode({ shape: [1, 4, 2 ** 40, 2 ** 40], data: LATENTS.data }),
      'SHAPE',
      'decode: "latents" expected Infinity numbers for shape [1,4,1099511627776,1099511627776], got 24',
    ],
    [
      'decode: 16 channels',
      () => taesd.decode(randomTensor(seededRandom(1), [1, 16, 1, 1])),
      'SHAPE',
      'decode: "latents" expected shape [N,4,h,w] for model taesd, got [1,16,1,1] (latents of taesd3, taef1 or taew2_1? load({ model }) takes one: taesd3 for Stable Diffusion 3; taef1 for FLUX.1, Z-Image, HiDream; taew2_1 for Qwen-Image, Krea 2, Wan 2.1, Wan 2.2 14B)',
    ],
    [
      'decode: 5 channels',
      () => taesd.decode(randomTensor(seededRandom(1), [1, 5, 1, 1])),
      'SHAPE',
      'decode: "latents" expected shape [N,4,h,w] for model taesd, got [1,5,1,1] (not latents of TAESD?)',
    ],
    [
      'decode: a batch as one picture',
      () => taesd.decode(randomTensor(seededRandom(1), [2, 4, 1, 1])),
      'SHAPE',
      'decode: "latents" expected a batch of 1, got [2,4,1,1] (output: \'images\' gives one picture for each)',
    ],
    [
      'decode: width of another latent',
      () => taesd.decode(LATENTS, { width: 16 }),
      'ARG',
      'decode: "width" expected 17 to 24, which a latent of 3 stands for, got 16',
    ],
    [
      'decode: unknown output',
      () => taesd.decode(LATENTS, { output: 'png' as never }),
      'ARG',
      "decode: \"output\" expected 'image', 'images' or 'tensor', got \"png\"",
    ],
  ])('%s → error', (_, work, code, message) => expectError(work(), code, message));

  for (const value of [NaN, Infinity, -Infinity]) {
    test(`decode: ${value} in latents → NONFINITE naming the element; allowed on request`, async () => {
      const latents = { shape: LATENTS.shape, data: LATENTS.data.slice() };
      latents.data[4] = value;
      await expectError(
        taesd.decode(latents),
        'NONFINITE',
        `decode: "latents" expected finite numbers, got ${value} at element 4 (allowNonFinite: true lets it pass)`,
      );
      const raw = await taesd.decode(latents, { allowNonFinite: true, output: 'tensor' });
      // The clamp bounds infinity; NaN spreads.
      expect(raw.data.some(Number.isNaN)).toBe(Number.isNaN(value));
      expect(await taesd.decode(LATENTS)).toEqual(goodPicture);
    });
  }

  test('detached buffers → ARG', async () => {
    const latents = { shape: LATENTS.shape, data: LATENTS.data.slice() };
    structuredClone(latents.data.buffer, { transfer: [latents.data.buffer] });
    await expectError(
      taesd.decode(latents),
      'ARG',
      'decode: "latents" expected live data, got a detached buffer (transferred to a worker?)',
    );
    const image = { width: 1, height: 1, data: new Uint8Array(4) };
    structuredClone(image.data.buffer, { transfer: [image.data.buffer] });
    await expectError(
      taesd.encode(image),
      'ARG',
      'encode: "image data" expected live data, got a detached buffer (transferred to a worker?)',
    );
  });
});

describe('memory', () => {
  test('decode: more than maxMemory → LIMIT before any work, and the next small call works', async () => {
    const small = await Taesd.load({ weights: WEIGHTS, only: 'decoder', maxMemory: 32 * 2 ** 20 });
    const before = await small.decode(LATENTS);
    expect(before).toEqual(goodPicture);
    await expect(small.decode(randomTensor(seededRandom(1), [1, 4, 2, 200]))).rejects.toThrow(
      expect.objectContaining({
        code: 'LIMIT',
        message: expect.stringMatching(
          /^decode: "feature maps" expected at most 32 MiB of memory, got \d+ MiB \(a larger maxMemory, or a narrower picture\)$/,
        ),
      }),
    );
    expect(await small.decode(LATENTS)).toEqual(before);
  });

  test('decode: more than 32 bits address → LIMIT before any work, and the next small call works', async () => {
    // The narrowest take more than 4 GiB; what they take before that is seconds for the system.
    const width = rounds(2 ** 17, 2 ** 20);
    await expectError(
      taesd.decode({ shape: [1, 4, 1, width], data: new Float32Array(4 * width) }),
      'LIMIT',
      /^decode: "\w[\w ]*" expected at most 4096 MiB of memory, got \d+ MiB \(a narrower picture\)$/,
    );
  });

  test('decode: memory that cannot grow → OOM, and the next small call works', () => {
    // An engine that gives a module 40 MiB and no more, whatever its declared maximum.
    const script = `
      import { readFileSync } from 'node:fs';
      import { Taesd } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
      const decoder = readFileSync(process.argv[1]);
      const taesd = await Taesd.load({ weights: { decoder }, only: 'decoder' });
      const latents = (width) => ({ shape: [1, 4, 2, width], data: new Float32Array(8 * width) });
      const before = await taesd.decode(latents(3));
      await taesd.decode(latents(2000)).catch((error) => console.log(error.code, error.message));
      const after = await taesd.decode(latents(3));
      console.log(before.data.length, before.data.join() === after.data.join());
    `;
    const folder = mkdtempSync(join(tmpdir(), 'taesd-oom-'));
    const weights = join(folder, 'decoder.safetensors');
    writeFileSync(weights, WEIGHTS.decoder);
    const args = ['--wasm-max-mem-pages=640', '--input-type=module', '-e', script, weights];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      /^OOM decode: "[\w ]+" expected \d+ MiB of memory to be free, got less \(a narrower picture\)\n1536 true\n$/,
    );
  });

  test('load: weights past maxMemory → LIMIT', async () => {
    await expect(Taesd.load({ weights: WEIGHTS, maxMemory: 2 ** 20 })).rejects.toThrow(
      expect.objectContaining({
        code: 'LIMIT',
        message: expect.stringMatching(/^Taesd\.load: "weights" expected at most 1 MiB/),
      }),
    );
  });

  test('repeated work → memory does not grow', async () => {
    const maxMemory = 42 * 2 ** 20;
    const decoder = await Taesd.load({ weights: WEIGHTS, only: 'decoder', maxMemory });
    for (let i = 0; i < rounds(10, 30); i++)
      await decoder.decode(randomTensor(seededRandom(i), [1, 4, 8, 8]));
    expect((await decoder.decode(LATENTS)).data).toEqual(goodPicture.data);
  });
});

describe('concurrent calls and dispose', () => {
  test('calls that overlap → each gets its own result', async () => {
    const inputs = [3, 1, 4, 2].map((size) => randomTensor(seededRandom(size), [1, 4, size, 5]));
    const apart: Picture[] = [];
    for (const latents of inputs) apart.push(await taesd.decode(latents));
    const bad = taesd.decode({ shape: [1, 4, 1, 1], data: new Float32Array(3) });
    const together = inputs.map((latents) => taesd.decode(latents));
    const encoded = taesd.encode(IMAGE);
    await expect(bad).rejects.toThrow(/3$/);
    expect(await Promise.all(together)).toEqual(apart);
    expect(await encoded).toEqual(await taesd.encode(IMAGE));
  });

  test('a call after dispose → ARG; disposing twice is fine; waiting calls end in ARG', async () => {
    const instance = await Taesd.load({ weights: WEIGHTS });
    const first = instance.decode(LATENTS);
    await first;
    const waiting = instance.decode(LATENTS);
    instance.dispose();
    instance.dispose();
    const disposed = {
      code: 'ARG',
      message: 'decode: this instance was disposed',
    };
    await expect(waiting).rejects.toThrow(expect.objectContaining(disposed));
    await expect(instance.decode(LATENTS)).rejects.toThrow(expect.objectContaining(disposed));
    expect(await first).toEqual(goodPicture);
  });

  test.each([0, 2])(
    'dispose behind an abandoned loop, %i workers → ARG for all',
    async (workers) => {
      const instance = await Taesd.load({ weights: WEIGHTS, workers });
      const loop = instance.decodeRows(LATENTS);
      expect((await loop.next()).value).toMatchObject({ y: 0 });
      const waiting = [instance.decode(LATENTS), instance.encode(IMAGE)].map((call) =>
        call.catch((error: unknown) => error),
      );
      instance.dispose();
      for (const [n, name] of ['decode', 'encode'].entries()) {
        const message = `${name}: this instance was disposed`;
        expect(await waiting[n]).toMatchObject({ code: 'ARG', message });
      }
      const message = 'decodeRows: this instance was disposed';
      await expect(loop.next()).rejects.toThrow(expect.objectContaining({ code: 'ARG', message }));
      expect(await loop.next()).toEqual({ done: true, value: undefined });
      expect(instance.info.memoryBytes).toBe(0);
    },
  );

  /** Several times as high as the rows of the first request. */
  const TALL = randomTensor(seededRandom(4), [1, 4, 24, 20]);

  describe.each([0, 2])('signal of decodeRows, %i workers', (workers) => {
    let instance: Taesd;
    let controller: AbortController;
    const reason = new Error('enough');
    const aborted = { code: 'ABORTED', message: 'decodeRows: aborted (enough)', cause: reason };
    const ended = { done: true, value: undefined };
    const listeners = () => getEventListeners(controller.signal, 'abort').length;
    beforeAll(async () => {
      instance = await Taesd.load({ weights: WEIGHTS, workers });
    });
    afterAll(() => instance.dispose());
    beforeEach(() => {
      controller = new AbortController();
    });

    test('the signal of an abandoned loop fires → calls behind it go on; the next request: ABORTED', async () => {
      const loop = instance.decodeRows(TALL, { signal: controller.signal });
      expect((await loop.next()).value).toMatchObject({ y: 0 });
      expect(listeners()).toBeGreaterThan(0);
      const waiting = [instance.decode(LATENTS), instance.encode(IMAGE)] as const;
      controller.abort(reason);
      expect(await waiting[0]).toEqual(goodPicture);
      expect((await waiting[1]).shape).toEqual([1, 4, 2, 3]);
      expect(listeners()).toBe(0);
      await expect(loop.next()).rejects.toMatchObject(aborted);
      expect(await loop.next()).toEqual(ended);
    });

    test('fired in the body of a loop that awaits another call → the call goes on, then ABORTED', async () => {
      const seen: unknown[] = [];
      const loop = async () => {
        for await (const { y } of instance.decodeRows(TALL, { signal: controller.signal })) {
          seen.push(y);
          setTimeout(() => controller.abort(reason), 5);
          seen.push(await instance.decode(LATENTS));
        }
      };
      await expect(loop()).rejects.toMatchObject(aborted);
      expect(seen).toEqual([0, goodPicture]);
    });

    test('fired while rows are made that nobody awaits → ABORTED, calls behind go on', async () => {
      const onProgress = () => controller.abort(reason);
      const loop = instance.decodeRows(TALL, { signal: controller.signal, onProgress });
      const asked = loop.next().catch((error: unknown) => error);
      expect(await instance.decode(LATENTS)).toEqual(goodPicture);
      expect(await asked).toMatchObject(aborted);
      expect(await loop.next()).toEqual(ended);
      expect(listeners()).toBe(0);
    });

    test('fired once the loop has come to its end, or was left → nothing', async () => {
      const { signal } = controller;
      const rows: number[] = [];
      for await (const { data } of instance.decodeRows(LATENTS, { signal })) rows.push(...data);
      expect(rows).toEqual([...goodPicture.data]);
      const left = instance.decodeRows(TALL, { signal });
      await left.next();
      await left.return();
      controller.abort(reason);
      expect(await left.next()).toEqual(ended);
      expect(await instance.decode(LATENTS)).toEqual(goodPicture);
    });

    test('however a loop ends → no listener stays on its signal', async () => {
      const { signal } = controller;
      for await (const _ of instance.decodeRows(LATENTS, { signal }));
      expect(listeners()).toBe(0);
      for await (const _ of instance.decodeRows(TALL, { signal })) break;
      expect(listeners()).toBe(0);
      const thrown = instance.decodeRows(TALL, { signal });
      await thrown.next();
      await expect(thrown.throw(reason)).rejects.toMatchObject({ cause: reason });
      expect(listeners()).toBe(0);
      const own = await Taesd.load({ weights: WEIGHTS, workers });
      const abandoned = own.decodeRows(TALL, { signal });
      await abandoned.next();
      // A loop whose rows are still being made when its instance is disposed.
      const asked = abandoned.next();
      own.dispose();
      await Promise.allSettled([asked, own.decode(LATENTS)]);
      expect(listeners()).toBe(0);
    });
  });

  test('break in a loop → later calls run', async () => {
    const instance = await Taesd.load({ weights: WEIGHTS });
    for await (const { y } of instance.decodeRows(LATENTS)) {
      expect(y).toBe(0);
      break;
    }
    expect(await instance.decode(LATENTS)).toEqual(goodPicture);
    instance.dispose();
  });
});

describe('load', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taesd-load-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeAll(() => {
    for (const part of ['encoder', 'decoder'] as const) {
      writeFileSync(join(folder, `taesd_${part}.safetensors`), WEIGHTS[part]);
    }
    writeFileSync(join(folder, 'taef1_decoder.pth'), 'PK');
  });
  beforeEach(() => {
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
    vi.stubEnv('TAESD_WEIGHTS', undefined);
  });
  afterEach(() => vi.unstubAllEnvs());
  const decodes = async (options: LoadOptions) =>
    (await Taesd.load({ only: 'decoder', ...options })).decode(LATENTS);

  testAtFullLength(
    'load: a folder, with a slash or without, a file URL, TAESD_WEIGHTS → the same',
    async () => {
      for (const weights of [
        folder,
        `${folder}/`,
        pathToFileURL(folder),
        pathToFileURL(folder).href,
      ]) {
        expect(await decodes({ weights })).toEqual(goodPicture);
      }
      const one = await Taesd.load({ weights: join(folder, 'taesd_decoder.safetensors') });
      expect(one.info.parts).toEqual(['decoder']);
      expect(await one.decode(LATENTS)).toEqual(goodPicture);
      expect(one.info.weights).toBe(join(folder, 'taesd_decoder.safetensors'));
      vi.stubEnv('TAESD_WEIGHTS', folder);
      expect(await decodes({})).toEqual(goodPicture);
      expect((await Taesd.load()).info.weights).toBe(`TAESD_WEIGHTS ${folder}`);
    },
  );

  test('load: an HTTP URL → the same; 404 and 500 → ARG', async () => {
    const server = createServer((request, response) => {
      if (request.url?.startsWith('/good/')) {
        response.end(WEIGHTS.decoder);
      } else {
        response.statusCode = request.url?.startsWith('/broken/') ? 500 : 404;
        response.end('no');
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const base = `http://127.0.0.1:${port}`;
    expect(await decodes({ weights: `${base}/good` })).toEqual(goodPicture);
    await expectError(
      decodes({ weights: `${base}/none` }),
      'ARG',
      `Taesd.load: "${base}/none" expected a folder that holds taesd_decoder.safetensors, got no such file (another model, or another folder?)`,
    );
    await expectError(
      decodes({ weights: `${base}/broken` }),
      'ARG',
      `Taesd.load: "${base}/broken/taesd_decoder.safetensors" expected HTTP status 200 to 299, got 500`,
    );
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expectError(
      decodes({ weights: `${base}/good` }),
      'ARG',
      /^Taesd\.load: "http:.*" expected an answer, got .+ \((nothing listens there|the connection was cut)\)$/,
    );
  });

  test('load: one combined file, diffusers and ComfyUI → the same', async () => {
    const both = (rename: (part: string, index: number, rest: string) => string) =>
      writeSafetensors(
        (['encoder', 'decoder'] as const).flatMap((part) =>
          [...randomTensors('taesd', part)].map(([name, tensor]) => {
            const [index, ...rest] = name.split('.');
            return [rename(part, Number(index), rest.join('.')), tensor] as const;
          }),
        ),
      );
    const diffusers = both(
      (part, index, rest) => `${part}.layers.${part === 'decoder' ? index - 1 : index}.${rest}`,
    );
    const comfy = both((part, index, rest) => `taesd_${part}.${index}.${rest}`);
    for (const weights of [diffusers, comfy]) {
      const loaded = await Taesd.load({ weights });
      expect(loaded.info.parts).toEqual(['encoder', 'decoder']);
      expect(await loaded.decode(LATENTS)).toEqual(goodPicture);
      expect(await loaded.encode(IMAGE)).toEqual(await taesd.encode(IMAGE));
    }
  });

  test('load: vae_scale of another model in a ComfyUI file → ARG; its own → fine', async () => {
    const withScale = (scale: number) =>
      writeSafetensors([
        ...[...randomTensors('taesd', 'decoder')].map(
          ([name, tensor]) => [`taesd_decoder.${name}`, tensor] as const,
        ),
        ['vae_scale', { shape: [], data: Float32Array.of(scale) }],
        ['vae_shift', { shape: [], data: Float32Array.of(0) }],
      ]);
    expect(await decodes({ weights: withScale(0.1826171875) })).toEqual(goodPicture);
    await expectError(
      decodes({ weights: withScale(0.125) }),
      'ARG',
      'Taesd.load: "vae_scale, vae_shift" expected 0.18215 and 0 for model taesd, got 0.125 and 0 (weights of another model?)',
    );
  });

  test('load: the decoder alone → decodes, and encoding says what is missing', async () => {
    const decoder = await Taesd.load({ weights: { decoder: WEIGHTS.decoder } });
    expect(decoder.info.parts).toEqual(['decoder']);
    expect(await decoder.decode(LATENTS)).toEqual(goodPicture);
    await expectError(
      decoder.encode(IMAGE),
      'ARG',
      'encode: "encoder" expected an instance with its encoder, got one with the decoder alone (load the weights of the encoder too)',
    );
    const encoder = await Taesd.load({ weights: WEIGHTS, only: 'encoder' });
    expect(encoder.info.parts).toEqual(['encoder']);
    await expectError(encoder.decode(LATENTS), 'ARG', /one with the encoder alone/);
  });

  test('load: a compiled module from outside → the same', async () => {
    const { readFileSync } = await import('node:fs');
    const bytes = readFileSync(new URL('../dist/taesd.wasm', import.meta.url));
    expect(await decodes({ weights: WEIGHTS, wasm: await WebAssembly.compile(bytes) })).toEqual(
      goodPicture,
    );
    expect(await decodes({ weights: WEIGHTS, wasm: new Uint8Array(bytes) })).toEqual(goodPicture);
  });

  test.each<[string, LoadOptions, string, string | RegExp]>([
    [
      'a model named, no weights',
      { model: 'taesd' },
      'ARG',
      /^Taesd\.load: "weights of taesd" expected taesd_encoder\.safetensors and taesd_decoder\.safetensors, got none in TAESD_WEIGHTS \(not set\), cache .+ \(neither\) \(npx taesd pull taesd or the option download: true fetches them, the option weights gives them, model: 'nano' needs none\)$/,
    ],
    [
      'an empty name of weights',
      { weights: '' },
      'ARG',
      'Taesd.load: "weights" expected a folder or URL that holds taesd_encoder.safetensors and taesd_decoder.safetensors, or the bytes of such files, got "" (a variable that is not set?)',
    ],
    [
      'download: a word',
      { download: 'yes' as never },
      'ARG',
      'Taesd.load: "download" expected true or false, got "yes"',
    ],
    [
      'onDownload: a number',
      { onDownload: 1 as never },
      'ARG',
      'Taesd.load: "onDownload" expected a function, got 1',
    ],
    [
      'an unknown model',
      { model: 'sdxl' as never },
      'ARG',
      'Taesd.load: "model" expected one of taesd, taesdxl, taesd3, taef1, taef1-1.1, taef2, taesana, taeqi2_1, taew2_1, nano, nano-sdxl, nano-sd3, nano-flux1, got "sdxl"',
    ],
    [
      'a model that is not supported',
      { model: 'taew2_2' as never },
      'ARG',
      /got "taew2_2" \(not supported yet: for Wan 2\.2 TI2V 5B, a video model\)$/,
    ],
    ['__proto__ as a model', { model: '__proto__' as never }, 'ARG', /expected one of taesd/],
    [
      'a folder in place of options',
      '/weights' as never,
      'ARG',
      'Taesd.load: "options" expected an object such as { weights: DIR }, got "/weights"',
    ],
    [
      'an unknown precision',
      { weights: WEIGHTS, precision: 'f16' as never },
      'ARG',
      "Taesd.load: \"precision\" expected 'f32', 'fast' or 'relaxed', got \"f16\"",
    ],
    [
      'workers −1',
      { weights: WEIGHTS, workers: -1 },
      'ARG',
      'Taesd.load: "workers" expected a whole number from 0 to 64, got -1',
    ],
    [
      'kernels of another module',
      { weights: WEIGHTS, wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0) },
      'FORMAT',
      /^Taesd\.load: "wasm" expected the kernels, got none of add,.* \(the taesd\.wasm of another version\?\)$/,
    ],
    [
      'an unknown backend',
      { weights: WEIGHTS, backend: 'gpu' as never },
      'ARG',
      'Taesd.load: "backend" expected one of wasm, reference, webgpu, auto, got "gpu"',
    ],
    [
      'a device that is none',
      { weights: WEIGHTS, device: {} as never },
      'ARG',
      'Taesd.load: "device" expected a GPUDevice, got Object',
    ],
    [
      'a fallback that is neither',
      { weights: WEIGHTS, backend: 'auto', fallback: 'no' as never },
      'ARG',
      'Taesd.load: "fallback" expected true or false, got "no"',
    ],
    [
      'an unknown half',
      { weights: WEIGHTS, only: 'both' as never },
      'ARG',
      'Taesd.load: "only" expected \'encoder\' or \'decoder\', got "both"',
    ],
    [
      'maxMemory 0',
      { weights: WEIGHTS, maxMemory: 0 },
      'ARG',
      'Taesd.load: "maxMemory" expected a number of bytes, got 0',
    ],
    [
      'a folder without the files',
      { model: 'taesdxl', weights: folder },
      'ARG',
      `Taesd.load: "${folder}" expected a folder that holds taesdxl_encoder.safetensors and taesdxl_decoder.safetensors, got neither (another model, or another folder?)`,
    ],
    [
      'a folder with a damaged .pth',
      { model: 'taef1', weights: folder, only: 'decoder' },
      'TRUNCATED',
      `Taesd.load: ${folder}/taef1_decoder.pth: "header length" expected at least 8 bytes, got 2`,
    ],
    [
      'the other half’s file',
      { weights: join(folder, 'taesd_encoder.safetensors'), only: 'decoder' },
      'SHAPE',
      /"file" expected tensors of the decoder, got only 0\.weight.* \(the other file\?\)$/,
    ],
    [
      'an option that there is none of',
      { modle: 'taesd' } as LoadOptions,
      'ARG',
      'Taesd.load: unknown option "modle" (known: model, weights, download, onDownload, signal, backend, device, fallback, precision, workers, only, wasm, maxMemory)',
    ],
    [
      'an ArrayBuffer',
      { weights: new ArrayBuffer(8) } as never,
      'ARG',
      'Taesd.load: "weights" expected a folder, a URL, bytes, or { encoder: Uint8Array, decoder: Uint8Array }, got ArrayBuffer (new Uint8Array(buffer))',
    ],
    [
      'an empty object',
      { weights: {} },
      'ARG',
      'Taesd.load: "weights" expected a folder, a URL, bytes, or { encoder: Uint8Array, decoder: Uint8Array }, got Object',
    ],
    [
      "another model's weights",
      { model: 'taesd3', weights: WEIGHTS },
      'SHAPE',
      'Taesd.load: "encoder 14.weight" expected shape [16,64,3,3], got [4,64,3,3] (weights of taesd or taesdxl?); "encoder 14.bias" expected shape [16], got [4]',
    ],
    [
      'halves swapped',
      { weights: { encoder: WEIGHTS.decoder, decoder: WEIGHTS.encoder } },
      'SHAPE',
      /^Taesd\.load: encoder: "file" expected tensors of the encoder, got only 1\.weight.*\(encoder and decoder swapped\?\)$/,
    ],
    [
      'a .pth as bytes, cut off',
      { weights: { decoder: Uint8Array.from([0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0, 0, 0]) } },
      'TRUNCATED',
      'Taesd.load: decoder: "zip archive" expected an end record, got none (cut off?)',
    ],
    [
      'no kernels',
      { weights: WEIGHTS, wasm: new Uint8Array([1, 2, 3]) },
      'FORMAT',
      /^Taesd\.load: "WebAssembly\.compile" expected the kernels, got .* \(a damaged or foreign file in place of taesd\.wasm\?\)$/,
    ],
    [
      'kernels of the wrong type',
      { weights: WEIGHTS, wasm: 'taesd.wasm' as never },
      'ARG',
      'Taesd.load: "wasm" expected a WebAssembly.Module or the bytes of taesd.wasm, got "taesd.wasm"',
    ],
  ])('load: %s → error', (_, options, code, message) =>
    expectError(Taesd.load(options), code, message),
  );
});

test('fromVaeLatents, then decode → as decoding diffusion-space latents', async () => {
  const vae = { shape: LATENTS.shape, data: LATENTS.data.map((x) => x / 0.18215) };
  const picture = await taesd.decode(fromVaeLatents(vae, 'taesd'));
  for (const [i, value] of picture.data.entries()) {
    expect(Math.abs(value - goodPicture.data[i])).toBeLessThanOrEqual(1);
  }
});
