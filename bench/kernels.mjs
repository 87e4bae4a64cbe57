// Each kernel by itself, on rows of a 512-wide map that stay in the second-level cache, as in a
// real run.
import { readFileSync } from 'node:fs';
import { Bench } from 'tinybench';
import { LARGE_TILE, TILE } from '../dist/backend/tile.js';
import { writeJob } from '../dist/backend/wasm/job.js';
import * as fields from '../dist/backend/wasm/job-layout.js';
import { F32_BYTES, GROUP, MAX_INPUT_ROWS } from '../dist/backend/wasm/layout.js';
import { CompactMachine } from '../dist/backend/wasm/machine.js';
import { WasmProgram } from '../dist/backend/wasm/program.js';
import { WINOGRAD_KERNELS, winogradJob } from '../dist/backend/wasm/winograd.js';
import { allocateWorkspace, tilingOf, weightPoints } from '../dist/backend/wasm/workspace.js';
import { bindNetwork } from '../dist/model/bind.js';
import { conv3x3 } from '../dist/model/layers.js';
import { F32_PEAK, I16_PEAK } from './peak.mjs';

const WIDTH = 512;
const CHANNELS = 64;
/** Zero pixels on both sides; a Winograd block reads one more. */
const ROW_BYTES = (WIDTH + 4) * CHANNELS * F32_BYTES;
/** Bytes of a row that a kernel goes over. */
const LIVE_BYTES = (WIDTH + 2) * CHANNELS * F32_BYTES;

const multiplyAddsOf = (window, pixels) => window * CHANNELS * CHANNELS * pixels;

/**
 * @returns rows { kernel, rate, unit, peak }: G multiply-adds/s for convolutions, GB/s read and
 *   written for the rest. `peak` is the kind of instruction whose peak (see peak.mjs) bounds the
 *   rate; undefined if none does
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
  // A memory for each group of cases. It grows once, since the first allocation is the largest.
  const withMachine = async (make) => {
    const machine = await CompactMachine.start(module, undefined);
    const { memory } = machine;
    const mark = memory.mark();
    memory.allocate('all', 16 * 2 ** 20);
    memory.release(mark);
    return make(machine);
  };
  const cases = [await withMachine(directCases)];
  for (const shape of SHAPES) {
    cases.push(await withMachine((machine) => winogradCases(machine, shape)));
  }
  cases.push(wholeCases(module));
  return (await Promise.all(cases)).flat();
}

/** Squares and widths of whole convolutions: the levels of wide models, beside one of taesd's. */
const LEVELS = [
  [64, 128],
  [128, 64],
  [256, 32],
];

/** Whole convolutions: bands, rings, blocks and all. */
async function wholeCases(module) {
  const cases = [];
  for (const precision of ['f32', 'fast']) {
    for (const [channels, size] of LEVELS) {
      const machine = await CompactMachine.start(module, undefined);
      const network = Array.from({ length: 3 }, () => conv3x3(channels, channels));
      const program = new WasmProgram(
        machine,
        bindNetwork('wide', network, smallTensors(network)),
        precision,
      );
      const source = { channels, height: size, width: size, read: (y, row) => row.fill(y / 64) };
      cases.push({
        kernel: `${channels}→${channels} on ${size}×${size}, ${precision}, as if direct`,
        work: network.length * 9 * (channels * size) ** 2,
        run: () => {
          const rows = program.run(source, () => {});
          while (!rows.next().done);
        },
      });
    }
  }
  return cases;
}

const smallTensors = (network) =>
  new Map(
    network.flatMap(({ cin, cout }, n) => [
      [`${n}.weight`, small([cout, cin, 3, 3])],
      [`${n}.bias`, small([cout])],
    ]),
  );

const small = (shape) => {
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, data: Float32Array.from({ length: count }, (_, i) => ((i % 17) - 8) / 512) };
};

/** Writes a job into a memory. @returns its address */
function putJob(memory, values) {
  const ptr = memory.allocate('job', fields.JOB_BYTES);
  writeJob(memory, ptr, values);
  return ptr;
}

