// Each kernel by itself, on rows of a 512-wide map that stay in the second-level cache, as in a real run.
import { readFileSync } from 'node:fs';
import { Bench } from 'tinybench';
import { F32_PEAK, I16_PEAK } from './peak.mjs';

const WIDTH = 512;
const CHANNELS = 64;
/** Zero pixels on both sides; a Winograd block reads one more. */
const ROW_BYTES = (WIDTH + 4) * CHANNELS * 4;
/** Bytes of a row that a kernel goes over. */
const LIVE_BYTES = (WIDTH + 2) * CHANNELS * 4;

/** As in src/backend/wasm/stages.ts. */
const TILES = 32;
const POINTS = 36;
const POINT_STRIDE = TILES * CHANNELS * 4 + 320;
const COLUMNS_STRIDE = (4 * TILES + 2) * 16 * 4 + 64;
const WHOLE_COLUMNS_STRIDE = (4 * TILES + 2) * CHANNELS * 4 + 64;
const SCALES_STRIDE = TILES * 4;
/** A block of Winograd tiles is 4 rows of this many pixels. */
const BLOCK_PIXELS = 4 * 4 * TILES;

const multiplyAddsOf = (window, pixels) => window * CHANNELS * CHANNELS * pixels;

/**
 * @returns rows { kernel, rate, unit, peak }: G multiply-adds/s for convolutions, GB/s read and written for the rest.
 *   `peak` is the kind of instruction whose peak (see peak.mjs) bounds the rate; undefined where none does
 */
export async function benchKernels() {
  const cases = await prepareCases();
  const bench = new Bench({ time: 300, warmupTime: 150, throws: true });
  for (const { kernel, run } of cases) bench.add(kernel, run);
  await bench.run();
  return cases.map(({ kernel, work, bytes, peak }, i) => {
    const seconds = bench.tasks[i].result.latency.p50 / 1000;
    const unit = work === undefined ? 'GB/s' : 'G multiply-adds/s';
    return { kernel, rate: (work ?? bytes) / seconds / 1e9, unit, peak };
  });
}

async function prepareCases() {
  const memory = new WebAssembly.Memory({ initial: 128 });
  const bytes = readFileSync(new URL('../dist/taesd.wasm', import.meta.url));
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  const kernels = instance.exports;
  // Small numbers: denormals and NaN would be timed otherwise.
  const floats = new Float32Array(memory.buffer);
  for (let i = 0; i < floats.length; i++) floats[i] = ((i % 17) - 8) / 64;

  let top = 64;
  const region = (size) => {
    const ptr = top;
    top += Math.ceil(size / 64) * 64;
    return ptr;
  };
  return [...directCases(kernels, region), ...winogradCases(kernels, memory, region)];
}

function directCases(kernels, region) {
  const [above, here, below, out] = [1, 2, 3, 4].map(() => region(ROW_BYTES));
  const wide = region(2 * ROW_BYTES);
  const weights = region(CHANNELS * CHANNELS * 9 * 4);
  const bias = region(CHANNELS * 4);
  const count = LIVE_BYTES / 4;
  const conv = (kernel, width) => () =>
    kernels[kernel](out, above, here, below, weights, bias, width, CHANNELS, CHANNELS);
  return [
    {
      kernel: `conv3x3 ${CHANNELS}→${CHANNELS}`,
      work: multiplyAddsOf(9, WIDTH),
      peak: F32_PEAK,
      run: conv('conv3x3', WIDTH),
    },
    {
      kernel: `conv3x3Stride2 ${CHANNELS}→${CHANNELS}`,
      work: multiplyAddsOf(9, WIDTH / 2),
      peak: F32_PEAK,
      run: conv('conv3x3Stride2', WIDTH / 2),
    },
    {
      kernel: `conv1x1 ${CHANNELS}→${CHANNELS}`,
      work: multiplyAddsOf(1, WIDTH),
      peak: F32_PEAK,
      run: () => kernels.conv1x1(out, here, weights, bias, WIDTH, CHANNELS, CHANNELS, 1),
    },
    { kernel: 'copy', bytes: 2 * LIVE_BYTES, run: () => kernels.copy(out, here, count) },
    { kernel: 'relu', bytes: 2 * LIVE_BYTES, run: () => kernels.relu(out, count) },
    { kernel: 'add', bytes: 3 * LIVE_BYTES, run: () => kernels.add(out, here, count) },
    {
      kernel: 'upsample2x',
      bytes: 3 * LIVE_BYTES,
      run: () => kernels.upsample2x(wide, here, WIDTH, CHANNELS),
    },
    { kernel: 'clamp', bytes: 2 * LIVE_BYTES, run: () => kernels.clamp(out, count, 3) },
  ];
}

