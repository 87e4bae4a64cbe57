import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type LatentsLike,
  type PredictionOptions,
  type PredictionStep,
  predictOriginal,
} from '../../src/preview/index.ts';
import { Taesd } from '../../src/taesd.ts';
import type { Tensor } from '../../src/tensor.ts';
import { isFullLength, testAtFullLength } from '../full-length.ts';
import { seededRandom } from '../random.ts';
import { keeping } from './keeping.ts';

/*
 * The predicted picture. The oracle goes the other way: it makes the noisy sample and a perfect
 * model's output from a picture and noise, in f64, by the papers' definitions. The prediction must
 * give the picture back.
 */

const SHAPE = [1, 4, 5, 7];
const COUNT = 140;
const random = seededRandom(14);
const gaussians = () =>
  Array.from(
    { length: COUNT },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
const X0 = gaussians();
const NOISE = gaussians();

interface Case {
  readonly options: PredictionOptions;
  /** The noisy sample's definition in the paper: the factors of picture and noise. */
  readonly sample: readonly [picture: number, noise: number];
  /** The model's training target in the paper: the factors of picture and noise. */
  readonly output: readonly [picture: number, noise: number];
}

/** DDPM's q(x_t | x_0), eq. 4, and the targets by the definitions of each paper. */
const preserving = (alphaCumprod: number): Case[] => {
  const [alpha, sigma] = [Math.sqrt(alphaCumprod), Math.sqrt(1 - alphaCumprod)];
  const sample = [alpha, sigma] as const;
  return [
    { options: { prediction: 'epsilon', alphaCumprod }, sample, output: [0, 1] },
    // Salimans and Ho: v = α·ε − σ·x.
    { options: { prediction: 'v', alphaCumprod }, sample, output: [-sigma, alpha] },
    { options: { prediction: 'v', alphaCumprod, sign: -1 }, sample, output: [sigma, -alpha] },
    { options: { prediction: 'sample', alphaCumprod }, sample, output: [1, 0] },
  ];
};

/**
 * Karras's x = y + σ·n. A v-model sees x/√(σ²+1), whose α is 1/√(σ²+1) and whose noise is
 * σ/√(σ²+1).
 */
const exploding = (sigma: number): Case[] => {
  const root = Math.sqrt(sigma * sigma + 1);
  const sample = [1, sigma] as const;
  return [
    { options: { prediction: 'epsilon', sigma }, sample, output: [0, 1] },
    { options: { prediction: 'v', sigma }, sample, output: [-sigma / root, 1 / root] },
    { options: { prediction: 'v', sigma, sign: -1 }, sample, output: [sigma / root, -1 / root] },
    { options: { prediction: 'sample', sigma }, sample, output: [1, 0] },
  ];
};

/** Rectified flow: a straight line from picture to noise, and its derivative. */
const flowing = (sigma: number): Case[] => {
  const sample = [1 - sigma, sigma] as const;
  return [
    { options: { prediction: 'flow', sigma }, sample, output: [-1, 1] },
    { options: { prediction: 'flow', sigma, sign: -1 }, sample, output: [1, -1] },
  ];
};

const CASES = [
  ...[1, 0.9991, 0.5, 0.0047].flatMap(preserving),
  ...preserving(0).filter(({ options }) => options.prediction !== 'epsilon'),
  ...[0, 0.03, 1, 14.6].flatMap(exploding),
  ...[0, 0.25, 0.5, 1].flatMap(flowing),
];
const titled = CASES.map((one) => [JSON.stringify(one.options), one] as const);

const blend = ([picture, noise]: readonly [number, number]): Tensor => ({
  shape: SHAPE,
  data: Float32Array.from(X0, (value, i) => picture * value + noise * NOISE[i]),
});

/** Half a unit in the last place of f32, relative. */
const HALF = 2 ** -24;

describe('a perfect model → its picture', () => {
  test.each(titled)('%s', (_, { options, sample, output }) => {
    const [x, o] = [blend(sample), blend(output)];
    const before = [x.data.slice(), o.data.slice()];
    const { shape, data } = predictOriginal(x, o, options);
    expect(shape).toEqual(SHAPE);
    expect(data).toBeInstanceOf(Float32Array);
    expect([x.data, o.data]).toEqual(before);
    // The rounding of both inputs to f32 grows by the factor of each; the picture = a·x + b·o gives
    // the factors.
    const det = sample[0] * output[1] - sample[1] * output[0];
    const [a, b] = options.prediction === 'sample' ? [0, 1] : [output[1] / det, -sample[1] / det];
    for (let i = 0; i < COUNT; i++) {
      const rounding = Math.abs(a * x.data[i]) + Math.abs(b * o.data[i]) + Math.abs(X0[i]);
      expect(Math.abs(data[i] - X0[i])).toBeLessThanOrEqual(rounding * HALF * 1.01);
      // On the f32 inputs themselves: one rounding alone.
      const exact = a * x.data[i] + b * o.data[i];
      const slack = (Math.abs(a * x.data[i]) + Math.abs(b * o.data[i])) * 2 ** -50;
      expect(Math.abs(data[i] - exact)).toBeLessThanOrEqual(Math.abs(exact) * HALF + slack);
    }
  });

  test('a sample divided by √(σ²+1), alphaCumprod 1/(σ²+1) → as the undivided one with sigma', () => {
    const sigma = 7;
    const [sample, output] = [blend([1, sigma]), blend([0, 1])];
    const scaled = { shape: SHAPE, data: sample.data.map((value) => value / Math.hypot(sigma, 1)) };
    const alphaCumprod = 1 / (sigma * sigma + 1);
    const one = predictOriginal(sample, output, { prediction: 'epsilon', sigma });
    const other = predictOriginal(scaled, output, { prediction: 'epsilon', alphaCumprod });
    const worst = Math.max(...one.data.map((value, i) => Math.abs(value - other.data[i])));
    expect(worst).toBeLessThan(1e-5);
  });

  test('v of a huge sigma → minus the output, not NaN', () => {
    const { data } = predictOriginal(blend([1, 0]), blend([0, 1]), {
      prediction: 'v',
      sigma: 1e300,
    });
    expect(data).toEqual(blend([0, -1]).data);
  });
});

const PYTHON = '/usr/bin/python3';
const hasTorch = isFullLength && spawnSync(PYTHON, ['-c', 'import torch']).status === 0;

/** The schedulers' formulas in torch, in f64: DDIM's for ᾱ, Euler's for σ, and flow matching's. */
const TORCH = `
import json, sys, torch
def predict(c):
    x, o = (torch.tensor(c[k], dtype=torch.float64) for k in ("x", "o"))
    p, o = c["prediction"], o * c.get("sign", 1)
    if p == "sample": return o
    if "alphaCumprod" in c:
        a = torch.tensor(c["alphaCumprod"], dtype=torch.float64)
        if p == "epsilon": return (x - torch.sqrt(1 - a) * o) / torch.sqrt(a)
        return torch.sqrt(a) * x - torch.sqrt(1 - a) * o
    s = torch.tensor(c["sigma"], dtype=torch.float64)
    if p in ("epsilon", "flow"): return x - s * o
    return x / (s * s + 1) - o * s / torch.sqrt(s * s + 1)
print(json.dumps([predict(c).tolist() for c in json.load(sys.stdin)]))
`;

testAtFullLength('every case in torch → the prediction, rounded once', ({ skip }) => {
  if (!hasTorch && process.env.CI) throw new Error(`${PYTHON} lacks torch, and CI has it`);
  if (!hasTorch) skip(`${PYTHON} has no torch (Debian's python3-torch)`);
  const input = CASES.map(({ options, sample, output }) => ({
    ...options,
    x: [...blend(sample).data],
    o: [...blend(output).data],
  }));
  const run = spawnSync(PYTHON, ['-c', TORCH], { input: JSON.stringify(input), encoding: 'utf8' });
  expect(run.stderr).toBe('');
  const wanted = JSON.parse(run.stdout) as number[][];
  for (const [n, { options, sample, output }] of CASES.entries()) {
    const { data } = predictOriginal(blend(sample), blend(output), options);
    for (let i = 0; i < COUNT; i++) {
      const slack = (1 + Math.abs(input[n].x[i]) + Math.abs(input[n].o[i])) * 1e-13;
      const error = Math.abs(data[i] - wanted[n][i]);
      expect(error, JSON.stringify(options)).toBeLessThanOrEqual(
        Math.abs(wanted[n][i]) * HALF + slack,
      );
    }
  }
});

describe('tensors of any library', () => {
  const options: PredictionOptions = { prediction: 'flow', sigma: 0.5 };
  const [x, o] = [blend([0.5, 0.5]), blend([-1, 1])];
  const wanted = predictOriginal(x, o, options);
  const onGpu = ({ shape, data }: Tensor): LatentsLike => ({
    dims: shape,
    location: 'gpu-buffer',
    get data(): unknown {
      throw new Error('The data is not on CPU.');
    },
    getData: async () => data,
  });

  test('dims, f64, no batch, packed → their own shape, at once', () => {
    for (const shape of [SHAPE, SHAPE.slice(1), [1, 35, 4], [COUNT]]) {
      const dims = shape.map(BigInt) as unknown as number[];
      const result = predictOriginal(
        { dims, data: Float64Array.from(x.data) },
        { shape, data: o.data },
        options,
      );
      expect(result).toEqual({ shape, data: wanted.data });
    }
  });

  test.each<[string, LatentsLike, LatentsLike]>([
    ['the sample', onGpu(x), o],
    ['the output', x, onGpu(o)],
    ['both', onGpu(x), onGpu(o)],
  ])('%s on a GPU → a promise', async (_, sample, output) => {
    const result = predictOriginal(sample, output, options);
    expect(result).toBeInstanceOf(Promise);
    expect(await result).toEqual(wanted);
  });

  test('a sample that fails later beside a wrong output → one error, none unhandled', async () => {
    const unhandled: unknown[] = [];
    const keep = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', keep);
    const late = { shape: SHAPE, getData: () => Promise.reject(new Error('gpu')) };
    const wrong = { shape: SHAPE, data: 'no' };
    expect(() => predictOriginal(late, wrong, options)).toThrow('"output" expected 140 numbers');
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', keep);
    expect(unhandled).toEqual([]);
    await expect(predictOriginal(late, o, options)).rejects.toThrow('got gpu');
  });

  test('another layout of the two → ARG; a single layout of both → passes', () => {
    const last = { ...o, layout: 'NHWC' as const };
    expect(() => predictOriginal(x, last, options)).toThrow(
      `"output layout" expected the sample's layout undefined, got "NHWC"`,
    );
    const both = predictOriginal({ ...x, layout: 'NHWC' }, last, options);
    expect(both).toEqual(wanted);
  });

  test('NaN and infinity → pass; of a sample that does not count → ignored', () => {
    const bad = { shape: [3], data: Float32Array.of(NaN, Infinity, 1) };
    const good = { shape: [3], data: Float32Array.of(1, 2, 3) };
    const of = (sample: Tensor, output: Tensor, prediction: 'epsilon' | 'sample') => [
      ...predictOriginal(sample, output, { prediction, sigma: 1 }).data,
    ];
    expect(of(bad, good, 'epsilon')).toEqual([NaN, Infinity, -2]);
    expect(of(bad, good, 'sample')).toEqual([1, 2, 3]);
    expect(of(good, bad, 'sample')).toEqual([NaN, Infinity, 1]);
  });
});

describe('what cannot be → one sentence', () => {
  const tensor = blend([1, 0]);
  const wrong = (shape: readonly number[]) => ({ shape, data: new Float32Array(4) });
  test.each<[unknown, string, string]>([
    [
      { prediction: 'flow', alphaCumprod: 0.5 },
      'ARG',
      '"alphaCumprod" expected no value for prediction \'flow\', got 0.5 (a flow has no alphaCumprod: give its sigma, 0 … 1)',
    ],
    [
      { prediction: 'epsilon', alphaCumprod: 0 },
      'ARG',
      '"alphaCumprod" expected a number above 0, up to 1, for prediction \'epsilon\', got 0',
    ],
    [
      { prediction: 'v', alphaCumprod: 999 },
      'ARG',
      '"alphaCumprod" expected a number from 0 to 1, got 999 (alphas_cumprod at the timestep, not the timestep)',
    ],
    [
      { prediction: 'sample', alphaCumprod: -0.1 },
      'ARG',
      '"alphaCumprod" expected a number from 0 to 1, got -0.1',
    ],
    [
      { prediction: 'v', alphaCumprod: NaN },
      'ARG',
      '"alphaCumprod" expected a number from 0 to 1, got NaN',
    ],
    [
      { prediction: 'v', sigma: 1, alphaCumprod: 1 },
      'ARG',
      '"alphaCumprod, sigma" expected exactly one of the two, got both',
    ],
    [
      { prediction: 'sample' },
      'ARG',
      '"alphaCumprod, sigma" expected exactly one of the two, got neither',
    ],
    [
      { prediction: 'flow', sigma: 750 },
      'ARG',
      '"sigma" expected a number from 0 to 1 for prediction \'flow\', got 750 (a timestep up to 1000? divide it by 1000)',
    ],
    [
      { prediction: 'flow', sigma: -1 },
      'ARG',
      '"sigma" expected a number from 0 to 1 for prediction \'flow\', got -1',
    ],
    [{ prediction: 'v', sigma: -1 }, 'ARG', '"sigma" expected a finite number, at least 0, got -1'],
    [
      { prediction: 'epsilon', sigma: Infinity },
      'ARG',
      '"sigma" expected a finite number, at least 0, got Infinity',
    ],
    [
      { prediction: 'epsilon', sigma: '1' },
      'ARG',
      '"sigma" expected a finite number, at least 0, got "1"',
    ],
    [
      { prediction: 'epsilon', sigma: 1, sign: -1 },
      'ARG',
      "\"sign\" expected 1 for prediction 'epsilon', got -1 (only the velocities 'v' and 'flow' have a direction)",
    ],
    [
      { prediction: 'sample', sigma: 1, sign: -1 },
      'ARG',
      "\"sign\" expected 1 for prediction 'sample', got -1 (only the velocities 'v' and 'flow' have a direction)",
    ],
    [{ prediction: 'flow', sigma: 1, sign: 0 }, 'ARG', '"sign" expected 1 or -1, got 0'],
    [
      { prediction: 'v_prediction', sigma: 1 },
      'ARG',
      "\"prediction\" expected 'epsilon', 'v', 'sample' or 'flow', got \"v_prediction\" (write 'v')",
    ],
    [
      { prediction: 'toString', sigma: 1 },
      'ARG',
      "\"prediction\" expected 'epsilon', 'v', 'sample' or 'flow', got \"toString\"",
    ],
    [
      { sigma: 1 },
      'ARG',
      "\"prediction\" expected 'epsilon', 'v', 'sample' or 'flow', got undefined",
    ],
    [
      { prediction: 'v', sgima: 1 },
      'ARG',
      'unknown option "sgima" (known: prediction, alphaCumprod, sigma, sign)',
    ],
    [undefined, 'ARG', '"options" expected an object { prediction, … }, got undefined'],
  ])('%o', (options, code, sentence) => {
    const call = () => predictOriginal(tensor, tensor, options as PredictionOptions);
    expect(call).toThrow(expect.objectContaining({ name: 'TaesdError', code }));
    expect(call).toThrow(expect.objectContaining({ message: `predictOriginal: ${sentence}` }));
  });

  test.each<[string, unknown, unknown, string, string]>([
    [
      'another shape',
      wrong([1, 4, 1, 1]),
      wrong([4, 1, 1]),
      'SHAPE',
      '"output" expected the sample\'s shape [1,4,1,1], got [4,1,1]',
    ],
    [
      'both halves of guidance',
      wrong([1, 4, 1, 1]),
      { shape: [2, 4, 1, 1], data: new Float32Array(8) },
      'SHAPE',
      '"output" expected the sample\'s shape [1,4,1,1], got [2,4,1,1] (give it after guidance)',
    ],
    [
      'no output',
      wrong([4]),
      undefined,
      'ARG',
      '"output" expected a tensor with data, and dims or shape [N,C,h,w], got undefined',
    ],
    [
      'too few',
      { shape: [5], data: [1] },
      wrong([5]),
      'SHAPE',
      '"sample" expected 5 numbers for shape [5], got 1',
    ],
    [
      'no sizes',
      wrong([]),
      wrong([]),
      'SHAPE',
      '"sample" expected a shape of sizes, each at least 1, got []',
    ],
    [
      'integers',
      wrong([4]),
      { shape: [4], data: new Int32Array(4) },
      'ARG',
      '"output data" expected f32, f64 or f16 numbers, got Int32Array of 16 bytes',
    ],
  ])('tensors: %s', (_, sample, output, code, sentence) => {
    const call = () =>
      predictOriginal(sample as Tensor, output as Tensor, { prediction: 'v', sigma: 1 });
    expect(call).toThrow(
      expect.objectContaining({ code, message: `predictOriginal: ${sentence}` }),
    );
  });
});

describe('push with an output', () => {
  const FIRST = { dropped: 0, elapsedMs: expect.any(Number) };
  let nano: Taesd;
  beforeAll(async () => {
    nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
  });

  test.each(titled)('%s → the picture of x₀, within the rounding to f32', async (_, one) => {
    const { previewer, shown, errors } = keeping(nano);
    const [x, output] = [blend(one.sample), blend(one.output)];
    const predicted = predictOriginal(x, output, one.options);
    expect(previewer.push(x, { ...one.options, output, step: 3 })).toBe(true);
    // Both were copied.
    x.data.fill(NaN);
    output.data.fill(NaN);
    await previewer.idle();
    expect(errors).toEqual([]);
    expect(shown).toEqual([{ ...FIRST, picture: await nano.decode(predicted), step: 3 }]);
    const wanted = await nano.decode({ shape: SHAPE, data: Float32Array.from(X0) });
    // Measured on latents of 64×64: one step at most, in at most 74 of 1,048,576 bytes.
    const steps = Array.from(shown[0].picture.data, (byte, i) => Math.abs(byte - wanted.data[i]));
    expect(Math.max(...steps)).toBeLessThanOrEqual(1);
    expect(steps.filter((step) => step > 0).length).toBeLessThanOrEqual(steps.length / 1000);
  });

  const step = (output: unknown, more: object = {}) =>
    ({ prediction: 'flow', sigma: 0.5, output, step: 1, ...more }) as PredictionStep;
  const [x, o] = [blend([0.5, 0.5]), blend([-1, 1])];
  const later = ({ shape, data }: Tensor): LatentsLike => ({
    shape,
    data: async () => data.slice(),
  });

  test('tensors on a GPU in either place → as those in memory', async () => {
    const wanted = await nano.decode(predictOriginal(x, o, { prediction: 'flow', sigma: 0.5 }));
    for (const [sample, output] of [
      [later(x), o],
      [x, later(o)],
      [later(x), later(o)],
    ]) {
      const { previewer, shown, errors } = keeping(nano);
      expect(previewer.push(sample, step(output))).toBe(true);
      await previewer.idle();
      expect(errors).toEqual([]);
      expect(shown).toEqual([{ ...FIRST, picture: wanted, step: 1 }]);
    }
  });

  test('a batch, pick 1 → the second prediction', async () => {
    const twice = ({ shape, data }: Tensor): Tensor => ({
      shape: [2, ...shape.slice(1)],
      data: Float32Array.from([...data.map((value) => -value), ...data]),
    });
    const { previewer, shown } = keeping(nano, { pick: 1 });
    previewer.push(twice(x), step(twice(o)));
    await previewer.idle();
    const wanted = await nano.decode(predictOriginal(x, o, { prediction: 'flow', sigma: 0.5 }));
    expect(shown[0].picture).toEqual(wanted);
  });

  interface Wrong {
    readonly sample?: unknown;
    readonly by: PredictionStep;
    /** Whether only the reading or the decoding can find it. */
    readonly isLate?: boolean;
    readonly code: string;
    readonly message: string;
  }
  const packed = (tensor: Tensor): Tensor => ({ ...tensor, shape: [2, 70] });
  test.each<[string, Wrong]>([
    [
      'no output',
      { by: step(undefined), code: 'ARG', message: '"output" expected the model\'s output' },
    ],
    [
      'another shape',
      { by: step({ shape: [1], data: [1] }), code: 'SHAPE', message: "sample's shape [1,4,5,7]" },
    ],
    [
      'another shape on a GPU',
      {
        sample: later(x),
        by: step(later({ ...o, shape: [COUNT] })),
        code: 'SHAPE',
        message: 'got [140]',
      },
    ],
    [
      'an impossible cell',
      { by: step(o, { sigma: undefined, alphaCumprod: 1 }), code: 'ARG', message: 'a flow has no' },
    ],
    [
      'a misspelt option',
      { by: step(o, { sing: -1 }), code: 'ARG', message: 'known: output, step, prediction' },
    ],
    [
      'two dimensions',
      { sample: packed(x), by: step(packed(o)), code: 'SHAPE', message: '[N,C,h,w] or [C,h,w]' },
    ],
    [
      'NaN',
      {
        sample: { shape: SHAPE, data: new Float32Array(COUNT).fill(NaN) },
        by: step(o),
        isLate: true,
        code: 'NONFINITE',
        message: 'finite',
      },
    ],
    [
      'wrong numbers on a GPU',
      {
        by: step({ shape: SHAPE, data: async () => new Int8Array(COUNT) }),
        isLate: true,
        code: 'ARG',
        message: 'preview: "output data"',
      },
    ],
  ])(
    '%s → onError, and the next is shown',
    async (_, { sample = x, by, isLate, code, message }) => {
      const { previewer, shown, errors } = keeping(nano);
      expect(previewer.push(sample as LatentsLike, by)).toBe(isLate === true);
      await previewer.idle();
      expect(errors).toEqual([expect.objectContaining({ name: 'TaesdError', code })]);
      expect((errors[0] as Error).message).toContain(message);
      expect(previewer.push(x, step(o))).toBe(true);
      await previewer.idle();
      expect(shown).toHaveLength(1);
    },
  );

  test('both readings fail and the step is dropped → no unhandled rejection', async () => {
    const lost = { shape: SHAPE, data: () => Promise.reject(new Error('lost')) };
    const { previewer, shown, errors } = keeping(nano);
    previewer.push(lost, step(lost));
    previewer.push(x, step(o, { step: 2 }));
    await previewer.idle();
    expect({ errors, steps: shown.map((one) => one.step) }).toEqual({ errors: [], steps: [2] });
  });
});
