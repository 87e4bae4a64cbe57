import { type Picture, readSafetensors, type Step, Taesd, type Tensor, toTensor } from 'taesd-wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import { Filters } from '../../explorer/src/engine/filters.ts';
import { layerOf, placeOf } from '../../explorer/src/engine/names.ts';
import type { FiltersView, StepView } from '../../explorer/src/engine/protocol.ts';
import { shrink } from '../../explorer/src/engine/shrink.ts';
import { summarise, summariseMap } from '../../explorer/src/engine/summarise.ts';
import { Walks } from '../../explorer/src/engine/walks.ts';
import { sharedFile, testShared } from '../shared.ts';
import { pictureOf, rgba } from './rgba.ts';

/*
 * The work of the page's workers without a worker: walks, the inside of blocks, filters, blocks
 * that are switched off.
 */

const PICTURE = rgba(renderPicture(64));
const BLOCK = 'decoder.4';
const OTHER = 'encoder.3';

describe('walks [nano]', () => {
  let taesd: Taesd;
  let walks: Walks;
  let counted: string[];
  const views: StepView[] = [];
  const steps = new Map<string, Step>();
  let encoded: Tensor;

  beforeAll(async () => {
    taesd = await Taesd.load({ model: 'nano', workers: 0 });
    encoded = await taesd.encode(PICTURE);
    for (const input of [PICTURE, encoded]) {
      for await (const step of taesd.steps(input)) steps.set(step.name, step);
    }
    walks = new Walks(countingInsides(taesd, (name) => void counted.push(name)));
    counted = [];
    const made: Tensor[] = [];
    const asked = { picture: PICTURE, latents: undefined };
    const started = await walks.run({
      ...asked,
      onStep: (step) => void views.push(step),
      onLatents: (latents) => void made.push(latents),
    });
    expect(made).toEqual([started]);
    expect(started).toEqual(encoded);
  });
  afterAll(() => taesd.dispose());

  test('a walk without latents → the steps of both halves in order, latents equal to those of encode', () => {
    expect(views.map(({ name }) => name)).toEqual([...steps.keys()]);
    for (const { name, shape, summary, place } of views) {
      const { output } = steps.get(name) as Step;
      expect(shape).toEqual(output.shape);
      expect(summary).toEqual(summarise(output.data));
      expect(place).toBeUndefined();
    }
  });

  test('a pixel of a block, twice → its inside is computed once, the sum agrees with the kernel', async () => {
    counted = [];
    for (const position of [
      { channel: 3, y: 5, x: 4 },
      { channel: 7, y: 0, x: 1 },
    ]) {
      const { kernelValue, value, source, skip } = await walks.pixel(BLOCK, position);
      const { output, inputs } = steps.get(BLOCK) as Step;
      const [, , h, w] = output.shape;
      const at = (position.channel * h + position.y) * w + position.x;
      expect(kernelValue).toBe(output.data[at]);
      expect(skip).toBe(inputs[0].data[at]);
      expect(Math.abs(value - kernelValue)).toBeLessThan(1e-5);
      expect(source).toBe(`${BLOCK}.conv.4`);
    }
    expect(counted).toEqual([BLOCK]);
    await walks.prepare(BLOCK);
    await walks.open(BLOCK);
    expect(counted).toEqual([BLOCK]);
  });

  test('prepare and a pixel meanwhile → one computation; another block → the older ends in ABORTED', async () => {
    counted = [];
    const shared = [walks.prepare(OTHER), walks.pixel(OTHER, { channel: 0, y: 0, x: 0 })];
    await Promise.all(shared);
    expect(counted).toEqual([OTHER]);
    const older = expect(walks.prepare(BLOCK)).rejects.toMatchObject({ code: 'ABORTED' });
    const newer = walks.prepare(OTHER);
    await older;
    await newer;
    expect(counted).toEqual([OTHER, BLOCK, OTHER]);
    // A layer that is no block needs nothing.
    await walks.prepare('decoder.1');
    expect(counted.length).toBe(3);
  });

  test('a block that is being opened and another that is prepared → both come', async () => {
    const opened = walks.open(BLOCK);
    await walks.prepare(OTHER);
    const inner = await opened;
    expect(inner.map(({ place }) => place)).toEqual([
      'conv.0',
      'conv.1',
      'conv.2',
      'conv.3',
      'conv.4',
      'add',
      'fuse',
    ]);
    for (const { block, frame } of inner) expect([block, frame]).toEqual([BLOCK, undefined]);
  });

  test('what the next ReLU makes → of convolutions before one, inside and outside of a block', async () => {
    const at = { channel: 1, y: 2, x: 3 };
    const next = async (name: string) => {
      const { nextRelu, kernelValue } = await walks.pixel(name, at);
      return nextRelu === undefined ? undefined : nextRelu === Math.max(kernelValue, 0);
    };
    expect(await next(`${BLOCK}.conv.0`)).toBe(true);
    expect(await next(`${BLOCK}.conv.4`)).toBeUndefined();
    expect(await next(`${BLOCK}.add`)).toBe(true);
    expect(await next('decoder.1')).toBe(true);
    expect(await next('decoder.3')).toBeUndefined();
  });

  test('numbers past an edge → cut, equal to the map; of a step that is not there → ENDED', async () => {
    const area = { x: -2, y: 6, width: 4, height: 4 };
    const asked = { name: BLOCK, channel: 2, area, side: 'input' } as const;
    const found = await walks.numbers(asked);
    const { shape, data: all } = (steps.get(BLOCK) as Step).inputs[0];
    const [, , h, w] = shape;
    expect(found.area).toEqual({ x: 0, y: 6, width: 2, height: Math.min(4, h - 6) });
    const wanted = Array.from(
      { length: found.area.height * 2 },
      (_, i) => all[(2 * h + 6 + (i >> 1)) * w + (i & 1)],
    );
    expect([...found.data]).toEqual(wanted);
    await expect(walks.numbers({ ...asked, name: 'decoder.99' })).rejects.toMatchObject({
      code: 'ENDED',
    });
  });

  test.each([BLOCK, 'decoder.8', OTHER, 'encoder.5'])(
    '%s switched off → the picture of a walk in which only the ReLU of its skip is left',
    async (name) => {
      const left = await walks.without(name);
      const { part } = steps.get(name) as Step;
      let output = encoded;
      for await (const step of taesd.steps(part === 'encoder' ? PICTURE : encoded)) {
        if (step.name === name) {
          const [skip] = step.inputs;
          for (let i = 0; i < skip.data.length; i++)
            step.output.data[i] = Math.max(skip.data[i], 0);
        }
        output = step.output;
      }
      if (part === 'encoder') expect(left.latents).toEqual(output);
      else expect(left.latents).toBeUndefined();
      const decoded = part === 'encoder' ? await taesd.decode(output) : pictureOf(output);
      expect(left.picture).toEqual(decoded);
      const whole = await taesd.decode(encoded);
      expect(left.picture.data).not.toEqual(whole.data);
      // The walk's maps are as they were.
      const at = { channel: 0, y: 1, x: 1 };
      const { kernelValue } = await walks.pixel(name, at);
      const { output: map } = steps.get(name) as Step;
      expect(kernelValue).toBe(map.data[map.shape[3] + 1]);
    },
  );

  test('a layer that is no block, switched off → an error that says so', async () => {
    await expect(walks.without('decoder.1')).rejects.toThrow('decoder.1 is no block');
  });

  test('a newer walk → the older and its switched-off block end in ABORTED', async () => {
    const walk = (latents: Tensor | undefined) =>
      walks.run({ picture: PICTURE, latents, onStep: () => {}, onLatents: () => {} });
    const older = expect(walk(undefined)).rejects.toMatchObject({ code: 'ABORTED' });
    const off = expect(walks.without(BLOCK)).rejects.toMatchObject({ code: 'ABORTED' });
    const black = { shape: encoded.shape, data: new Float32Array(encoded.data.length) };
    expect(await walk(black)).toBe(black);
    await older;
    await off;
  });
});

