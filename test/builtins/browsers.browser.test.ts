import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Taesd } from '../../src/taesd.ts';
import { type BrowserName, chromium, firefox, runOnPage } from '../page.ts';
import { TAKE_AWAY } from './older-browser.ts';

/*
 * Values that a frame of the page made, and a browser without the methods of newer ones.
 */

const LATENTS = `{
  shape: [1, 4, 40, 24],
  data: Float32Array.from({ length: 4 * 40 * 24 }, (_, i) => 2 * Math.sin(i / 7)),
}`;
const HASH = '(numbers) => numbers.reduce((a, b) => (Math.imul(a, 31) + b) | 0, 7)';
const evaluate = <Value>(code: string): Value => new Function(`return ${code}`)();

async function wantedHash(): Promise<number> {
  const taesd = await Taesd.load({ model: 'nano', workers: 0 });
  const { data } = await taesd.decode(evaluate(LATENTS));
  return evaluate<(numbers: Uint8ClampedArray) => number>(HASH)(data);
}

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

for (const [browser, program] of [
  ['chromium', chromium],
  ['firefox', firefox],
] as const) {
  if (program === undefined) console.warn(`skipping tests of frames: no ${browser} here`);
  const run = (code: string, files: Readonly<Record<string, string>> = {}) =>
    runOnPage(code, { browser: browser as BrowserName, files });

  describe.skipIf(program === undefined)(`values of a frame [${browser}]`, () => {
    test('latents, pictures, weights, kernels, modules, signals, URLs of a frame → as of the page', async () => {
      const code = `
        const { Taesd, quantizeLatents, writeSafetensors, readSafetensors, isAbort } =
          await import('/dist/index.js');
        const { nano } = await import('/dist/nano.js');
        const { kernels } = await import('/dist/kernels.js');
        const { createPreviewer } = await import('/dist/preview/index.js');
        const frame = document.createElement('iframe');
        document.body.append(frame);
        const realm = frame.contentWindow;
        const hash = ${HASH};
        const latents = ${LATENTS};
        const foreign = {
          shape: realm.Array.from(latents.shape),
          data: realm.Float32Array.from(latents.data),
        };
        const found = { isForeign: !(foreign.data instanceof Float32Array) };
        const given = nano();
        const weights = {
          encoder: realm.Uint8Array.from(given.weights.encoder),
          decoder: realm.Uint8Array.from(given.weights.decoder),
        };
        const bytes = realm.Uint8Array.from(kernels());
        const module = new realm.WebAssembly.Module(bytes);
        const { signal } = new realm.AbortController();
        for (const [name, wasm, workers] of [['bytes', bytes, 0], ['module', module, 0], ['workers', module, 2]]) {
          const taesd = await Taesd.load({ model: 'nano', weights, wasm, workers, signal });
          found[name] = hash((await taesd.decode(foreign, { signal })).data);
          taesd.dispose();
        }
        const taesd = await Taesd.load({ model: 'nano', workers: 0 });
        const rows = [];
        for await (const { data } of taesd.decodeRows(foreign)) for (const value of data) rows.push(value);
        found.rows = hash(rows);
        const frames = [];
        const previewer = createPreviewer(taesd, { onFrame: ({ data }) => void frames.push(hash(data)) });
        previewer.push(foreign);
        await previewer.idle();
        found.previewer = frames[0];
        const pixels = new Uint8ClampedArray(4 * 32 * 24).map((_, i) => i % 4 === 3 ? 255 : i);
        const latentsOf = async (picture) => hash((await taesd.encode(picture)).data.map((x) => 1e4 * x));
        const wanted = await latentsOf(new ImageData(pixels, 32, 24));
        const image = new realm.ImageData(realm.Uint8ClampedArray.from(pixels), 32, 24);
        found.imageData = (await latentsOf(image)) === wanted;
        const canvas = realm.document.createElement('canvas');
        canvas.width = 32;
        canvas.height = 24;
        canvas.getContext('2d').putImageData(image, 0, 0);
        found.canvas = (await latentsOf(canvas)) === wanted;
        const blob = await new Promise((resolve) => canvas.toBlob(resolve));
        found.blob = (await latentsOf(new realm.Blob([blob]))) === wanted;
        const aborter = new realm.AbortController();
        const cancelled = taesd.decode(foreign, { signal: aborter.signal });
        aborter.abort();
        found.abort = await cancelled.then(() => false, isAbort);
        found.quantised = String(quantizeLatents(foreign.data)) === String(quantizeLatents(latents.data));
        const file = writeSafetensors([['a', foreign]]);
        found.safetensors = readSafetensors(realm.Uint8Array.from(file)).tensors.get('a').bytes.length;
        found.url = await Taesd.load({ model: 'nano', weights: new realm.URL('/weights/', location.href), signal })
          .then(() => 'none', ({ name, code }) => name + ' ' + code);
        // A frame that was removed: its classes work on.
        frame.remove();
        found.removed = hash((await taesd.decode(foreign)).data);
        return found;`;
      const hash = await wantedHash();
      expect(await run(code)).toEqual({
        isForeign: true,
        bytes: hash,
        module: hash,
        workers: hash,
        rows: hash,
        previewer: hash,
        imageData: true,
        canvas: true,
        blob: true,
        abort: true,
        quantised: true,
        safetensors: 4 * 4 * 40 * 24,
        url: 'TaesdError ARG',
        removed: hash,
      });
    });
  });

  describe.skipIf(program === undefined)(`a browser without newer methods [${browser}]`, () => {
    test('load, encode, decode, files, previewer, steps, workers → as in a new one', async () => {
      const code = `
        await import('/take-away.js');
        const { kept, dispose } = takenAway;
        const { Taesd, writeSafetensors, readSafetensors, isAbort, TaesdError } = await import('/dist/index.js');
        const { createPreviewer } = await import('/dist/preview/index.js');
        const hash = ${HASH};
        const latents = ${LATENTS};
        const found = { kept, dispose };
        for (const precision of ['f32', 'fast']) {
          const taesd = await Taesd.load({ model: 'nano', precision, workers: 2 });
          found.workers = taesd.info.workersReason ?? taesd.info.workers;
          found[precision] = hash((await taesd.decode(latents)).data);
          taesd.dispose();
        }
        const taesd = await Taesd.load({ model: 'nano', workers: 0 });
        found.alone = hash((await taesd.decode(latents)).data);
        const rows = [];
        for await (const { data } of taesd.decodeRows(latents)) for (const value of data) rows.push(value);
        found.rows = hash(rows);
        found.layers = 0;
        for await (const step of taesd.steps(latents)) {
          found.layers++;
          for await (const inner of step.inner()) found.inner = inner.name;
        }
        const frames = [];
        const onFrame = ({ data }) => void frames.push(hash(data));
        const previewer = createPreviewer(taesd, { onFrame, maxFps: 60 });
        previewer.push(latents, { output: latents, prediction: 'sample', sigma: 1 });
        await previewer.idle();
        found.previewer = frames[0];
        const encoded = await taesd.encode({ width: 40, height: 24, data: new Uint8Array(4 * 40 * 24) });
        found.encoded = encoded.shape;
        const file = writeSafetensors([['a', latents]], { made: 'here' });
        found.safetensors = readSafetensors(file).tensors.get('a').shape;
        const aborter = new AbortController();
        const cancelled = taesd.decode(latents, { signal: aborter.signal });
        aborter.abort();
        found.abort = await cancelled.then(() => 'none', ({ message }) => message);
        const cause = new Error('behind');
        found.cause = new TaesdError('ARG', 'x', { cause }).cause === cause;
        return found;`;
      const worker = `import '/take-away.js'; import './worker-itself.js';`;
      const files = {
        '/take-away.js': TAKE_AWAY,
        '/dist/backend/wasm/worker.js': worker,
        '/dist/backend/wasm/worker-itself.js': read('dist/backend/wasm/worker.js'),
      };
      const hash = await wantedHash();
      const fast = await Taesd.load({ model: 'nano', precision: 'fast', workers: 0 });
      const { data } = await fast.decode(evaluate(LATENTS));
      expect(await run(code, files)).toEqual({
        kept: [],
        dispose: 'undefined',
        workers: 2,
        f32: hash,
        fast: evaluate<(numbers: Uint8ClampedArray) => number>(HASH)(data),
        alone: hash,
        rows: hash,
        layers: expect.any(Number),
        inner: expect.any(String),
        previewer: hash,
        encoded: [1, 4, 3, 5],
        safetensors: [1, 4, 40, 24],
        abort: 'decode: aborted (This operation was aborted)',
        cause: true,
      });
    });
  });
}

describe.skipIf(chromium === undefined)('a browser without module workers [chromium]', () => {
  test('load, decode → on the page’s thread, with the reason; the bits of workers', async () => {
    // It ignores the option `type`, as Firefox did before 114.
    const code = `
      const OwnWorker = globalThis.Worker;
      globalThis.Worker = class extends OwnWorker { constructor(url) { super(url); } };
      const { Taesd } = await import('/dist/index.js');
      const taesd = await Taesd.load({ model: 'nano', workers: 2 });
      const { workers, workersReason } = taesd.info;
      const { data } = await taesd.decode(${LATENTS});
      return { workers, workersReason, after: taesd.info.workers, hash: (${HASH})(data) };`;
    expect(await runOnPage(code)).toEqual({
      workers: 0,
      workersReason: expect.stringContaining('a worker could not start'),
      after: 0,
      hash: await wantedHash(),
    });
  });
});
