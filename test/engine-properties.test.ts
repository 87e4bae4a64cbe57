import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { referenceBackend } from '../src/backend/reference.ts';
import { createWasmBackend } from '../src/backend/wasm/wasm-backend.ts';
import { bindNetwork } from '../src/model/bind.ts';
import type { Half } from '../src/model/layers.ts';
import { VARIANTS } from '../src/model/variants.ts';
import type { Precision } from '../src/options/types.ts';
import { writeSafetensors } from '../src/safetensors/write.ts';
import { Taesd } from '../src/taesd.ts';
import type { Tensor } from '../src/tensor.ts';
import { expectClose } from './compare.ts';
import { isFullLength, rounds, sampled, testAtFullLength } from './full-length.ts';
import { randomTensor, seededRandom } from './random.ts';
import { runProgram } from './run-program.ts';
import { networkTensors, randomWeights } from './small-model.ts';

/*
 * Properties of the real layer lists for any weights, size, precision and number of workers.
 */

const PRECISIONS: readonly Precision[] = ['f32', 'fast'];
const PARTS: readonly Half[] = ['encoder', 'decoder'];
const WORKERS = [1, 2, 3, 4];
/** Of each of three sizes. */
const SPANS = rounds(1, 8);
/** Of fast against f32. */
const SEEDS = rounds(1, 5);

const WEIGHTS = {
  encoder: randomWeights('taesd', 'encoder'),
  decoder: randomWeights('taesd', 'decoder'),
};

/** Height and width of latents: around a tile and a span, and seeded ones. */
const SIZES: readonly (readonly [number, number])[] = [
  [1, 1],
  ...(isFullLength
    ? ([
        [1, 9],
        [4, 4],
      ] as const)
    : []),
  [5, 3],
  ...(isFullLength ? ([[9, 17]] as const) : []),
  ...seededSizes(rounds(0, 4)),
  // High and wide; in the slow suite both at once.
  [50, 2],
  [2, 70],
  ...(isFullLength ? ([[50, 70]] as const) : []),
];
const SIZES_NAME = `${SIZES.length} sizes from 1×1 to ${isFullLength ? '70×50' : '2×50 and 70×2'} latents`;

function seededSizes(count: number): [number, number][] {
  const random = seededRandom(41);
  return Array.from({ length: count }, () => [1 + 40 * random(), 1 + 20 * random()]).map(
    ([height, width]) => [Math.floor(height), Math.floor(width)],
  );
}

/** A latent, or a picture that is up to 7 rows and columns short of 8 times the latent's size. */
function inputOf(part: Half, [height, width]: readonly [number, number], channels = 4): Tensor {
  const random = seededRandom(1000 * height + width);
  if (part === 'decoder') return randomTensor(random, [1, channels, height, width], 3);
  const [rows, columns] = [height, width].map((size) => 8 * size - Math.floor(8 * random()));
  const { shape, data } = randomTensor(random, [1, 3, rows, columns], 0.5);
  return { shape, data: data.map((value) => value + 0.5) };
}

const run = (taesd: Taesd, part: Half, input: Tensor): Promise<Tensor> =>
  part === 'encoder' ? taesd.encode(input) : taesd.decode(input, { output: 'tensor' });

/** The first number whose bits differ, with both; undefined for none. */
function firstDifference(got: Tensor, wanted: Tensor): string | undefined {
  expect(got.shape).toEqual(wanted.shape);
  const at = got.data.findIndex((value, i) => !Object.is(value, wanted.data[i]));
  return at < 0 ? undefined : `element ${at}: got ${got.data[at]}, expected ${wanted.data[at]}`;
}

