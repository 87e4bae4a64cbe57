import { beforeAll, describe, expect, test, vi } from 'vitest';
import { fromVaeLatents, toVaeLatents } from '../../src/latent.ts';
import type { Picture } from '../../src/options/types.ts';
import { createPreviewer, type LatentsLike } from '../../src/preview/index.ts';
import { Taesd } from '../../src/taesd.ts';
import type { Tensor } from '../../src/tensor.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { randomWeights } from '../small-model.ts';
import { keeping } from './keeping.ts';

/*
 * The previewer in loops that do not wait for it, on random weights and on nano: the latents it
 * shows, and proof that it does not write to them.
 */

const LATENTS = randomTensor(seededRandom(5), [1, 4, 3, 5], 2);
const [, ...CHW] = LATENTS.shape;
let taesd: Taesd;
let nano: Taesd;
beforeAll(async () => {
  taesd = await Taesd.load({ weights: { decoder: randomWeights('taesd', 'decoder') }, workers: 0 });
  nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
});

const scaled = ({ shape, data }: Tensor, factor: number): Tensor => ({
  shape,
  data: data.map((value) => value * factor),
});

describe('a loop', () => {
  test('that does not wait → the last is shown, the others dropped, nothing written to', async () => {
    const { previewer, shown, errors } = keeping(nano);
    const data = new Float32Array(LATENTS.data.length + 2).fill(7);
    const view = data.subarray(1, -1);
    for (let step = 0; step < 10; step++) {
      view.set(scaled(LATENTS, step / 10).data);
      const before = data.slice();
      expect(previewer.push({ data: view, dims: LATENTS.shape }, step)).toBe(true);
      expect(data).toEqual(before);
      // The same buffer over and over, as samplers have it.
      view.fill(NaN);
    }
    await previewer.idle();
    expect(errors).toEqual([]);
    // In one turn of the event loop nothing can be shown in between.
    expect(shown.map(({ step, dropped }) => ({ step, dropped }))).toEqual([
      { step: 9, dropped: 9 },
    ]);
    expect(previewer.dropped).toBe(9);
    expect(shown[0].picture).toEqual(await nano.decode(scaled(LATENTS, 0.9)));
    expect(shown[0].elapsedMs).toBeGreaterThan(0);
  });

  test('with turns of its own → steps in order, the last among them, each as decode gives it', async () => {
    const { previewer, shown } = keeping(nano);
    const large = randomTensor(seededRandom(9), [1, 4, 24, 24], 2);
    const steps = 30;
    for (let step = 0; step < steps; step++) {
      previewer.push(scaled(large, step / steps), step);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    await previewer.idle();
    const order = shown.map(({ step }) => step as number);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order.at(-1)).toBe(steps - 1);
    expect(shown.length).toBeGreaterThan(1);
    expect(shown.length + previewer.dropped).toBe(steps);
    expect(shown.reduce((sum, { dropped }) => sum + dropped, 0)).toBe(previewer.dropped);
    for (const { step, picture } of [shown[0], shown[shown.length - 1]]) {
      expect(picture).toEqual(await nano.decode(scaled(large, (step as number) / steps)));
    }
  });

  test('faster than two instances → both decode, steps in order, each as decode gives it', async () => {
    const other = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
    let calls = 0;
    let begun = () => {};
    const second = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const watched = (instance: Taesd) => ({
      info: instance.info,
      async decode(...call: Parameters<Taesd['decode']>) {
        calls++;
        const isFirst = calls === 1;
        if (calls === 2) begun();
        const picture = await instance.decode(...call);
        // The first picture comes after the second: without a second instance it would never come.
        if (isFirst) {
          await second;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        return picture;
      },
    });
    const shown: [number | undefined, Picture][] = [];
    const previewer = createPreviewer([watched(nano), watched(other)] as Taesd[], {
      onFrame: (picture, { step }) => void shown.push([step, picture]),
    });
    const steps = 20;
    for (let step = 0; step < steps; step++) {
      previewer.push(scaled(LATENTS, step / steps), step);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    await previewer.idle();
    const order = shown.map(([step]) => step as number);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order.at(-1)).toBe(steps - 1);
    expect(shown.length + previewer.dropped).toBe(steps);
    for (const [step, picture] of shown) {
      expect(picture).toEqual(await nano.decode(scaled(LATENTS, (step as number) / steps)));
    }
    other.dispose();
  });

  test('push → no work in its turn, nor in the promises of that turn', async () => {
    let calls = 0;
    const decode = ((...args: Parameters<Taesd['decode']>) => {
      calls++;
      return nano.decode(...args);
    }) as Taesd['decode'];
    const { previewer, shown } = keeping({ decode, info: nano.info });
    previewer.push(LATENTS);
    expect(calls).toBe(0);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect(calls).toBe(0);
    await previewer.idle();
    expect({ calls, shown: shown.length }).toEqual({ calls: 1, shown: 1 });
  });

  test('maxFps 20 → at most one picture in 50 ms, the last one shown', async () => {
    const steps: unknown[] = [];
    const previewer = createPreviewer(nano, {
      maxFps: 20,
      onFrame: (_, { step }) => void steps.push(step),
    });
    const started = performance.now();
    for (let step = 0; step < 40; step++) {
      previewer.push(LATENTS, step);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await previewer.idle();
    const elapsed = performance.now() - started;
    expect(steps.length).toBeGreaterThanOrEqual(2);
    expect(steps.at(-1)).toBe(39);
    // Timers may come a millisecond early.
    expect((steps.length - 1) * 49).toBeLessThanOrEqual(elapsed);
  });

  test('stop while decoding → no picture, no error; later latents are not taken', async () => {
    const { previewer, shown, errors } = keeping(taesd);
    previewer.push(randomTensor(seededRandom(1), [1, 4, 32, 32]), 0);
    await new Promise((resolve) => setTimeout(resolve, 30));
    previewer.push(LATENTS, 1);
    previewer.stop();
    expect(previewer.push(LATENTS, 2)).toBe(false);
    await previewer.idle();
    expect({ shown, errors, dropped: previewer.dropped }).toEqual({
      shown: [],
      errors: [],
      dropped: 1,
    });
    expect((await taesd.decode(LATENTS)).width).toBe(40);
  });
});

describe('latents by any name → as decode gives them', () => {
  const { data } = LATENTS;
  const f16 = Uint16Array.of(0x3c00, 0xc000, 0x3800, 0x0001);
  const f16Values = Float32Array.of(1, -2, 0.5, 2 ** -24);
  const twice = Float32Array.from([...data.map((value) => -value), ...data]);
  const odd = new Float32Array([0, ...data]).subarray(1);

  class OrtGpuTensor {
    readonly dims = LATENTS.shape;
    readonly location = 'gpu-buffer';
    get data(): Float32Array {
      throw new Error('The data is not on CPU. Use `getData()` to download GPU data to CPU.');
    }
    async getData() {
      return data;
    }
  }
  class TfjsTensor {
    readonly shape = LATENTS.shape;
    readonly #values = data;
    async data() {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return this.#values;
    }
  }

  test.each<[string, LatentsLike, Tensor, object]>([
    ['onnxruntime, transformers.js: dims', { dims: LATENTS.shape, data }, LATENTS, {}],
    ['onnxruntime on a GPU: getData', new OrtGpuTensor(), LATENTS, {}],
    ['TensorFlow.js: shape, data()', new TfjsTensor(), LATENTS, {}],
    ['a subarray', { shape: LATENTS.shape, data: odd }, LATENTS, {}],
    ['no batch', { shape: CHW, data }, LATENTS, {}],
    ['64-bit sizes', { dims: CHW.map(BigInt) as unknown as number[], data }, LATENTS, {}],
    ['typed sizes', { dims: Int32Array.from(LATENTS.shape), data }, LATENTS, {}],
    ['f64', { dims: LATENTS.shape, data: Float64Array.from(data) }, LATENTS, {}],
    ['a plain array', { dims: LATENTS.shape, data: [...data] }, LATENTS, {}],
    [
      'f16 bits',
      { dims: [1, 4, 1, 1], data: f16, dtype: 'float16' },
      { shape: [1, 4, 1, 1], data: f16Values },
      {},
    ],
    ['a batch, pick 1', { dims: [2, ...CHW], data: twice }, LATENTS, { pick: 1 }],
    ['frozen', Object.freeze({ dims: Object.freeze([...LATENTS.shape]), data }), LATENTS, {}],
  ])('%s', async (_, latents, wanted, options) => {
    const before = data.slice();
    const { previewer, shown, errors } = keeping(taesd, options);
    expect(previewer.push(latents)).toBe(true);
    await previewer.idle();
    expect(errors).toEqual([]);
    expect(shown.map(({ picture }) => picture)).toEqual([await taesd.decode(wanted)]);
    expect(data).toEqual(before);
  });

  test('space vae → scaled for the model; width and height crop', async () => {
    const z = toVaeLatents(LATENTS, 'taesd');
    const { previewer, shown } = keeping(taesd, { space: 'vae', width: 39, height: 17 });
    previewer.push(z);
    await previewer.idle();
    const wanted = await taesd.decode(fromVaeLatents(z, 'taesd'), { width: 39, height: 17 });
    expect(shown[0].picture).toEqual(wanted);
  });
});

describe('what is wrong → onError, and the next latents are shown', () => {
  const latents = (shape: unknown, data: unknown) => ({ shape, data }) as LatentsLike;
  test.each<[string, unknown, boolean, string, string]>([
    [
      'null',
      null,
      false,
      'ARG',
      'preview: "latents" expected a tensor with data, and dims or shape [N,C,h,w], got null',
    ],
    ['no dims', { data: [] }, false, 'ARG', 'got { data }'],
    [
      'rank 2',
      latents([3, 5], new Float32Array(15)),
      false,
      'SHAPE',
      'preview: "latents" expected shape [N,C,h,w] or [C,h,w], each at least 1, got [3,5]',
    ],
    [
      'too few',
      latents([1, 4, 3, 5], new Float32Array(59)),
      false,
      'SHAPE',
      'preview: "latents" expected 60 numbers for shape [1,4,3,5], got 59',
    ],
    [
      'bytes',
      latents([1, 4, 1, 1], new Uint8Array(4)),
      false,
      'ARG',
      '(8-bit latents? use dequantizeLatents)',
    ],
    [
      'nested',
      latents([1, 4, 1, 1], [[1], [2], [3], [4]]),
      false,
      'ARG',
      'a flat array of numbers',
    ],
    [
      'other model',
      latents([1, 16, 1, 1], new Float32Array(16)),
      true,
      'SHAPE',
      'latents of taesd3, taef1 or taew2_1?',
    ],
    [
      'NaN',
      latents([1, 4, 1, 1], new Float32Array(4).fill(NaN)),
      true,
      'NONFINITE',
      'finite numbers',
    ],
    [
      'fetched, wrong',
      latents([1, 4, 1, 1], async () => new Int32Array(4)),
      true,
      'ARG',
      'preview: "latents data" expected f32, f64 or f16 numbers',
    ],
  ])('%s', async (_, value, taken, code, message) => {
    const { previewer, shown, errors } = keeping(taesd);
    expect(previewer.push(value as LatentsLike)).toBe(taken);
    await previewer.idle();
    expect(errors).toEqual([expect.objectContaining({ name: 'TaesdError', code })]);
    expect((errors[0] as Error).message).toContain(message);
    expect(previewer.push(LATENTS)).toBe(true);
    await previewer.idle();
    expect(shown).toHaveLength(1);
  });

  test('onFrame throws or rejects → onError', async () => {
    const errors: unknown[] = [];
    const failing = [
      () => {
        throw new Error('drawn');
      },
      () => Promise.reject(new Error('later')),
    ];
    for (const onFrame of failing) {
      const previewer = createPreviewer(taesd, { onFrame, onError: (error) => errors.push(error) });
      previewer.push(LATENTS);
      await previewer.idle();
    }
    expect(errors).toEqual([new Error('drawn'), new Error('later')]);
  });

  test('onError throws or rejects → idle rejects with it', async () => {
    for (const onError of [
      () => {
        throw new Error('told');
      },
      async () => {
        throw new Error('told');
      },
    ]) {
      const previewer = createPreviewer(nano, { onFrame: () => {}, onError });
      expect(previewer.push({ data: [1], dims: [1] })).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 0));
      await expect(previewer.idle()).rejects.toThrow('told');
      await previewer.idle();
    }
  });

  test('stop while latents that never come are fetched → idle resolves', async () => {
    const { previewer, shown, errors } = keeping(nano);
    const never = { dims: LATENTS.shape, data: () => new Promise<Float32Array>(() => {}) };
    expect(previewer.push(never)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    previewer.stop();
    await previewer.idle();
    expect([shown, errors]).toEqual([[], []]);
  });

  test('stop while the instance works on another call → idle resolves at once', async () => {
    const { previewer, shown, errors } = keeping(nano);
    const rows = nano.decodeRows(randomTensor(seededRandom(9), [1, 4, 24, 24]));
    await rows.next();
    previewer.push({ data: LATENTS.data, dims: LATENTS.shape });
    await new Promise((resolve) => setTimeout(resolve, 20));
    previewer.stop();
    await previewer.idle();
    expect([shown, errors]).toEqual([[], []]);
    await rows.return();
  });

  test('no onError → idle rejects with the first, once; the console has it at once', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const previewer = createPreviewer(taesd, { onFrame: () => {} });
    previewer.push({ data: new Float32Array(3), dims: [3] });
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^taesd-wasm: an error of a previewer without onError: .* got \[3\]$/,
        ),
      ],
    ]);
    previewer.push({ data: new Float32Array(4).fill(NaN), dims: [1, 4, 1, 1] });
    await expect(previewer.idle()).rejects.toThrow('got [3]');
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
    await previewer.idle();
  });

  test('a pick past the batch → SHAPE', async () => {
    const { previewer, errors } = keeping(taesd, { pick: 1 });
    expect(previewer.push(LATENTS)).toBe(false);
    expect((errors[0] as Error).message).toBe(
      'preview: "latents" expected a batch of at least 2, for pick 1, got [1,4,3,5]',
    );
  });

  test('fetched latents that fail and are dropped → nobody is told', async () => {
    const { previewer, shown, errors } = keeping(taesd);
    previewer.push({ shape: [1, 4, 1, 1], data: () => Promise.reject(new Error('lost')) });
    previewer.push(LATENTS, 2);
    await previewer.idle();
    expect({ errors, steps: shown.map(({ step }) => step) }).toEqual({ errors: [], steps: [2] });
  });

  test('a disposed instance → ARG to onError', async () => {
    const instance = await Taesd.load({ model: 'nano', only: 'decoder' });
    instance.dispose();
    const { previewer, errors } = keeping(instance);
    previewer.push(LATENTS);
    await previewer.idle();
    expect(errors).toEqual([expect.objectContaining({ code: 'ARG' })]);
  });

  test('createPreviewer: an unknown option → ARG naming it and those there are', () => {
    const make = () => createPreviewer(taesd, { onFrame: () => {}, sapce: 'vae' } as never);
    expect(make).toThrow(
      expect.objectContaining({
        code: 'ARG',
        message: expect.stringMatching(/^preview: unknown option "sapce" \(known: onFrame, /),
      }),
    );
  });

  test.each([
    ['taesd', {}, { onFrame: () => {} }],
    ['options', undefined, null],
    ['taesd', [], { onFrame: () => {} }],
    ['taesd', [{ decode() {}, info: { model: 'nano' } }, null], { onFrame: () => {} }],
    ['onFrame', undefined, {}],
    ['onError', undefined, { onFrame: () => {}, onError: 1 }],
    ['space', undefined, { onFrame: () => {}, space: 'sd' }],
    ['pick', undefined, { onFrame: () => {}, pick: -1 }],
    ['maxFps', undefined, { onFrame: () => {}, maxFps: 0 }],
  ])('createPreviewer: a wrong %s → ARG', (what, instance, options) => {
    const make = () => createPreviewer((instance ?? taesd) as unknown as Taesd, options as never);
    expect(make).toThrow(expect.objectContaining({ code: 'ARG' }));
    expect(make).toThrow(`preview: "${what}" expected`);
  });

  test('createPreviewer: instances of two models → ARG with both', () => {
    const make = () => createPreviewer([taesd, nano], { onFrame: () => {} });
    expect(make).toThrow('preview: "taesd" expected instances of one model, got taesd, nano');
  });
});
