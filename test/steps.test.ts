import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Step } from '../src/index.ts';
import type { Half } from '../src/model/layers.ts';
import { describeNetwork } from '../src/model/measure.ts';
import { type ModelName, VARIANTS } from '../src/model/variants.ts';
import { Taesd } from '../src/taesd.ts';
import type { Tensor } from '../src/tensor.ts';
import { expectClose, largestDifference } from './compare.ts';
import { isFullLength, sampled } from './full-length.ts';
import { readGolden, realWeights, unitRange } from './golden.ts';
import { randomTensor, seededRandom } from './random.ts';
import { testShared } from './shared.ts';
import { randomWeights } from './small-model.ts';

/*
 * Steps through the layers. Each layer is compared with the golden tensors, the last with decode
 * and encode, the operations inside a block with the block, and single numbers with their
 * arithmetic.
 */

/** The largest difference to PyTorch's numbers, and to decode's and encode's, measured as 0. */
const BOUND = 1e-4;
const WHOLE_BOUND = 1e-6;
const WEIGHTS = {
  encoder: randomWeights('taesd', 'encoder'),
  decoder: randomWeights('taesd', 'decoder'),
};
const LATENTS = randomTensor(seededRandom(5), [1, 4, 3, 5], 2);
const IMAGE = inUnitRange(randomTensor(seededRandom(6), [1, 3, 17, 9]));

function inUnitRange({ shape, data }: Tensor): Tensor {
  return { shape, data: data.map(Math.abs) };
}

const measured: string[] = [];
const note = (what: string, off: number) => measured.push(`  ${what}: ${off.toExponential(1)}`);
afterAll(() => console.log(`steps, largest differences\n${measured.join('\n')}`));

let taesd: Taesd;
beforeAll(async () => {
  taesd = await Taesd.load({ weights: WEIGHTS, workers: 0 });
});

async function all(steps: AsyncIterable<Step>): Promise<Step[]> {
  const list: Step[] = [];
  for await (const step of steps) list.push(step);
  return list;
}

const last = (steps: readonly Step[]): Tensor => steps[steps.length - 1].output;

async function firstSteps(instance: Taesd, input: Tensor, count: number): Promise<Step[]> {
  const list: Step[] = [];
  for await (const step of instance.steps(input)) {
    list.push(step);
    if (list.length === count) break;
  }
  return list;
}

const LAYERS = [
  { model: 'taesd', file: 'taesd-layers-32x32' },
  { model: 'taef2', file: 'family/taef2-layers-32x32' },
] as const;
const BACKENDS = isFullLength ? (['wasm', 'reference'] as const) : (['wasm'] as const);

for (const { backend, model, file } of BACKENDS.flatMap((backend) =>
  LAYERS.map((layers) => ({ ...layers, backend })),
)) {
  testShared(`steps [${backend}]: ${file} → every layer max |Δ| < 1e-4 to PyTorch`, async () => {
    const golden = readGolden(file);
    const instance = await Taesd.load({ model, weights: realWeights(model), backend });
    const whole = {
      encoder: await instance.encode(unitRange(golden('image'))),
      decoder: await instance.decode(golden('encoder.14'), { output: 'tensor' }),
    };
    for (const part of ['encoder', 'decoder'] as const) {
      const input = part === 'encoder' ? unitRange(golden('image')) : golden('encoder.14');
      const steps = await all(instance.steps(input));
      expect(steps.map(({ name }) => name)).toEqual(
        VARIANTS[model].networks[part].map((_, index) => `${part}.${index}`),
      );
      const off = steps.map(({ name, output }) => expectClose(output, golden(name), BOUND));
      note(`${backend} ${model} ${part} layers to PyTorch`, Math.max(...off));
      // Measured: equal to the bit. But a fused kernel may one day add in another order.
      const toWhole = expectClose(last(steps), whole[part], WHOLE_BOUND);
      note(`${backend} ${model} ${part} to ${part === 'encoder' ? 'encode' : 'decode'}`, toWhole);
    }
    instance.dispose();
  });
}