testShared(
  'filters of taesd before any walk → the numbers of its files; other layers → undefined',
  async () => {
    const [encoder, decoder] = ['encoder', 'decoder'].map((half) =>
      sharedFile(`weights/taesd_${half}.safetensors`),
    );
    const taesd = await Taesd.load({ model: 'taesd', weights: { encoder, decoder }, workers: 0 });
    const filters = new Filters(taesd);
    for (const [asked, name, key, file] of [
      ['encoder.0', 'encoder.0', '0', encoder],
      ['encoder.3', 'encoder.3.conv.4', '3.conv.4', encoder],
      ['encoder.3.conv.0', 'encoder.3.conv.0', '3.conv.0', encoder],
      ['decoder.7', 'decoder.7', '7', decoder],
    ] as const) {
      const { tensors } = readSafetensors(file);
      const stored = (what: string) => {
        const tensor = tensors.get(`${key}.${what}`);
        return tensor && toTensor(tensor);
      };
      const found = (await filters.of(asked)) as FiltersView;
      const { cout, cin, kernel } = found;
      expect(found.name).toBe(name);
      expect([cout, cin, kernel, kernel]).toEqual(stored('weight')?.shape);
      expect(found.weight).toEqual(stored('weight')?.data);
      expect(found.bias).toEqual(stored('bias')?.data);
    }
    expect((await filters.of('encoder.2'))?.stride).toBe(2);
    for (const name of ['decoder.0', 'decoder.2', 'encoder.3.conv.1', 'encoder.99', 'x']) {
      expect(await filters.of(name)).toBeUndefined();
    }
    taesd.dispose();
  },
);

