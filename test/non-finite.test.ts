import { beforeAll, describe, expect, test } from 'vitest';
import { referenceBackend } from '../src/backend/reference.ts';
import { createWasmBackend } from '../src/backend/wasm/wasm-backend.ts';
import { bindNetwork } from '../src/model/bind.ts';
import { conv3x3 } from '../src/model/layers.ts';
import { receptiveField } from '../src/model/receptive-field.ts';
import { VARIANTS } from '../src/model/variants.ts';
import type { Precision } from '../src/options/types.ts';
import { writeSafetensors } from '../src/safetensors/write.ts';
import { Taesd } from '../src/taesd.ts';
import type { Tensor } from '../src/tensor.ts';
import { testAtFullLength } from './full-length.ts';
import { randomTensor, seededRandom } from './random.ts';
import { runNetwork, runProgram } from './run-program.ts';
import { networkTensors, randomTensors } from './small-model.ts';

/*
 * Numbers that are not finite: how far one reaches, and the numbers from which WASM has some where
 * the reference has none. docs/models.md has the figures.
 */

type Reach = readonly [before: number, after: number];

/** Pixels or latents of the result beside those of the number itself. */
const REACH: Readonly<
  Record<'taesd' | 'nano', Record<'decoder' | 'encoder', Record<string, Reach>>>
> = {
  taesd: {
    decoder: {
      ...{ 'f32 x': [353, 353], 'f32 y': [353, 353] },
      ...{ 'fast x': [353, 353], 'fast y': [353, 353] },
    },
    encoder: {
      ...{ 'f32 x': [44, 45], 'f32 y': [44, 45] },
      ...{ 'fast x': [44, 45], 'fast y': [44, 45] },
    },
  },
  nano: {
    decoder: {
      ...{ 'f32 x': [216, 216], 'f32 y': [216, 216] },
      ...{ 'fast x': [216, 216], 'fast y': [216, 216] },
    },
    encoder: {
      ...{ 'f32 x': [21, 22], 'f32 y': [21, 22] },
      ...{ 'fast x': [21, 22], 'fast y': [21, 22] },
    },
  },
};

/**
 * The places that reach farthest to either side. Tiles lie alike every 12 latents or 96 pixels:
 * those of 4×4 on the coarsest level, of 6×6 on the others. All places were tried once.
 */
const FARTHEST = {
  taesd: { decoder: [8, 3], encoder: [48, 71] },
  nano: { decoder: [0, 2], encoder: [0, 20] },
};
const PERIOD = { decoder: 12, encoder: 96 };

for (const [model, halves] of Object.entries(REACH) as [
  keyof typeof REACH,
  (typeof REACH)['taesd'],
][]) {
  for (const [half, cases] of Object.entries(halves) as ['decoder', Record<string, Reach>][]) {
    for (const [name, reach] of Object.entries(cases)) {
      const isSample =
        (model === 'nano' && name.endsWith('x')) || `${half} ${name}` === 'decoder f32 x';
      const run = isSample ? test : testAtFullLength;
      run(
        `${model} ${half}, ${name}: one NaN → ${reach.join(' and ')} beside it, no bit beyond`,
        async () => {
          const [precision, axis] = name.split(' ') as [Precision, 'x' | 'y'];
          expect(await reachOf(model, half, precision, axis)).toEqual(reach);
        },
      );
    }
  }
}

/** Returns how far one NaN changes the result along an axis, at the places that reach farthest. */
async function reachOf(
  model: 'taesd' | 'nano',
  half: 'decoder' | 'encoder',
  precision: Precision,
  axis: 'x' | 'y',
): Promise<Reach> {
  const network = VARIANTS[model].networks[half];
  const { downscale } = VARIANTS[model];
  const bound = bindNetwork(half, network, networkTensors(network, 5));
  const backend = await createWasmBackend({ precision });
  // Three times the field on either side.
  const field = receptiveField(network).before;
  const isDecoder = half === 'decoder';
  const middle = PERIOD[half] * Math.ceil((3 * field) / PERIOD[half]);
  const [length, across] = isDecoder ? [2 * middle, 1] : [2 * middle, downscale];
  const [height, width] = axis === 'x' ? [across, length] : [length, across];
  const shape = [1, isDecoder ? 4 : 3, height, width];
  const { data } = randomTensor(seededRandom(3), shape);
  const run = (numbers: Float32Array) =>
    runNetwork(backend, bound, { shape, data: numbers }, { precision });
  const clean = await run(data);
  let [before, after] = [0, 0];
  for (const place of FARTHEST[model][half]) {
    const at = middle + place;
    const numbers = data.slice();
    numbers[axis === 'x' ? at : at * width] = NaN;
    const [first, last] = changed(await run(numbers), clean, axis);
    const cell = isDecoder ? at * downscale : Math.floor(at / downscale);
    before = Math.max(before, cell - first);
    after = Math.max(after, last - (isDecoder ? cell + downscale - 1 : cell));
  }
  return [before, after];
}

/** Returns the first and the last row or column that differs by a bit. It is not at a border. */
function changed({ shape, data }: Tensor, clean: Tensor, axis: 'x' | 'y'): [number, number] {
  const [, , height, width] = shape;
  let [first, last] = [Infinity, -Infinity];
  for (let i = 0; i < data.length; i++) {
    if (Object.is(data[i], clean.data[i])) continue;
    const at = axis === 'x' ? i % width : Math.floor(i / width) % height;
    first = Math.min(first, at);
    last = Math.max(last, at);
  }
  expect(first).toBeGreaterThan(0);
  expect(last).toBeLessThan((axis === 'x' ? width : height) - 1);
  return [first, last];
}

const isSame = (a: Uint8ClampedArray, b: Uint8ClampedArray) => a.every((byte, i) => byte === b[i]);