for (const backend of BACKENDS) {
  testShared(
    `inner [${backend}]: taef2’s encoder.11 and decoder.3 → the operations’ numbers by PyTorch`,
    async () => {
      const golden = readGolden('family/taef2-layers-32x32');
      const weights = realWeights('taef2');
      const instance = await Taesd.load({ model: 'taef2', weights, backend });
      for (const [part, index] of [
        ['encoder', 11],
        ['decoder', 3],
      ] as const) {
        const input = part === 'encoder' ? unitRange(golden('image')) : golden('encoder.14');
        const steps = await firstSteps(instance, input, index + 1);
        const block = steps[index];
        expect(block.module).toBe('Block(64, 64, use_midblock_gn=True)');
        const inside = await all(block.inner());
        expect(inside.map(({ name, module }) => [name, module])).toEqual(
          [
            ['pool.0', 'nn.Conv2d(64, 256, 1, bias=False)'],
            ['pool.1', 'nn.GroupNorm(4, 256)'],
            ['pool.2', 'nn.ReLU()'],
            ['pool.3', 'nn.Conv2d(256, 64, 1, bias=False)'],
            ['x+pool', 'x + pool(x)'],
            ['conv.0', 'conv(64, 64)'],
            ['conv.1', 'nn.ReLU()'],
            ['conv.2', 'conv(64, 64)'],
            ['conv.3', 'nn.ReLU()'],
            ['conv.4', 'conv(64, 64)'],
            ['add', 'conv(x) + skip(x)'],
            ['fuse', 'nn.ReLU()'],
          ].map(([name, module]) => [`${part}.${index}.${name}`, module]),
        );
        const off = inside
          .filter(({ name }) => !/add|fuse/.test(name))
          .map(({ name, output }) => expectClose(output, golden(name), BOUND));
        note(`${backend} taef2 ${part}.${index}’s operations to PyTorch`, Math.max(...off));
        expectClose(last(inside), golden(`${part}.${index}`), BOUND);
        const sum = (key: 'parameters' | 'multiplyAdds') =>
          inside.reduce((total, step) => total + step[key], 0);
        expect(sum('parameters')).toBe(block.parameters);
        expect(sum('multiplyAdds')).toBe(block.multiplyAdds);
        // The sum that goes on is also what the skip connection adds.
        expect(inside[5].inputs[0]).toBe(inside[4].output);
        expect(inside[10].inputs[1]).toBe(inside[4].output);
        for (const step of inside) {
          const [, channels, height, width] = step.shape;
          for (const channel of [0, 1, channels - 1]) {
            const position = { channel, y: height - 1, x: width >> 1 };
            const { value, kernelValue } = step.arithmetic(position);
            expect(Math.abs(value - kernelValue)).toBeLessThan(BOUND);
          }
          const whole = { x: 0, y: 0, width, height };
          const area = step.inputArea({ x: 1, y: 2, width: 1, height: 1 });
          if (step.layer.kind === 'groupNorm') expect(area).toEqual(whole);
          else expect(area.width).toBeLessThan(width);
        }
      }
      instance.dispose();
    },
  );
}

testShared(
  `steps: a 128×96 picture, ${isFullLength ? 'every real model' : 'taef2'} → as encode and decode within 1e-6`,
  async () => {
    const models = ['taesd', 'taesdxl', 'taesd3', 'taef1', 'taef2'] as const;
    for (const model of sampled<(typeof models)[number]>(['taef2'], models)) {
      const instance = await Taesd.load({ model, weights: realWeights(model) });
      const file = `${model === 'taesd' ? 'taesdxl' : model}-astronaut-128x96`;
      const image = unitRange(readGolden(file)('image'));
      const latents = last(await all(instance.steps(image)));
      const decoded = last(await all(instance.steps(latents)));
      note(
        `${model} 128×96 to encode`,
        expectClose(latents, await instance.encode(image), WHOLE_BOUND),
      );
      const wanted = await instance.decode(latents, { output: 'tensor' });
      note(`${model} 128×96 to decode`, expectClose(decoded, wanted, WHOLE_BOUND));
      instance.dispose();
    }
  },
);

test('steps [fast, workers]: f32 on this thread → as decode in f32', async () => {
  const instance = await Taesd.load({ weights: WEIGHTS, precision: 'fast', workers: 2 });
  const steps = await all(instance.steps(LATENTS));
  const wanted = await taesd.decode(LATENTS, { output: 'tensor' });
  expectClose(last(steps), wanted, WHOLE_BOUND);
  instance.dispose();
});