const largest = ({ data }: Tensor): number =>
  data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe.each(PRECISIONS)('workers, precision %s', (precision) => {
  // The quick suite has the longest of these with one precision.
  const testWhole = precision === 'f32' ? test : testAtFullLength;
  const sizes = precision === 'f32' || isFullLength ? SIZES : [[9, 17] as const];
  const sizesName = precision === 'f32' || isFullLength ? SIZES_NAME : '17×9 latents';
  let alone: Taesd;
  const wanted = new Map<string, Tensor>();
  const key = (part: Half, size: readonly number[]) => `${part} ${size}`;
  beforeAll(async () => {
    alone = await Taesd.load({ weights: WEIGHTS, precision, workers: 0 });
    for (const part of PARTS) {
      for (const size of sizes) {
        wanted.set(key(part, size), await run(alone, part, inputOf(part, size)));
      }
    }
  });
  afterAll(() => alone.dispose());

  const counts = sampled([3], WORKERS);
  for (const workers of counts) {
    test(`Taesd [wasm]: ${precision}, ${workers} workers, ${sizesName} → the bits of one thread`, async () => {
      const taesd = await Taesd.load({ weights: WEIGHTS, precision, workers });
      try {
        expect(taesd.info.workersReason).toBe(undefined);
        for (const part of PARTS) {
          for (const size of sizes) {
            const got = await run(taesd, part, inputOf(part, size));
            const found = firstDifference(got, wanted.get(key(part, size)) as Tensor);
            expect(found, `${part}, latents ${size.toReversed().join('×')}`).toBe(undefined);
          }
        }
        expect(taesd.info.workers).toBe(workers);
      } finally {
        taesd.dispose();
      }
    });
  }

  testWhole(`Taesd [wasm]: nano, ${precision}, 3 workers → the bits of one thread`, async () => {
    const weights = {
      encoder: randomWeights('nano', 'encoder'),
      decoder: randomWeights('nano', 'decoder'),
    };
    const options = { model: 'nano', weights, precision } as const;
    const [one, three] = [
      await Taesd.load({ ...options, workers: 0 }),
      await Taesd.load({ ...options, workers: 3 }),
    ];
    for (const part of PARTS) {
      for (const size of SIZES) {
        const input = inputOf(part, size);
        const found = firstDifference(await run(three, part, input), await run(one, part, input));
        expect(found, `${part}, latents ${size.toReversed().join('×')}`).toBe(undefined);
      }
    }
    expect(three.info).toMatchObject({ model: 'nano', workers: 3 });
    three.dispose();
  });

  const decoders = sampled([2], [0, 2]);
  testWhole(
    `decodeRows [wasm]: ${precision}, ${decoders.join(' and ')} workers, cropped → batches that join to the picture of decode`,
    async () => {
      for (const workers of decoders) {
        const taesd = await Taesd.load({ weights: WEIGHTS, only: 'decoder', precision, workers });
        for (const size of [
          [1, 1],
          [7, 5],
          [33, 6],
        ] as const) {
          const latents = inputOf('decoder', size);
          const options = { width: 8 * size[1] - 3, height: 8 * size[0] - 7 };
          const whole = await alone.decode(latents, options);
          let y = 0;
          for await (const rows of taesd.decodeRows(latents, options)) {
            expect(rows.y).toBe(y);
            const begin = 4 * options.width * y;
            expect(rows.data).toEqual(whole.data.slice(begin, begin + rows.data.length));
            y += rows.rows;
          }
          expect(y).toBe(options.height);
        }
        taesd.dispose();
      }
    },
  );

  // The sample has a model for each precision.
  const models = sampled<'taesd' | 'nano'>(
    [precision === 'f32' ? 'taesd' : 'nano'],
    ['taesd', 'nano'],
  );
  const cases = PARTS.flatMap((part) => models.map((m) => [part, m] as const));
  for (const [part, model] of cases) {
    test(`Program [wasm]: ${part} of ${model}, ${precision}, ${3 * SPANS} seeded spans of rows → the bits of the whole`, async () => {
      const network = VARIANTS[model].networks[part];
      const wasm = await createWasmBackend({ precision });
      const tensors = networkTensors(network, 8);
      const program = wasm.compile(bindNetwork(part, network, tensors));
      const random = seededRandom(part.length);
      for (const size of [
        [3, 2],
        [19, 3],
        [40, 4],
      ] as const) {
        const input = inputOf(part, size);
        const whole = runProgram(program, network, input);
        const [, channels, height, width] = whole.shape;
        for (let n = 0; n < SPANS; n++) {
          const first = Math.floor(height * random());
          const end = first + 1 + Math.floor((height - first) * random());
          const some = runProgram(program, network, input, { first, end });
          for (let c = 0; c < channels; c++) {
            const rows = ({ data }: Tensor) =>
              data.slice((c * height + first) * width, (c * height + end) * width);
            expect(rows(some), `rows ${first} … ${end} of ${height}`).toEqual(rows(whole));
          }
          const outside = (height - end + first) * width * channels;
          expect(some.data.filter(Number.isNaN).length).toBe(outside);
        }
      }
    });
  }
});