test.each([
  ['decoder.3', 'decoder.3', undefined, undefined],
  ['decoder.3.conv.0', 'decoder.3', 'conv.0', undefined],
  ['decoder.3.x+pool', 'decoder.3', 'x+pool', undefined],
  ['decoder.13.frame1.past', 'decoder.13', 'past', 1],
  ['decoder.13.frame0.1', 'decoder.13', '1', 0],
])('%s → layer %s, place %s, frame %s', (name, layer, place, frame) => {
  expect(layerOf(name)).toBe(layer);
  expect(placeOf(name)).toEqual({ place, frame });
});

test('a map of two channels → range, mean, zeros and histogram of all, and of each the range', () => {
  const map = { shape: [1, 2, 1, 4], data: Float32Array.of(0, 1, 2, 3, -1, 0, 0, 7) };
  const { summary, channels } = summariseMap(map);
  expect(summary).toMatchObject({ min: -1, max: 7, mean: 1.5, zeros: 3 / 8 });
  expect([0, 5, 10, 15, 20, 39].map((bin) => summary.histogram[bin])).toEqual([1, 3, 1, 1, 1, 1]);
  expect(channels).toEqual([
    { min: 0, max: 3, zeros: 0.25 },
    { min: -1, max: 7, zeros: 0.5 },
  ]);
});

describe('a picture made smaller', () => {
  const rgba = (w: number, h: number, pixels: readonly number[][]): Picture => ({
    width: w,
    height: h,
    data: Uint8ClampedArray.from(pixels.flat()),
  });
  test('that fits → itself', () => {
    const picture = rgba(2, 1, [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
    expect(shrink(picture, 2)).toBe(picture);
  });
  test('black and white → the byte of half the light', () => {
    const [black, white] = [
      [0, 0, 0, 255],
      [255, 255, 255, 255],
    ];
    const small = shrink(rgba(2, 2, [black, white, white, black]), 1);
    expect(small).toEqual(rgba(1, 1, [[188, 188, 188, 255]]));
  });
  test('a transparent neighbour → the colour stays, the opacity halves', () => {
    const small = shrink(
      rgba(2, 1, [
        [200, 100, 50, 255],
        [0, 255, 0, 0],
      ]),
      1,
    );
    expect(small).toEqual(rgba(1, 1, [[200, 100, 50, 128]]));
  });
  test('3 → 2 columns of one colour → that colour', () => {
    const small = shrink(
      rgba(
        3,
        3,
        Array.from({ length: 9 }, () => [90, 17, 255, 77]),
      ),
      2,
    );
    expect(small).toEqual(
      rgba(
        2,
        2,
        Array.from({ length: 4 }, () => [90, 17, 255, 77]),
      ),
    );
  });
});

/** The instance, which reports each run through the inside of a block. */
function countingInsides(taesd: Taesd, onInner: (name: string) => void): Taesd {
  return new Proxy(taesd, {
    get(target, property) {
      const value = Reflect.get(target, property, target);
      if (property !== 'steps') return typeof value === 'function' ? value.bind(target) : value;
      return async function* (...args: Parameters<Taesd['steps']>) {
        for await (const step of target.steps(...args)) {
          const inner: Step['inner'] = (options) => {
            onInner(step.name);
            return step.inner(options);
          };
          yield { ...step, inner };
        }
      };
    },
  });
}
