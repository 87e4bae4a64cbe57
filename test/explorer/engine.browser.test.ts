import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Taesd } from 'taesd-wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadDream } from '../../examples/dream/dream.mjs';
import { renderPicture } from '../../examples/render-picture.mjs';
import { shrink } from '../../explorer/src/engine/shrink.ts';
import { Walks } from '../../explorer/src/engine/walks.ts';
import { encodeLatentPng, encodeLatentSafetensors, readLatents } from '../../src/formats/index.ts';
import { fromVaeLatents, type Picture, type Tensor } from '../../src/index.ts';
import { decodePicture } from '../../src/picture/index.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { comfyByHand, npyByHand } from '../formats/files-by-hand.ts';
import { type BrowserName, chromium, firefox, runOnPage } from '../page.ts';
import { BASELINE, LOSSY } from '../picture/files.ts';
import { type BuiltWorkers, builtWorkers } from './built-workers.ts';
import { rgba } from './rgba.ts';

/*
 * The page's workers in a browser, by the clients that the page has: what they answer is compared
 * with what the package gives here.
 */

const root = new URL('../../', import.meta.url);
const hashOf = ({
  buffer,
  byteOffset,
  byteLength,
}: Uint8Array | Uint8ClampedArray | Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');

const PICTURE = rgba(renderPicture(64));
/** Half transparent, and larger than is asked for. */
const LARGE: Picture = {
  width: 150,
  height: 100,
  data: Uint8ClampedArray.from({ length: 150 * 100 * 4 }, (_, i) => (i * i + 31 * (i >> 6)) & 255),
};
const LATENTS: Tensor = {
  shape: [1, 4, 8, 8],
  data: Float32Array.from({ length: 256 }, (_, i) => Math.sin(i * i)),
};
const RAW = new Uint8Array(LATENTS.data.buffer as ArrayBuffer);
const STORED = { dtype: 'F32', shape: [1, 4, 8, 8], bytes: RAW } as const;
const recorded = { latents: LATENTS, model: 'taesd', width: 61, height: 64 } as const;

/** Files that the page opens, by their names. */
const FILES: Readonly<Record<string, Uint8Array>> = {
  'large.png': encodePng(LARGE),
  'small.jpg': BASELINE.bytes,
  'small.webp': LOSSY.bytes,
  'latent.png': encodeLatentPng(recorded),
  'own.safetensors': encodeLatentSafetensors(recorded),
  'comfy.latent': comfyByHand(STORED),
  'numbers.npy': npyByHand(STORED),
  'raw.f32': RAW,
  'weights.safetensors': readFileSync(new URL('weights/nano/nano_decoder.safetensors', root)),
  'words.txt': new TextEncoder().encode('These are words.'),
  'cut.png': encodePng(LARGE).subarray(0, 2000),
};

/** The beginning of each page's code. */
const BEGIN = `
  const { startEngine, startFiles, startDream } = await import('/workers.js');
  const hex = (bytes) => [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, '0')).join('');
  const hashOf = async (data) => hex(await crypto.subtle.digest('SHA-256', data));
  const failed = (promise) => promise.then(() => 'no error', ({ code, message }) => code ?? message);
  const shared = async (name) => new Uint8Array(await (await fetch('/shared/' + name)).arrayBuffer());
`;

describe.skipIf(chromium === undefined)('the workers of the page', () => {
  let built: BuiltWorkers;
  beforeAll(async () => {
    built = await builtWorkers();
  });

  const run = (code: string, browser: BrowserName = 'chromium', preferences = {}) =>
    runOnPage(BEGIN + code, {
      ...{ browser, preferences, files: built.modules },
      weights: (name) => built.assets.get(name),
      shared: (name) => (name === 'picture' ? new Uint8Array(PICTURE.data) : FILES[name]),
    });

  describe('an engine with nano [Chromium]', () => {
    let taesd: Taesd;
    let walks: Walks;
    beforeAll(async () => {
      taesd = await Taesd.load({ model: 'nano', workers: 0 });
      walks = new Walks(taesd);
      const asked = { picture: PICTURE, latents: undefined };
      await walks.run({ ...asked, onStep: () => {}, onLatents: () => {} });
    });
    afterAll(() => taesd.dispose());

    test('filters before a walk, a walk, pixels while a block is off → as here, the pixels first', async () => {
      const found = await run(`
        const client = startEngine();
        await client.call('load', 'nano', { kind: 'package' });
        const { name, cin, cout, kernel, weight } = await client.call('filters', 'decoder.4');
        const filters = { name, cin, cout, kernel, weight: await hashOf(weight) };
        const events = [];
        client.listen((event) => events.push(event.type === 'step' ? event.step.name : event.type));
        const picture = { width: 64, height: 64, data: new Uint8ClampedArray(await shared('picture')) };
        const latents = await client.call('walk', 1, picture);
        const order = [];
        const say = (what) => (result) => (order.push(what), result);
        const off = client.call('without', 'encoder.5').then(say('without'));
        const offToo = client.call('without', 'decoder.3').then(say('without'));
        await client.call('prepare', 'decoder.4');
        const started = performance.now();
        const pixels = Array.from({ length: 15 }, (_, x) =>
          client.latest('pixel', 'hand', 'decoder.4', { channel: 1, y: 2, x: x % 8 })
            .then(({ value }) => value, ({ code }) => code));
        const values = await Promise.all(pixels).then(say('pixels'));
        const elapsedMs = performance.now() - started;
        const { picture: left, latents: its } = await off;
        const too = await offToo;
        const numbers = await client.call('numbers',
          { name: 'decoder.4', channel: 1, area: { x: 6, y: 2, width: 9, height: 1 }, side: 'output' });
        const kernelValue = (await client.call('pixel', 'decoder.4', { channel: 1, y: 2, x: 6 })).kernelValue;
        const { picture: whole } = await client.call('decode', latents, 64, 64);
        const older = failed(client.call('walk', 2, picture));
        const newer = client.call('walk', 3, picture, latents);
        return {
          filters, events, order, values, elapsedMs, kernelValue,
          older: await older,
          newer: await hashOf((await newer).data),
          numbers: { ...numbers, data: [...numbers.data] },
          latents: await hashOf(latents.data), whole: await hashOf(whole.data),
          left: await hashOf(left.data), its: await hashOf(its.data), too: await hashOf(too.picture.data),
        };
      `);
      const seen = found as Record<string, never>;
      const latents = await taesd.encode(PICTURE);
      const whole = await taesd.decode(latents);
      const left = await walks.without('encoder.5');
      const too = await walks.without('decoder.3');
      const last = await walks.pixel('decoder.4', { channel: 1, y: 2, x: 14 % 8 });
      const steps: string[] = [];
      let weight = new Float32Array();
      for (const input of [PICTURE, latents]) {
        for await (const step of taesd.steps(input)) {
          steps.push(step.name);
          if (step.name === 'decoder.4') weight = step.weights['conv.4.weight'].data as never;
          if (step.name.startsWith('encoder') && step.shape[1] === 4) steps.push('latents');
        }
      }
      expect(found).toMatchObject({
        filters: { name: 'decoder.4.conv.4', cin: 64, cout: 64, kernel: 3, weight: hashOf(weight) },
        latents: hashOf(latents.data),
        whole: hashOf(whole.data),
        left: hashOf(left.picture.data),
        its: hashOf(left.latents?.data as Float32Array),
        too: hashOf(too.picture.data),
        older: 'ABORTED',
        newer: hashOf(latents.data),
      });
      expect((seen.events as string[]).slice(0, steps.length)).toEqual(steps);
      expect((seen.order as string[])[0]).toBe('pixels');
      const values = seen.values as (number | string)[];
      expect(values.slice(1, -1)).toEqual(Array.from({ length: 13 }, () => 'ABORTED'));
      expect(values.at(-1)).toBe(last.value);
      const { area, data } = seen.numbers as { area: object; data: number[] };
      expect(area).toEqual({ x: 6, y: 2, width: 2, height: 1 });
      expect(data[0]).toBe(seen.kernelValue);
      console.log(`15 pixels while two blocks are off: the last after ${seen.elapsedMs} ms`);
    });
  });

  const openAll = (names: readonly string[]) => `
    const client = startFiles();
    const opened = {};
    for (const name of ${JSON.stringify(names)}) {
      const file = new File([await shared(name)], name);
      opened[name] = await client.call('open', file, { maxSide: 75, model: 'taesd' }).then(
        async ({ picture, latents, ...rest }) => ({
          ...rest,
          ...(picture && { size: [picture.width, picture.height], hash: await hashOf(picture.data) }),
          ...(latents && { shape: latents.shape, hash: await hashOf(latents.data) }),
        }),
        ({ message }) => message,
      );
    }
    const isTrue = await client.call('canvasIsTrue');
  `;

  test('files of all kinds [Chromium] → pictures, latents, weights, or one sentence', async () => {
    const found = (await run(`
      ${openAll(Object.keys(FILES))}
      const latents = { shape: [1, 4, 8, 8], data: Float32Array.from({ length: 256 }, (_, i) => i / 99) };
      const size = { width: 61, height: 64 };
      const saved = [...(await client.call('saveLatents', latents, 'taesd', size))];
      const picture = { width: 2, height: 1, data: Uint8ClampedArray.of(1, 2, 3, 4, 5, 6, 7, 255) };
      const png = [...(await client.call('savePicture', picture))];
      return { opened, isTrue, saved, png };
    `)) as {
      opened: Record<string, { text: string; notes: string[] } | string>;
      isTrue: boolean;
      saved: number[];
      png: number[];
    };
    const { opened } = found;
    expect(found.isTrue).toBe(true);
    const small = shrink(LARGE, 75);
    const plain = hashOf(LATENTS.data);
    const described = { width: 61, height: 64, shape: [1, 4, 8, 8], model: 'taesd' };
    expect(opened).toMatchObject({
      'large.png': {
        kind: 'picture',
        size: [75, 50],
        hash: hashOf(small.data),
        originalWidth: 150,
        originalHeight: 100,
        notes: [],
      },
      'small.jpg': { kind: 'picture', notes: [] },
      'small.webp': { kind: 'picture', notes: [] },
      'latent.png': { kind: 'latents', space: 'diffusion', ...described },
      'own.safetensors': { kind: 'latents', space: 'diffusion', ...described, hash: plain },
      'comfy.latent': {
        kind: 'latents',
        space: 'vae',
        hash: hashOf(fromVaeLatents(LATENTS, 'taesd').data),
      },
      'numbers.npy': {
        ...{ kind: 'latents', model: 'taesd', width: 64, height: 64 },
        text: '“numbers.npy” holds latents of a model that it does not name: 4 channels of 8×8, for a picture of 64×64 (numpy array, F32).',
        notes: [
          'The file does not say its space; diffusion space is assumed.',
          'The file does not say its model; its channels are those of taesd or taesdxl.',
        ],
      },
      'raw.f32': { kind: 'latents', hash: plain, model: 'taesd' },
      'weights.safetensors': { kind: 'weights' },
    });
    expect(opened['words.txt']).toMatch(/^“words.txt” is not a picture .* and no latents/);
    expect(opened['cut.png']).toMatch(/^“cut.png” cannot be read: /);
    expect((opened['own.safetensors'] as { text: string }).text).toBe(
      '“own.safetensors” holds latents of taesd: 4 channels of 8×8, for a picture of 61×64 (latents, F32).',
    );
    const read = await readLatents(Uint8Array.from(found.saved));
    expect(read).toMatchObject({ model: 'taesd', space: 'diffusion', width: 61, height: 64 });
    expect(read.latents.data).toEqual(Float32Array.from({ length: 256 }, (_, i) => i / 99));
    expect([...decodePng(Uint8Array.from(found.png)).data]).toEqual([1, 2, 3, 4, 5, 6, 7, 255]);
  });

  test.skipIf(firefox === undefined)(
    'a canvas that lies [Firefox, resistFingerprinting] → found; PNG, JPEG and WebP come without it',
    async () => {
      const names = ['large.png', 'small.jpg', 'small.webp'];
      const preferences = { 'privacy.resistFingerprinting': true };
      const code = `${openAll(names)} return { opened, isTrue };`;
      const [jpeg, webp] = await Promise.all(
        [BASELINE, LOSSY].map(async ({ bytes }) => shrink(await decodePicture(bytes), 75)),
      );
      expect(await run(code, 'firefox', preferences)).toMatchObject({
        isTrue: false,
        opened: {
          'large.png': { hash: hashOf(shrink(LARGE, 75).data), notes: [] },
          'small.jpg': { hash: hashOf(jpeg.data), notes: [] },
          'small.webp': { hash: hashOf(webp.data), notes: [] },
        },
      });
    },
  );

  test('dream [Chromium] → the latents of the example to the bit, an event a step; stopped → ABORTED', async () => {
    const dream = await loadDream(readFileSync(new URL('weights/dream/dream.safetensors', root)));
    const wanted = { time: 'dusk', place: 'lake' };
    const latents = await dream.generate({ seed: 7, steps: 3, wanted });
    const labels = dream.labels;
    dream.dispose();
    const found = await run(`
      const client = startDream();
      const events = [];
      client.listen(({ step, steps, sigma, sample, predicted }) =>
        events.push([step, steps, sigma, sample.shape, predicted.shape]));
      const labels = await client.call('labels');
      const request = { time: 'dusk', place: 'lake', seed: 7, steps: 3 };
      const { latents } = await client.call('generate', request);
      const told = events.splice(0);
      const stopped = failed(client.call('generate', { steps: 50 }));
      await client.call('stop');
      const wrong = failed(client.call('generate', { time: 'noon' }));
      return { labels, told, hash: await hashOf(latents.data), stopped: await stopped, wrong: await wrong };
    `);
    const shape = [1, 4, 32, 32];
    expect(found).toEqual({
      labels,
      told: [1, 2 / 3, 1 / 3].map((sigma, step) => [step, 3, sigma, shape, shape]),
      hash: hashOf(latents.data),
      stopped: 'ABORTED',
      wrong: 'time expected dawn, day, dusk, night, got noon',
    });
  });
});
