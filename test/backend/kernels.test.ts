import { beforeAll, describe, expect, test } from 'vitest';
import { jobOf } from '../../src/backend/wasm/job.ts';
import * as fields from '../../src/backend/wasm/job-layout.ts';
import { instantiateKernels, type Kernels } from '../../src/backend/wasm/kernels.ts';
import { compileKernels } from '../../src/backend/wasm/module.ts';
import { pictureSink } from '../../src/image.ts';
import { seededRandom } from '../random.ts';

/*
 * Each kernel of assembly/ by itself, on plain addresses, against float64 loops, with canaries
 * around every region that it is given: what lies before and after must not change.
 */

const CANARY = 12345.678;
/** Numbers of canary on either side of a region; also keeps regions 16-byte aligned. */
const GUARD = 16;
/** Sizes around the kernels' tile of 4 pixels. */
const WIDTHS = [1, 2, 3, 4, 5, 7, 8, 9, 17];

let memory: WebAssembly.Memory;
let kernels: Kernels;

beforeAll(async () => {
  memory = new WebAssembly.Memory({ initial: 64 });
  kernels = await instantiateKernels(await compileKernels(), memory);
});

/** Whether these numbers were not written: the bytes of as many canaries. */
function isCanary({ buffer, byteOffset, byteLength }: Float32Array): boolean {
  canaries ??= new Float32Array(memory.buffer.byteLength / 4).fill(CANARY);
  const wanted = Buffer.from(canaries.buffer, 0, byteLength);
  return Buffer.compare(Buffer.from(buffer, byteOffset, byteLength), wanted) === 0;
}
let canaries: Float32Array<ArrayBuffer> | undefined;

/**
 * Regions laid one after the other with canaries between; `check` looks at those and at the inputs.
 */
function arena() {
  const floats = new Float32Array(memory.buffer).fill(CANARY);
  const regions: { begin: number; end: number; kept: Float32Array | undefined }[] = [];
  let top = GUARD;
  return {
    /** @returns the byte address of a copy of `values`, whose values must stay unless `writable` */
    put(values: ArrayLike<number>, { writable = false } = {}): number {
      const begin = top;
      const end = begin + values.length;
      floats.set(values, begin);
      regions.push({ begin, end, kept: writable ? undefined : floats.slice(begin, end) });
      top = Math.ceil(end / 4) * 4 + GUARD;
      return begin * 4;
    },
    /** The byte address of a job, which must stay as it is. */
    putJob(...given: Parameters<typeof jobOf>): number {
      return this.put(new Float32Array(jobOf(...given).buffer));
    },
    read: (ptr: number, count: number) => floats.slice(ptr / 4, ptr / 4 + count),
    check() {
      let at = 0;
      for (const { begin, end, kept } of regions) {
        const guard = floats.subarray(at, begin);
        expect(isCanary(guard), `canary before ${begin}`).toBe(true);
        if (kept) expect(floats.slice(begin, end), `input at ${begin}`).toEqual(kept);
        at = end;
      }
      expect(isCanary(floats.subarray(at)), 'canary at the end').toBe(true);
    },
  };
}

function randomValues(random: () => number, count: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = 2 * random() - 1;
  return values;
}

/** A row [1 + width + 1][channels] of random numbers between zero pixels. */
function randomRow(random: () => number, width: number, channels: number): Float32Array {
  const row = randomValues(random, (width + 2) * channels);
  row.fill(0, 0, channels);
  row.fill(0, (width + 1) * channels);
  return row;
}