describe('what a step tells', () => {
  const input = (part: Half) => (part === 'encoder' ? IMAGE : LATENTS);

  test.each(['encoder', 'decoder'] as const)(
    'steps: %s → shapes, parameters and multiply-adds of its layers, their sums',
    async (part) => {
      const [, ...chw] = input(part).shape;
      const rows = describeNetwork(VARIANTS.taesd.networks[part], chw as [number, number, number]);
      const steps = await all(taesd.steps(input(part)));
      expect(
        steps.map(({ index, layer, inputs, shape, parameters, multiplyAdds }) => ({
          index,
          layer,
          input: inputs[0].shape.slice(1),
          output: shape.slice(1),
          parameters,
          multiplyAdds,
        })),
      ).toEqual(rows);
      for (const step of steps) {
        expect(step.part).toBe(part);
        expect(step.shape).toEqual(step.output.shape);
        expect(step.elapsedMs).toBeGreaterThan(0);
        const numbers = Object.values(step.weights).reduce((sum, { data }) => sum + data.length, 0);
        expect(numbers).toBe(step.parameters);
      }
      const total = steps.reduce((sum, { parameters }) => sum + parameters, 0);
      expect(total).toBe(part === 'encoder' ? 1_222_532 : 1_222_531);
    },
  );

  test('steps: decoder → modules as taesd.py writes them', async () => {
    const steps = await all(taesd.steps(LATENTS));
    expect(steps.slice(0, 8).map(({ module }) => module)).toEqual([
      'Clamp()',
      'conv(4, 64)',
      'nn.ReLU()',
      'Block(64, 64)',
      'Block(64, 64)',
      'Block(64, 64)',
      'nn.Upsample(scale_factor=2)',
      'conv(64, 64, bias=False)',
    ]);
    const [, , stride2] = await firstSteps(taesd, IMAGE, 3);
    expect(stride2.module).toBe('conv(64, 64, stride=2, bias=False)');
  });

  test('steps [wasm]: kernels → those of the backend, by layer', async () => {
    const [clamp, conv, relu, block] = await firstSteps(taesd, LATENTS, 4);
    expect(clamp.kernels).toEqual(['copy', 'clamp']);
    expect(conv.kernels).toEqual(['conv3x3']);
    expect(relu.kernels).toEqual(['copy', 'relu']);
    expect(block.kernels).toEqual([
      'winogradTransformInput',
      'touchRows',
      'winogradMultiply',
      'winogradTransformOutput',
    ]);
    const inside = await all(block.inner());
    expect(inside.map(({ kernels }) => kernels[kernels.length - 1])).toEqual([
      'winogradTransformOutput',
      'relu',
      'winogradTransformOutput',
      'relu',
      'winogradTransformOutput',
      'add',
      'relu',
    ]);
    const [, , stride2] = await firstSteps(taesd, IMAGE, 3);
    expect(stride2.kernels).toContain('winogradStride2TransformInput');
  });

  test('steps: a weight that is written to → the instance keeps its own', async () => {
    const [, conv] = await firstSteps(taesd, LATENTS, 2);
    conv.weights.weight.data.fill(0);
    const [, again] = await firstSteps(taesd, LATENTS, 2);
    expect(again.weights.weight.data.some((value) => value !== 0)).toBe(true);
    expect(again.output).toEqual(conv.output);
  });
});