function directCases({ kernels, memory }) {
  fillSmall(memory);
  const region = (size) => memory.allocate('region', size);
  const [above, here, below, out] = [1, 2, 3, 4].map(() => region(ROW_BYTES));
  const wide = region(2 * ROW_BYTES);
  const weights = region(CHANNELS * CHANNELS * 9 * F32_BYTES);
  const bias = region(CHANNELS * F32_BYTES);
  const count = LIVE_BYTES / F32_BYTES;
  const jobFor = (width) =>
    putJob(memory, [
      [fields.JOB_WIDTH, width],
      [fields.JOB_CIN, CHANNELS],
      [fields.JOB_COUT, CHANNELS],
      [fields.JOB_STRIDE, 1],
      [fields.JOB_WEIGHTS, weights],
      [fields.JOB_BIAS, bias],
    ]);
  const [job, halfJob] = [jobFor(WIDTH), jobFor(WIDTH / 2)];
  return [
    {
      kernel: `conv3x3 ${CHANNELS}→${CHANNELS}`,
      work: multiplyAddsOf(9, WIDTH),
      peak: F32_PEAK,
      run: () => kernels.conv3x3(job, out, above, here, below),
    },
    {
      kernel: `conv3x3Stride2 ${CHANNELS}→${CHANNELS}`,
      work: multiplyAddsOf(9, WIDTH / 2),
      peak: F32_PEAK,
      run: () => kernels.conv3x3Stride2(halfJob, out, above, here, below),
    },
    {
      kernel: `conv1x1 ${CHANNELS}→${CHANNELS}`,
      work: multiplyAddsOf(1, WIDTH),
      peak: F32_PEAK,
      run: () => kernels.conv1x1(job, out, here),
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

/** The shapes of a Winograd convolution, and how each completes a kernel's name. */
const SHAPES = [
  { suffix: '', stride: 1, upsample: false, tile: LARGE_TILE },
  { suffix: ', upsampled', stride: 1, upsample: true, tile: LARGE_TILE },
  { suffix: '', stride: 1, upsample: false, tile: TILE },
  { suffix: ', upsampled', stride: 1, upsample: true, tile: TILE },
  { suffix: ', stride 2', stride: 2, upsample: false, tile: TILE },
];

/**
 * The steps of a 64→64 Winograd convolution on one block of tiles, and all of them together, in f32
 * and in 16 bits.
 */
function winogradCases({ kernels, memory }, { suffix, stride, upsample, tile }) {
  const stage = {
    kind: 'conv',
    conv: { kind: 'conv', kernel: 3, stride, cin: CHANNELS, cout: CHANNELS },
    upsample,
    tile,
    add: undefined,
    relu: true,
  };
  const { side, step, blockTiles: tiles } = tilingOf(stage);
  const workspace = allocateWorkspace(memory, [stage], ROW_BYTES);
  const rows = Array.from({ length: MAX_INPUT_ROWS + tile }, () =>
    memory.allocate('row', ROW_BYTES),
  );
  const groups = CHANNELS / GROUP;
  const packed = {
    cin: CHANNELS,
    cout: CHANNELS,
    weightsPtr: memory.allocate('weights', weightPoints(stage) * CHANNELS ** 2 * F32_BYTES),
    isLate: false,
    biasPtr: memory.allocate('bias', CHANNELS * F32_BYTES),
  };
  const scalesPtr = memory.allocate('weights', weightPoints(stage) * CHANNELS * F32_BYTES);
  fillSmall(memory);
  memory.u32(workspace.rowsPtr, rows.length).set(rows);
  const points = upsample ? weightPoints(stage) : side ** 2;
  const inRows = upsample ? tile / 2 + 2 : side;
  const inBytes = inRows * (tiles * step + 2) * CHANNELS * F32_BYTES;
  const outBytes = tile ** 2 * tiles * CHANNELS * F32_BYTES;
  const pointBytes = points * tiles * CHANNELS * F32_BYTES;
  /** The transforms of stride 2 and of tiles of 6×6 have names of their own. */
  const nameOf = (kernel) => (kernel.includes('Stride2') ? kernel : `${kernel}${suffix}`);
  const productName = (kernel) => `${kernel}, ${tile}×${tile} tiles${suffix}`;

  const casesOf = (products) => {
    const is16 = products === 'i16';
    const job = winogradJob(stage, { workspace, packed: is16 ? { ...packed, scalesPtr } : packed });
    const jobPtr = putJob(memory, job);
    const [input, product, output] = WINOGRAD_KERNELS[products][side];
    const eachGroup = (run) => {
      for (let group = 0; group < groups; group++) run(group);
    };
    const transformInput = () => kernels[input](jobPtr, 0, tiles);
    const multiply = () => eachGroup((group) => kernels[product](jobPtr, group, tiles));
    const transformOutput = () =>
      eachGroup((group) => kernels[output](jobPtr, group, CHANNELS * F32_BYTES, tiles));
    const outputCase = {
      kernel: nameOf(output),
      bytes: pointBytes + outBytes,
      run: transformOutput,
    };
    return [
      {
        kernel: nameOf(input),
        bytes: inBytes + (is16 ? pointBytes / 2 : pointBytes),
        run: transformInput,
      },
      {
        kernel: productName(product),
        work: multiplyAddsOf(points, tiles),
        peak: is16 ? I16_PEAK : F32_PEAK,
        run: multiply,
      },
      // f32 and 16-bit products share the output transform; it is timed once.
      ...(is16 ? [] : [outputCase]),
      {
        kernel: `${productName(`winograd${is16 ? '16' : ''}`)}, all steps, as if direct`,
        work: multiplyAddsOf(9, tile ** 2 * tiles),
        run: () => {
          transformInput();
          multiply();
          transformOutput();
        },
      },
    ];
  };
  return [...casesOf('f32'), ...casesOf('i16')];
}

/** Fills a memory with small normal numbers. Denormals and NaN would change the times. */
function fillSmall(memory) {
  const floats = new Float32Array(memory.wasm.buffer);
  for (let i = 0; i < floats.length; i++) floats[i] = ((i % 17) - 8) / 64;
}