describe.each([
  { name: 'conv3x3' as const, kernel: 3, stride: 1 as const },
  { name: 'conv3x3Stride2' as const, kernel: 3, stride: 2 as const },
  { name: 'conv1x1' as const, kernel: 1, stride: 1 as const },
  { name: 'conv1x1' as const, kernel: 1, stride: 2 as const },
])('$name, stride $stride', ({ name, kernel, stride }) => {
  const rowCount = kernel;
  for (const width of WIDTHS) {
    for (const [cin, cout] of [
      [8, 8],
      [3, 8],
      [64, 64],
      [5, 24],
      [64, 4],
      [8, 20],
      [64, 3],
      [8, 11],
    ]) {
      test(`${name} [wasm]: width ${width}, ${cin}→${cout} → within 2·n·ε·Σ|x·w| of float64`, () => {
        const random = seededRandom(width * 1000 + cin);
        // Odd and even input widths both round up to `width` at stride 2.
        const inputWidth = stride === 1 ? width : 2 * width - (width % 2);
        const rows = Array.from({ length: rowCount }, () => randomRow(random, inputWidth, cin));
        const weights = randomValues(random, cout * cin * kernel * kernel);
        const bias = randomValues(random, cout);
        const space = arena();
        const rowPtrs = rows.map((row) => space.put(row));
        const weightsPtr = space.put(weights);
        // Rows of channels that are no multiple of 4 have room for one, and so has the bias.
        const stored = Math.ceil(cout / 4) * 4;
        const storedBias = new Float32Array(stored);
        storedBias.set(bias);
        const biasPtr = space.put(storedBias);
        const outCount = (width + 2) * stored;
        const outPtr = space.put(new Float32Array(outCount).fill(NaN), { writable: true });

        const jobPtr = space.putJob([
          [fields.JOB_WIDTH, width],
          [fields.JOB_CIN, cin],
          [fields.JOB_COUT, cout],
          [fields.JOB_STRIDE, stride],
          [fields.JOB_WEIGHTS, weightsPtr],
          [fields.JOB_BIAS, biasPtr],
        ]);
        const [first, second, third] = rowPtrs;
        if (name === 'conv1x1') kernels.conv1x1(jobPtr, outPtr, first);
        else kernels[name](jobPtr, outPtr, first, second, third);

        const out = space.read(outPtr, outCount);
        const window = kernel * cin;
        for (let o = 0; o < cout; o++) {
          expect([out[o], out[(width + 1) * stored + o]], 'zero pixels').toEqual([0, 0]);
          for (let x = 0; x < width; x++) {
            const firstPixel = kernel === 3 ? x * stride : x * stride + 1;
            let sum = bias[o];
            let magnitude = Math.abs(bias[o]);
            for (let ky = 0; ky < kernel; ky++) {
              for (let k = 0; k < window; k++) {
                // Tiles of 8 output channels; the last may be of 3 or 4.
                const tileFirst = o - (o % 8);
                const tileCout = Math.min(8, cout - tileFirst);
                const tile = tileFirst * kernel * window;
                const at = ky * window + k;
                const lane =
                  tileCout === 8
                    ? at * 8 + (o % 8)
                    : (at - (at % 4)) * tileCout + (o % 8) * 4 + (at % 4);
                const product = rows[ky][firstPixel * cin + k] * weights[tile + lane];
                sum += product;
                magnitude += Math.abs(product);
              }
            }
            const bound = 2 * kernel * window * 2 ** -24 * magnitude;
            const value = out[(x + 1) * stored + o];
            const off = Math.abs(value - sum);
            expect(off, `pixel ${x}, channel ${o}: ${value} for ${sum}`).toBeLessThanOrEqual(bound);
          }
        }
        space.check();
      });
    }
  }
});

test('conv3x3 [wasm]: the last pixels of a row → the same bits as in the middle of one', () => {
  const random = seededRandom(7);
  const rows = Array.from({ length: 3 }, () => randomRow(random, 8, 64));
  const weights = randomValues(random, 64 * 64 * 9);
  const bias = randomValues(random, 64);
  const run = (width: number) => {
    const space = arena();
    // A narrower picture: the same pixels, then zeros.
    const [above, here, below] = rows.map((row) =>
      space.put(row.map((value, i) => (i < (width + 1) * 64 ? value : 0))),
    );
    const out = space.put(new Float32Array(10 * 64), { writable: true });
    const jobPtr = space.putJob([
      [fields.JOB_WIDTH, width],
      [fields.JOB_CIN, 64],
      [fields.JOB_COUT, 64],
      [fields.JOB_WEIGHTS, space.put(weights)],
      [fields.JOB_BIAS, space.put(bias)],
    ]);
    kernels.conv3x3(jobPtr, out, above, here, below);
    return space.read(out, 10 * 64);
  };
  const wide = run(8);
  const narrow = run(7); // pixels 4 … 6 by the single-pixel tile
  expect(narrow.slice(64, 64 * 7)).toEqual(wide.slice(64, 64 * 7));
});

for (const count of [4, 8, 12, 64, 1028]) {
  test(`relu [wasm]: ${count} numbers → bit-exact`, () => {
    const space = arena();
    const values = randomValues(seededRandom(count), count);
    values.set([-0, Infinity, -Infinity, NaN]);
    const ptr = space.put(values, { writable: true });
    kernels.relu(ptr, count);
    // Not Math.max, which turns −0 into 0.
    const positive = values.map((value) => (value < 0 ? 0 : value));
    expect(space.read(ptr, count)).toEqual(positive);
    space.check();
  });

  test(`add [wasm]: ${count} numbers → bit-exact`, () => {
    const space = arena();
    const random = seededRandom(count);
    const [a, b] = [randomValues(random, count), randomValues(random, count)];
    const ptr = space.put(a, { writable: true });
    kernels.add(ptr, space.put(b), count);
    expect(space.read(ptr, count)).toEqual(a.map((value, i) => value + b[i]));
    space.check();
  });
}