/** The steps of a 64→64 Winograd convolution on one block of tiles, and all of them together, in f32 and in 16 bits. */
function winogradCases(kernels, memory, region) {
  const rows = Array.from({ length: 10 }, () => region(ROW_BYTES));
  const table = (addresses) => {
    const ptr = region(addresses.length * 4);
    new Uint32Array(memory.buffer, ptr, addresses.length).set(addresses);
    return ptr;
  };
  const inputRows = table(rows.slice(0, 6));
  const outputRows = table(rows.slice(6));
  const [v, m] = [1, 2].map(() => region(POINTS * POINT_STRIDE));
  const columns = region(6 * WHOLE_COLUMNS_STRIDE);
  const tile = region(6 * CHANNELS * 4);
  const weights = region(POINTS * CHANNELS * CHANNELS * 4);
  const scales = region(POINTS * SCALES_STRIDE);
  const weightScales = region(POINTS * CHANNELS * 4);
  const bias = region(CHANNELS * 4);
  const [strideF32, stride16] = [POINT_STRIDE, POINT_STRIDE / 2];

  const input = [inputRows, 0, columns];
  const steps = {
    transformInput: () =>
      kernels.winogradTransformInput(
        ...[v, strideF32, ...input, COLUMNS_STRIDE, TILES, CHANNELS, 0],
      ),
    multiply: () =>
      kernels.winogradMultiply(
        ...[m, strideF32, v, strideF32, weights, TILES, CHANNELS, CHANNELS, 0],
      ),
    transformInput16: () =>
      kernels.winogradTransformInput16(
        ...[v, stride16, scales, SCALES_STRIDE, ...input, WHOLE_COLUMNS_STRIDE, tile],
        ...[TILES, CHANNELS, 0],
      ),
    multiply16: () =>
      kernels.winogradMultiply16(
        ...[m, strideF32, v, stride16, scales, SCALES_STRIDE, weights, weightScales],
        ...[TILES, CHANNELS, CHANNELS, 0],
      ),
    transformOutput: () =>
      kernels.winogradTransformOutput(
        ...[outputRows, CHANNELS * 4, m, strideF32, tile, bias, TILES, CHANNELS, 0, 1],
      ),
  };
  const chain =
    (...names) =>
    () => {
      for (const name of names) steps[name]();
    };
  const inBytes = 6 * (4 * TILES + 2) * CHANNELS * 4;
  const outBytes = BLOCK_PIXELS * CHANNELS * 4;
  const pointBytes = POINTS * TILES * CHANNELS * 4;
  const trueWork = multiplyAddsOf(POINTS, TILES);
  const directWork = multiplyAddsOf(9, BLOCK_PIXELS);

  const f32 = [
    { kernel: 'winogradTransformInput', bytes: inBytes + pointBytes, run: steps.transformInput },
    { kernel: 'winogradMultiply', work: trueWork, peak: F32_PEAK, run: steps.multiply },
    { kernel: 'winogradTransformOutput', bytes: pointBytes + outBytes, run: steps.transformOutput },
    {
      kernel: 'winograd, all steps, as if direct',
      work: directWork,
      run: chain('transformInput', 'multiply', 'transformOutput'),
    },
  ];
  if (kernels.winogradMultiply16 === undefined) return f32;
  return [
    ...f32,
    {
      kernel: 'winogradTransformInput16',
      bytes: inBytes + pointBytes / 2,
      run: steps.transformInput16,
    },
    { kernel: 'winogradMultiply16', work: trueWork, peak: I16_PEAK, run: steps.multiply16 },
    {
      kernel: 'winograd16, all steps, as if direct',
      work: directWork,
      run: chain('transformInput16', 'multiply16', 'transformOutput'),
    },
  ];
}