/** Of the reference's largest number; the most that was measured is 1.2e-6. */
const F32_BOUND = 1e-5;

for (const part of PARTS) {
  for (const model of ['taesd', 'taef1', 'nano'] as const) {
    const count = rounds(1, 7);
    const ends = isFullLength ? '4×3 and 40×1' : '2×3';
    test(`Program [wasm]: ${part} of ${model}, f32, ${count} seeded weights and sizes to ${ends} latents → within ${F32_BOUND} of the reference’s largest number`, async () => {
      const wasm = await createWasmBackend();
      const { latentChannels } = VARIANTS[model];
      const network = VARIANTS[model].networks[part];
      const sizes = [
        [3, 2],
        // In the slow suite, for the reference takes seconds.
        [1, 3],
        [2, 1],
        [3, 4],
        [1, 1],
        [2, 2],
        // More tiles than a block of the Winograd kernels holds.
        [1, 40],
      ] as const;
      let worst = 0;
      for (const [seed, size] of sizes.slice(0, count).entries()) {
        const bound = bindNetwork(part, network, networkTensors(network, seed));
        const input = inputOf(part, size, latentChannels);
        const wanted = runProgram(referenceBackend.compile(bound), network, input);
        const got = runProgram(wasm.compile(bound), network, input);
        worst = Math.max(
          worst,
          expectClose(got, wanted, F32_BOUND * largest(wanted)) / largest(wanted),
        );
      }
      if (process.env.MEASURE) console.log(`${part} of ${model}: f32 against reference`, worst);
    });
  }
}

/** Decibels between signals, the largest number of the wanted one as the peak. */
function psnr(got: Tensor, wanted: Tensor): number {
  let sum = 0;
  for (const [i, value] of got.data.entries()) sum += (value - wanted.data[i]) ** 2;
  return 20 * Math.log10(largest(wanted) / Math.sqrt(sum / got.data.length));
}

/** The least that was measured is stated beside each. */
const FAST_DECIBELS = { encoder: 60, decoder: 60 };

for (const part of PARTS) {
  test(`Taesd [wasm]: ${part}, precision fast, ${SEEDS} seeded weights → ${FAST_DECIBELS[part]} dB and more against f32`, async () => {
    const network = VARIANTS.taesd.networks[part];
    let least = Infinity;
    for (let seed = 0; seed < SEEDS; seed++) {
      const weights = { [part]: writeSafetensors([...networkTensors(network, 50 + seed)]) };
      const input = inputOf(part, [1 + seed, 9 - seed]);
      const [exact, fast] = await Promise.all(
        PRECISIONS.map(async (precision) => {
          const taesd = await Taesd.load({ weights, only: part, precision, workers: 0 });
          return run(taesd, part, input);
        }),
      );
      expect(fast.data.every(Number.isFinite)).toBe(true);
      least = Math.min(least, psnr(fast, exact));
    }
    if (process.env.MEASURE) console.log(`${part}: fast against f32, dB`, least);
    expect(least).toBeGreaterThan(FAST_DECIBELS[part]);
  });
}