describe('pictures', () => {
  const SIDE = 56;
  const MIDDLE = 27;
  const latents = randomTensor(seededRandom(9), [1, 4, SIDE, SIDE]);
  const [reach] = REACH.nano.decoder['f32 x'];
  let clean: Uint8ClampedArray;
  let nano: Taesd;

  beforeAll(async () => {
    nano = await Taesd.load({ model: 'nano', workers: 0, only: 'decoder' });
    clean = (await nano.decode(latents)).data;
  });

  /** Decodes with one latent replaced, and checks that only pixels in its reach differ. */
  async function decodedWith(value: number, taesd = nano): Promise<Uint8ClampedArray> {
    const data = latents.data.slice();
    data[MIDDLE * SIDE + MIDDLE] = value;
    const picture = await taesd.decode({ shape: latents.shape, data }, { allowNonFinite: true });
    const isNear = (at: number) => at >= 8 * MIDDLE - reach && at <= 8 * MIDDLE + 7 + reach;
    let beyond = 0;
    for (let i = 0; i < clean.length; i++) {
      const [x, y] = [(i >> 2) % (8 * SIDE), Math.floor((i >> 2) / (8 * SIDE))];
      if (picture.data[i] !== clean[i] && !(isNear(x) && isNear(y))) beyond++;
    }
    expect(beyond).toBe(0);
    return picture.data;
  }

  test('decode: one NaN → black pixels around it; every byte beyond its reach as without', async () => {
    const data = await decodedWith(NaN);
    const centre = 4 * ((8 * MIDDLE + 4) * 8 * SIDE + 8 * MIDDLE + 4);
    expect([...data.subarray(centre, centre + 4)]).toEqual([0, 0, 0, 255]);
  });

  test('decode: one infinity → bounded by the first layer, no farther than NaN', async () => {
    for (const value of [Infinity, -Infinity]) {
      expect(isSame(await decodedWith(value), clean)).toBe(false);
    }
  });

  test('decode: one NaN, two workers → the bytes of one thread', async () => {
    const onWorkers = await Taesd.load({ model: 'nano', workers: 2, only: 'decoder' });
    try {
      const data = await decodedWith(NaN, onWorkers);
      expect(isSame(data, await decodedWith(NaN))).toBe(true);
    } finally {
      onWorkers.dispose();
    }
  });
});

describe('weights that drive numbers past the range of f32', () => {
  /** Runs a convolution whose inputs all have this magnitude, with the signs of its weights. */
  async function convolved(magnitude: number, precision: Precision, stride: 1 | 2) {
    const [cin, size] = [64, 12];
    const network = [conv3x3(cin, 16, { bias: false, stride })];
    const weight = randomTensor(seededRandom(1), [16, cin, 3, 3], 1 / (9 * cin));
    const bound = bindNetwork('network', network, new Map([['0.weight', weight]]));
    const data = Float32Array.from({ length: cin * size ** 2 }, (_, n) => {
      const [i, y, x] = [Math.floor(n / size ** 2), Math.floor(n / size) % size, n % size];
      return magnitude * (Math.sign(weight.data[i * 9 + (y % 3) * 3 + (x % 3)]) || 1);
    });
    const input = { shape: [1, cin, size, size], data };
    const wasm = await createWasmBackend({ precision });
    return {
      got: await runProgram(wasm.compile(bound), network, input),
      wanted: runProgram(referenceBackend.compile(bound), network, input),
    };
  }
  const countOfOthers = ({ data }: Tensor) => data.filter((x) => !Number.isFinite(x)).length;

  for (const precision of ['f32', 'fast'] as const) {
    for (const stride of [1, 2] as const) {
      test(`${precision}, stride ${stride}: maps of 1e34 → as the reference; of 1e38 → NaN or infinity, where it has none`, async () => {
        const { got, wanted } = await convolved(1e34, precision, stride);
        const bound = (precision === 'f32' ? 2e-5 : 8e-3) * 1e34;
        expect(countOfOthers(wanted)).toBe(0);
        expect(countOfOthers(got)).toBe(0);
        const worst = got.data.reduce(
          (most, x, i) => Math.max(most, Math.abs(x - wanted.data[i])),
          0,
        );
        expect(worst).toBeLessThanOrEqual(bound);
        const past = await convolved(1e38, precision, stride);
        expect(countOfOthers(past.wanted)).toBe(0);
        expect(countOfOthers(past.got)).toBeGreaterThan(0);
      });
    }
  }

  test('decode: finite latents, weights that give NaN → NaN in a tensor, black in a picture; the reference has none', async () => {
    const tensors = randomTensors('taesd', 'decoder');
    for (const [name, { data }] of tensors) {
      if (name.startsWith('1.')) for (let i = 0; i < data.length; i++) data[i] *= 3e37;
    }
    const weights = { decoder: writeSafetensors(tensors) };
    const latents = randomTensor(seededRandom(2), [1, 4, 1, 1]);
    const decoded = async (backend: 'wasm' | 'reference') => {
      const taesd = await Taesd.load({
        ...{ model: 'taesd', only: 'decoder', workers: 0, backend, weights },
      });
      const [{ data }, picture] = [
        await taesd.decode(latents, { output: 'tensor' }),
        await taesd.decode(latents),
      ];
      taesd.dispose();
      return { data, picture };
    };
    const wasm = await decoded('wasm');
    expect(wasm.data.every(Number.isNaN)).toBe(true);
    expect(wasm.picture.data.every((byte, i) => byte === (i % 4 === 3 ? 255 : 0))).toBe(true);
    const reference = await decoded('reference');
    expect(reference.data.every(Number.isFinite)).toBe(true);
  });
});