test('clamp [wasm]: −12 … 12 and the ends of the range → within 2 ulp of tanh(x/3)·3, odd, bounded', () => {
  const values = Float32Array.from({ length: 4801 }, (_, i) => (i - 2400) / 200);
  const special = [Infinity, -Infinity, NaN, 0, -0, 1e-40, 1e-7, -1e-7, 3e38];
  const all = Float32Array.from([...values, ...special]);
  const space = arena();
  const ptr = space.put(all, { writable: true });
  kernels.clamp(ptr, all.length, 3);
  const out = space.read(ptr, all.length);
  for (const [i, value] of all.entries()) {
    const wanted = Math.tanh(value / 3) * 3;
    if (Number.isNaN(value)) expect(out[i]).toBeNaN();
    // 2 ulp of tanh, and one rounding each for the division and the product.
    else
      expect(Math.abs(out[i] - wanted), `${value}`).toBeLessThanOrEqual(
        4 * 2 ** -24 * Math.abs(wanted) + 1e-44,
      );
    expect(Math.abs(out[i]) > 3).toBe(false);
  }
  space.check();
});

for (const width of WIDTHS) {
  test(`upsample2x [wasm]: width ${width} → each pixel twice, zero pixels outside`, () => {
    const channels = 8;
    const row = randomRow(seededRandom(width), width, channels);
    const space = arena();
    const outCount = (2 * width + 2) * channels;
    const outPtr = space.put(new Float32Array(outCount).fill(NaN), { writable: true });
    kernels.upsample2x(outPtr, space.put(row), width, channels);
    const wanted = new Float32Array(outCount);
    for (let x = 0; x < 2 * width; x++) {
      const source = (Math.floor(x / 2) + 1) * channels;
      wanted.set(row.subarray(source, source + channels), (x + 1) * channels);
    }
    expect(space.read(outPtr, outCount)).toEqual(wanted);
    space.check();
  });
}

for (const [side, add] of [
  [6, 0],
  [6, 1],
  [8, 0],
  [8, 1],
  [9, 0],
]) {
  const tile = side === 8 ? 6 : 4;
  const rowCount = (add + 1) * tile;
  test(`touchRows [wasm]: ${side} points, ${rowCount} rows, 1 to 9 tiles of 64 bytes or 96 from an offset on → one number of each line read, only the scratch written`, () => {
    const offset = 32;
    for (let tiles = 1; tiles <= 9; tiles++) {
      // A tile's pixels in 4 channels take 64 bytes or 96.
      const lines = Math.ceil((tiles * tile * 16) / 64);
      const random = seededRandom(lines);
      const rows = Array.from({ length: rowCount }, () => randomValues(random, 8 + 16 * lines + 8));
      const space = arena();
      const ptrs = rows.map((row) => space.put(row));
      const tablePtr = space.put(new Float32Array(Uint32Array.from(ptrs).buffer));
      const scratchPtr = space.put([0], { writable: true });
      const jobPtr = space.putJob([
        [fields.JOB_COUT, 4],
        [fields.JOB_SIDE, side],
        [fields.JOB_OUTPUT_ROWS, tablePtr],
        [fields.JOB_ADD, add],
        [fields.JOB_TILE, scratchPtr],
      ]);
      kernels.touchRows(jobPtr, offset, tiles);
      let wanted = 0;
      for (const row of rows) {
        const words = new Uint32Array(row.buffer);
        for (let line = 0; line < lines; line++) wanted |= words[offset / 4 + 16 * line];
      }
      const [got] = new Uint32Array(space.read(scratchPtr, 1).buffer);
      expect(got, `${tiles} tiles`).toBe(wanted >>> 0);
      space.check();
    }
  });
}

/** Numbers around each boundary between bytes, out of range, and none at all. */
const SHADES = [
  ...Array.from({ length: 255 }, (_, byte) => (byte + 0.5) / 255).flatMap((v) => [
    v,
    v - 4e-8,
    v + 4e-8,
  ]),
  ...[0, -0, 1, 0.5, 1e-40, -1e-9, -3, 2.5, 1e30, -1e30, Infinity, -Infinity, NaN],
];

for (const alpha of [0, 1]) {
  for (const width of [1, 3, 4, 5, 194]) {
    test(`pixelBytes [wasm]: width ${width}, alpha ${alpha} → as pictureSink, 255 without alpha`, () => {
      const space = arena();
      const row = new Float32Array(4 * Math.ceil(width / 4) * 4);
      for (let i = 0; i < 4 * width; i++) {
        row[i] = i % 4 === 3 && alpha === 0 ? 0 : SHADES[(i + width) % SHADES.length];
      }
      const rowPtr = space.put(row);
      const outPtr = space.put(new Float32Array(Math.ceil(width / 4) * 4), { writable: true });
      kernels.pixelBytes(outPtr, rowPtr, width, alpha);
      const data = new Uint8ClampedArray(4 * width);
      pictureSink({ width, height: 1, data }, alpha === 1 ? 4 : 3)(0, row, 4);
      expect(new Uint8ClampedArray(memory.buffer, outPtr, 4 * width)).toEqual(data);
      space.check();
    });
  }
}

test('kernels [wasm]: instantiated → they bring no data and do not grow the memory', async () => {
  const fresh = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  await instantiateKernels(await compileKernels(), fresh);
  expect(new Uint8Array(fresh.buffer).every((byte) => byte === 0)).toBe(true);
  expect(fresh.buffer.byteLength).toBe(65_536);
});