describe('inside a block', () => {
  test.each(['wasm', 'reference'] as const)(
    'inner [%s]: its operations → its output',
    async (backend) => {
      const instance = await Taesd.load({ weights: WEIGHTS, backend, only: 'decoder' });
      const steps = await firstSteps(instance, LATENTS, 4);
      const block = steps[3];
      const inside = await all(block.inner());
      expect(inside.map(({ name }) => name)).toEqual(
        ['conv.0', 'conv.1', 'conv.2', 'conv.3', 'conv.4', 'add', 'fuse'].map(
          (n) => `decoder.3.${n}`,
        ),
      );
      expect(inside.map(({ module }) => module)).toEqual([
        'conv(64, 64)',
        'nn.ReLU()',
        'conv(64, 64)',
        'nn.ReLU()',
        'conv(64, 64)',
        'conv(x) + skip(x)',
        'nn.ReLU()',
      ]);
      expect(inside[5].inputs[0]).toBe(inside[4].output);
      expect(inside[5].inputs[1]).toBe(block.inputs[0]);
      note(`${backend} block, fused and not`, expectClose(last(inside), block.output, 1e-5));
      const sum = (key: 'parameters' | 'multiplyAdds') =>
        inside.reduce((total, step) => total + step[key], 0);
      expect(sum('parameters')).toBe(block.parameters);
      expect(sum('multiplyAdds')).toBe(block.multiplyAdds);
      // Other layers have no operations inside.
      expect(await all(steps[1].inner())).toEqual([]);
      instance.dispose();
    },
  );

  test('inner: in the loop, at the same time as the loop goes on, and after it → the same', async () => {
    const seen: Step[][] = [];
    const late: Promise<Step[]>[] = [];
    const blocks: Step[] = [];
    for await (const step of taesd.steps(LATENTS)) {
      if (step.layer.kind !== 'block' || blocks.length === 3) continue;
      blocks.push(step);
      seen.push(await all(step.inner()));
      late.push(all(step.inner()));
    }
    const outputs = (list: readonly Step[]) => list.map(({ output }) => output);
    for (const [n, block] of blocks.entries()) {
      expect(outputs(await late[n])).toEqual(outputs(seen[n]));
      expect(outputs(await all(block.inner()))).toEqual(outputs(seen[n]));
      expect(largestDifference(last(seen[n]).data, block.output.data)).toBeLessThan(1e-5);
    }
  });
});

describe('arithmetic', () => {
  test.each(['taesd', 'nano'] as const)(
    '%s: every layer, corners, edges and middle → the kernel’s value',
    async (model) => {
      const instance = model === 'taesd' ? taesd : await Taesd.load({ model });
      let largest = 0;
      for (const input of [IMAGE, LATENTS]) {
        for await (const layer of instance.steps(input)) {
          const isBlock = layer.layer.kind === 'block';
          for (const step of isBlock ? await all(layer.inner()) : [layer]) {
            const [, channels, height, width] = step.shape;
            for (const channel of [0, channels - 1]) {
              for (const y of [0, height >> 1, height - 1]) {
                // The sample has one of them in a row, another in the next.
                const all = [0, width >> 1, width - 1];
                const one = all[(y + channel) % 3];
                for (const x of sampled([one], all)) {
                  const made = step.arithmetic({ channel, y, x });
                  expect(made.kernelValue).toBe(
                    step.output.data[(channel * height + y) * width + x],
                  );
                  const scale = made.products.reduce(
                    (sum, { product }) => sum + Math.abs(product),
                    1,
                  );
                  largest = Math.max(largest, Math.abs(made.value - made.kernelValue) / scale);
                }
              }
            }
          }
        }
      }
      note(`${model} arithmetic to kernels, of Σ|products| + 1`, largest);
      expect(largest).toBeLessThan(1e-5);
      if (instance !== taesd) instance.dispose();
    },
  );

  test('conv 3×3 in the corner → 4 windows’ values of 9, the rest padding; products, sum and bias', async () => {
    const [, conv] = await firstSteps(taesd, LATENTS, 2);
    const { products, sum, bias, value } = conv.arithmetic({ channel: 7, y: 0, x: 0 });
    expect(products).toHaveLength(4 * 9);
    const weight = conv.weights.weight.data[7 * 36];
    expect(products[0]).toMatchObject({ input: 0, channel: 0, y: -1, x: -1, value: 0, weight });
    expect(products[0].product).toBeCloseTo(0, 12);
    const [, , , width] = conv.inputs[0].shape;
    expect(products[9 + 8]).toMatchObject({ channel: 1, y: 1, x: 1 });
    expect(products[9 + 8].value).toBe(conv.inputs[0].data[(3 + 1) * width + 1]);
    expect(sum).toBeCloseTo(
      products.reduce((total, { value, weight }) => total + value * weight, 0),
      12,
    );
    expect(bias).toBe(conv.weights.bias.data[7]);
    expect(value).toBe(sum + bias);
  });

  test('outside the map, not whole, a block → ARG', async () => {
    const [, conv, , block] = await firstSteps(taesd, LATENTS, 4);
    for (const position of [
      { channel: 64, y: 0, x: 0 },
      { channel: 0, y: -1, x: 0 },
      { channel: 0, y: 0, x: 1.5 },
    ]) {
      expect(() => conv.arithmetic(position)).toThrow(expect.objectContaining({ code: 'ARG' }));
    }
    expect(() => conv.arithmetic({ channel: 64, y: 0, x: 0 })).toThrow(
      'arithmetic of decoder.1: "position" expected whole numbers { channel, y, x } inside [1,64,3,5], got { channel: 64, y: 0, x: 0 }',
    );
    expect(() => block.arithmetic({ channel: 0, y: 0, x: 0 })).toThrow(
      'arithmetic of decoder.3: "step" expected one operation, got a block of several (inner() opens it)',
    );
  });
});

