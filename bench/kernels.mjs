// Each kernel by itself, on rows of a 512-wide map that stay in the second-level cache, as in a real run.
import { readFileSync } from 'node:fs';
import { Bench } from 'tinybench';
import { instantiateKernels } from '../dist/backend/wasm/kernels.js';
import { Memory } from '../dist/backend/wasm/memory.js';
import { GROUP } from '../dist/backend/wasm/plan-rules.js';
import {
  allocateWorkspace,
  columnsStrideOf,
  mostStrideOf,
  mStrideOf,
  scalesStrideOf,
  TABLE_INPUT_ROWS,
  tilingOf,
  vStrideOf,
} from '../dist/backend/wasm/workspace.js';
import { F32_PEAK, I16_PEAK } from './peak.mjs';

const WIDTH = 512;
const CHANNELS = 64;
/** Zero pixels on both sides; a Winograd block reads one more. */
const ROW_BYTES = (WIDTH + 4) * CHANNELS * 4;
/** Bytes of a row that a kernel goes over. */
const LIVE_BYTES = (WIDTH + 2) * CHANNELS * 4;

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
  const bytes = readFileSync(new URL('../dist/taesd.wasm', import.meta.url));
  const module = await WebAssembly.compile(bytes);
  // A memory for each group of cases, as large as it needs; the first allocation is what all of them take at most.
  const withMemory = async (make) => {
    const memory = new Memory();
    const mark = memory.mark();
    memory.allocate('all', 16 * 2 ** 20);
    memory.release(mark);
    return make(await instantiateKernels(module, memory.wasm), memory);
  };
  const cases = [await withMemory(directCases)];
  for (const shape of SHAPES) {
    cases.push(await withMemory((kernels, memory) => winogradCases(kernels, memory, shape)));
  }
  return cases.flat();
}

function directCases(kernels, memory) {
  fillSmall(memory);
  const region = (size) => memory.allocate('region', size);
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

/** What a Winograd convolution works on, and how its name is completed. */
const SHAPES = [
  { suffix: '', stride: 1, upsample: false },
  { suffix: ', upsampled', stride: 1, upsample: true },
  { suffix: ', stride 2', stride: 2, upsample: false },
];

/** The steps of a 64→64 Winograd convolution on one block of tiles, and all of them together, in f32 and in 16 bits. */
function winogradCases(kernels, memory, { suffix, stride, upsample }) {
  const stage = {
    kind: 'conv',
    conv: { kind: 'conv', kernel: 3, stride, cin: CHANNELS, cout: CHANNELS },
    upsample,
  };
  const tiling = tilingOf(stage);
  const { side, blockTiles: tiles } = tiling;
  const space = allocateWorkspace(memory, [stage], ROW_BYTES);
  const { rowTablePtr, vPtr, mPtr, columnsPtr, tilePtr, mostPtr, scalesPtr } = space;
  const rows = Array.from({ length: TABLE_INPUT_ROWS + 4 }, () =>
    memory.allocate('row', ROW_BYTES),
  );
  const groups = CHANNELS / GROUP;
  const pointCount = CHANNELS * GROUP;
  const weights = memory.allocate('weights', groups * 36 * pointCount * 4);
  const weightScales = memory.allocate('weights', groups * 36 * GROUP * 4);
  const bias = memory.allocate('bias', CHANNELS * 4);
  fillSmall(memory);
  memory.u32(rowTablePtr, rows.length).set(rows);
  const outputRows = rowTablePtr + TABLE_INPUT_ROWS * 4;
  const [mStride, vStride, columns] = [
    mStrideOf(tiling),
    vStrideOf(tiling),
    columnsStrideOf(tiling, CHANNELS),
  ];
  const [scales, most] = [scalesStrideOf(tiling), mostStrideOf(tiling)];
  const [name, name16, output] =
    stride === 1
      ? ['winogradTransformInput', 'winogradTransformInput16', 'winogradTransformOutput']
      : [
          'winogradStride2TransformInput',
          'winogradStride2TransformInput16',
          'winogradStride2TransformOutput',
        ];
  const flag = upsample ? 1 : 0;
  const isPlain = stride === 1;
  const each = (run) => () => {
    for (let group = 0; group < groups; group++) run(group);
  };
  const steps = {
    input: () =>
      kernels[name](vPtr, vStride, rowTablePtr, 0, columnsPtr, columns, tiles, CHANNELS, flag),
    multiply: each((group) =>
      kernels.winogradMultiply(
        ...[mPtr, mStride, vPtr, vStride, weights + group * 36 * pointCount * 4],
        ...[tiles, CHANNELS, side, flag],
      ),
    ),
    input16: () =>
      kernels[name16](
        ...[vPtr, vStride / 2, scalesPtr, scales, rowTablePtr, 0, columnsPtr, columns],
        ...(isPlain ? [mostPtr, most, tilePtr, 0] : [tilePtr]),
        ...[tiles, CHANNELS],
        ...(isPlain ? [flag] : []),
      ),
    multiply16: each((group) =>
      kernels.winogradMultiply16(
        ...[mPtr, mStride, vPtr, vStride / 2, scalesPtr, scales],
        ...[weights + group * 36 * pointCount * 2, weightScales + group * 36 * GROUP * 4, 0, 0],
        ...[tiles, CHANNELS, side, flag],
      ),
    ),
    output: each((group) =>
      kernels[output](
        ...[
          outputRows,
          (CHANNELS + group * GROUP) * 4,
          mPtr,
          mStride,
          tilePtr,
          bias,
          tiles,
          CHANNELS,
        ],
        ...(isPlain ? [0, 1] : [1]),
      ),
    ),
  };
  const chain =
    (...names) =>
    () => {
      for (const step of names) steps[step]();
    };
  const points = upsample ? 25 : side ** 2;
  const inBytes = (upsample ? 4 : side) * (tiles * tiling.step + 2) * CHANNELS * 4;
  const outBytes = 16 * tiles * CHANNELS * 4;
  const pointBytes = points * tiles * CHANNELS * 4;
  const trueWork = multiplyAddsOf(points, tiles);
  const directWork = multiplyAddsOf(9, 16 * tiles);
  return [
    { kernel: `${name}${isPlain ? suffix : ''}`, bytes: inBytes + pointBytes, run: steps.input },
    { kernel: `winogradMultiply${suffix}`, work: trueWork, peak: F32_PEAK, run: steps.multiply },
    {
      kernel: `${output}${isPlain ? suffix : ''}`,
      bytes: pointBytes + outBytes,
      run: steps.output,
    },
    {
      kernel: `winograd${suffix}, all steps, as if direct`,
      work: directWork,
      run: chain('input', 'multiply', 'output'),
    },
    {
      kernel: `${name16}${isPlain ? suffix : ''}`,
      bytes: inBytes + pointBytes / 2,
      run: steps.input16,
    },
    {
      kernel: `winogradMultiply16${suffix}`,
      work: trueWork,
      peak: I16_PEAK,
      run: steps.multiply16,
    },
    {
      kernel: `winograd16${suffix}, all steps, as if direct`,
      work: directWork,
      run: chain('input16', 'multiply16', 'output'),
    },
  ];
}

/** Small numbers everywhere: denormals and NaN would be timed otherwise. */
function fillSmall(memory) {
  const floats = new Float32Array(memory.wasm.buffer);
  for (let i = 0; i < floats.length; i++) floats[i] = ((i % 17) - 8) / 64;
}