describe('inputArea', () => {
  test('decoder, a pixel, back to the latents → 19 latents around it; of the last conv 3×3', async () => {
    const steps = await all(taesd.steps(randomTensor(seededRandom(7), [1, 4, 3, 41])));
    let area = { x: 160, y: 12, width: 1, height: 1 };
    expect(steps[19].inputArea(area)).toEqual({ x: 159, y: 11, width: 3, height: 3 });
    for (const step of steps.toReversed()) area = step.inputArea(area);
    // Latent 20 lies under pixels 160 to 167. The first reaches one farther left than right.
    expect(area.x).toBe(20 - 19);
    expect(area.x + area.width).toBeGreaterThanOrEqual(20 + 18);
    expect(area.x + area.width).toBeLessThanOrEqual(20 + 20);
  });

  test('changing what is outside of it → no change; inside → a change', async () => {
    const latents = randomTensor(seededRandom(8), [1, 4, 3, 41]);
    const steps = await all(taesd.steps(latents));
    let area = { x: 100, y: 5, width: 2, height: 1 };
    for (const step of steps.toReversed()) area = step.inputArea(area);
    const at = (tensor: Tensor) => [100, 101].map((x) => tensor.data[5 * tensor.shape[3] + x]);
    const off = async (inside: boolean) => {
      const data = latents.data.map((value, i) => {
        const isInside = i % 41 >= area.x && i % 41 < area.x + area.width;
        return isInside === inside ? value + 1 : value;
      });
      const changed = last(await all(taesd.steps({ shape: latents.shape, data })));
      return largestDifference(at(changed), at(last(steps)));
    };
    expect(area.width).toBeLessThan(41);
    expect(await off(true)).toBeGreaterThan(1e-3);
    // Winograd's tiles read past the windows. Their terms from there cancel, except for rounding.
    expect(await off(false)).toBeLessThan(1e-5);
  });

  test('not inside the output → ARG', async () => {
    const [clamp] = await firstSteps(taesd, LATENTS, 1);
    expect(() => clamp.inputArea({ x: 4, y: 0, width: 2, height: 1 })).toThrow(
      'inputArea of decoder.0: "area" expected whole numbers { x, y, width, height } inside 5×3, got { x: 4, y: 0, width: 2, height: 1 }',
    );
  });
});

describe('the calls around it', () => {
  test('input → a picture goes through the encoder, never written to, copied when asked', async () => {
    const data = Uint8Array.from({ length: 17 * 9 * 4 }, (_, i) => (i * 7) % 256);
    const image = { width: 17, height: 9, data };
    const before = data.slice();
    const iterator = taesd.steps(image, { background: [0, 0, 0] });
    const first = iterator.next();
    data.fill(0);
    await first;
    const steps = await all(iterator);
    const wanted = await taesd.encode({ ...image, data: before }, { background: [0, 0, 0] });
    expectClose(last(steps), wanted, 1e-5);
    const latents = { shape: LATENTS.shape, data: LATENTS.data.slice() };
    await all(taesd.steps(latents));
    expect(latents.data).toEqual(LATENTS.data);
  });

  test('maxSize → the layers of the picture that encode scales; latents are not scaled', async () => {
    const tensor = inUnitRange(randomTensor(seededRandom(3), [1, 3, 20, 50]));
    const options = { maxSize: 24 };
    const wanted = await taesd.encode(tensor, options);
    expect(wanted.shape).toEqual([1, 4, 2, 3]);
    expectClose(last(await all(taesd.steps(tensor, options))), wanted, 1e-5);
    expectClose(
      last(await all(taesd.steps(LATENTS, options))),
      last(await all(taesd.steps(LATENTS))),
      0,
    );
  });

  test('decode inside the loop → goes between two layers, and nothing waits for itself', async () => {
    const wanted = await taesd.decode(LATENTS);
    let count = 0;
    for await (const step of taesd.steps(LATENTS)) {
      if (step.index % 7 === 0) expect(await taesd.decode(LATENTS)).toEqual(wanted);
      count++;
    }
    expect(count).toBe(20);
  });

  test('leaving the loop, two loops at once → the instance goes on; the same outputs', async () => {
    const [alone] = [await all(taesd.steps(LATENTS))];
    for await (const step of taesd.steps(LATENTS)) if (step.index === 3) break;
    const both = await Promise.all([all(taesd.steps(LATENTS)), all(taesd.steps(LATENTS))]);
    for (const steps of both) expect(last(steps)).toEqual(last(alone));
  });

  test('an output that is written to → read by the next step as it is then', async () => {
    let blank: Tensor | undefined;
    for await (const step of taesd.steps(LATENTS)) {
      if (step.index === 18) step.output.data.fill(0);
      blank = step.output;
    }
    // Zeros through the last convolution leave its bias.
    const bias = (await all(taesd.steps(LATENTS)))[19].weights.bias.data;
    const plane = (blank as Tensor).data.length / 3;
    for (const c of [0, 1, 2]) expect(blank?.data[c * plane + 5]).toBeCloseTo(bias[c], 6);
  });

  test('an output that was transferred away → ARG, and the instance works on', async () => {
    const run = async () => {
      for await (const step of taesd.steps(LATENTS)) {
        if (step.index === 2)
          structuredClone(step.output.data, { transfer: [step.output.data.buffer] });
      }
    };
    await expect(run()).rejects.toThrow(
      'steps: "input of decoder.3" expected live data, got a detached buffer (transferred to a worker?)',
    );
    expect((await all(taesd.steps(LATENTS))).length).toBe(20);
  });

  test('signal: before, between layers, inside a layer → ABORTED, and the instance works on', async () => {
    const aborted = expect.objectContaining({ name: 'TaesdError', code: 'ABORTED' });
    await expect(all(taesd.steps(LATENTS, { signal: AbortSignal.abort() }))).rejects.toThrow(
      aborted,
    );
    const controller = new AbortController();
    const seen: string[] = [];
    const run = async () => {
      for await (const step of taesd.steps(LATENTS, { signal: controller.signal })) {
        seen.push(step.name);
        if (step.index === 1) controller.abort();
      }
    };
    await expect(run()).rejects.toThrow(aborted);
    expect(seen).toEqual(['decoder.0', 'decoder.1']);
    // The first layer of a picture takes longer than a turn, so another task runs in its middle.
    const large = inUnitRange(randomTensor(seededRandom(3), [1, 3, 512, 512]));
    const late = new AbortController();
    setImmediate(() => late.abort());
    await expect(all(taesd.steps(large, { signal: late.signal }))).rejects.toThrow(aborted);
    const begun = taesd.steps(large);
    let turns = 0;
    const count = () => {
      turns += 1;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    await begun.next();
    clearImmediate(counting);
    expect(turns).toBeGreaterThan(2);
    await begun.return();
    const [, , , block] = await firstSteps(taesd, LATENTS, 4);
    await expect(all(block.inner({ signal: AbortSignal.abort() }))).rejects.toThrow(aborted);
    for (const [options, shown] of [
      [null, 'null'],
      ['x', '"x"'],
    ] as const) {
      await expect(all(block.inner(options as never))).rejects.toThrow(
        `steps: "options" expected an object, got ${shown}`,
      );
    }
    expect(await all(taesd.steps(LATENTS))).toHaveLength(20);
  });

  test('dispose: before and inside the loop → ARG', async () => {
    const instance = await Taesd.load({ weights: WEIGHTS, only: 'decoder' });
    const message = 'steps: this instance was disposed';
    const run = async () => {
      for await (const step of instance.steps(LATENTS)) if (step.index === 2) instance.dispose();
    };
    await expect(run()).rejects.toThrow(message);
    await expect(all(instance.steps(LATENTS))).rejects.toThrow(message);
  });

  test('maxMemory too small for a layer → LIMIT, and the instance works on', async () => {
    const weights = { decoder: randomWeights('taesd', 'decoder') };
    const instance = await Taesd.load({ weights, only: 'decoder', maxMemory: 30 * 2 ** 20 });
    const wide = randomTensor(seededRandom(4), [1, 4, 1, 4096]);
    await expect(all(instance.steps(wide))).rejects.toThrow(
      expect.objectContaining({ code: 'LIMIT' }),
    );
    expect(await all(instance.steps(LATENTS))).toHaveLength(20);
    instance.dispose();
  });

  test.each([
    ['a text', 'x', {}, 'ARG'],
    ['null', null, {}, 'ARG'],
    ['a batch', { shape: [2, 4, 1, 1], data: new Float32Array(8) }, {}, 'SHAPE'],
    ['5 channels', { shape: [1, 5, 1, 1], data: new Float32Array(5) }, {}, 'SHAPE'],
    ['16 channels', { shape: [1, 16, 1, 1], data: new Float32Array(16) }, {}, 'SHAPE'],
    ['NaN', { shape: [1, 4, 1, 1], data: new Float32Array(4).fill(NaN) }, {}, 'NONFINITE'],
    ['options null', LATENTS, null, 'ARG'],
    ['part', LATENTS, { part: 'both' }, 'ARG'],
    ['maxSize', IMAGE, { maxSize: 0 }, 'ARG'],
    ['latents, part encoder', LATENTS, { part: 'encoder' }, 'SHAPE'],
    ['a picture tensor, part decoder', IMAGE, { part: 'decoder' }, 'SHAPE'],
    [
      'a picture, part decoder',
      { width: 1, height: 1, data: new Uint8Array(3) },
      { part: 'decoder' },
      'ARG',
    ],
  ])('input or option: $0 → $3', async (_, input, options, code) => {
    await expect(all(taesd.steps(input as Tensor, options as object))).rejects.toThrow(
      expect.objectContaining({ name: 'TaesdError', code }),
    );
    expect((await firstSteps(taesd, LATENTS, 2)).length).toBe(2);
  });

  test('the other half alone is loaded → ARG', async () => {
    const instance = await Taesd.load({ weights: WEIGHTS, only: 'encoder' });
    await expect(all(instance.steps(LATENTS))).rejects.toThrow(
      'steps: "decoder" expected an instance with its decoder, got one with the encoder alone',
    );
    expect((await all(instance.steps(IMAGE))).length).toBe(15);
    instance.dispose();
  });
});

test('nano: pixel shuffles and blocks → as encode and decode within 1e-6', async () => {
  const model: ModelName = 'nano';
  const instance = await Taesd.load({ model });
  const image = {
    shape: [1, 3, 30, 45],
    data: randomTensor(seededRandom(2), [1, 3, 30, 45]).data.map(Math.abs),
  };
  const encoded = await all(instance.steps(image));
  const off = expectClose(last(encoded), await instance.encode(image), WHOLE_BOUND);
  const decoded = await all(instance.steps(last(encoded)));
  const wanted = await instance.decode(last(encoded), { output: 'tensor' });
  note('nano to encode', off);
  note('nano to decode', expectClose(last(decoded), wanted, WHOLE_BOUND));
  expect(encoded[0].module).toBe('nn.PixelUnshuffle(4)');
  expect(encoded[0].kernels).toEqual(['pixelUnshuffle']);
  expect(decoded[10].module).toBe('nn.PixelShuffle(4)');
  for (const steps of [encoded, decoded]) {
    for (const step of steps.filter(({ layer }) => layer.kind === 'block')) {
      expectClose(last(await all(step.inner())), step.output, 1e-5);
    }
  }
  instance.dispose();
});
