import { describe, expect, test } from 'vitest';
import { type BrowserName, chromium, firefox, type PageOptions, runOnPage } from './page.ts';

/*
 * Pictures that are larger than the canvases of a browser: 65,535 pixels a side, and 16,384² pixels
 * in Chromium. Pages without WebGPU; webgpu/canvas-cases.ts has the limits of devices.
 */

const BROWSERS: readonly (readonly [BrowserName, string | undefined])[] = [
  ['chromium', chromium],
  ['firefox', firefox],
];

/** Width and height of latents, the size of their picture, and the reason of its refusal. */
const TOO_LARGE = [
  [8192, 1, '65536×8', 'such a side'],
  [1, 8192, '8×65536', 'such a side'],
] as const;

const limitOf = (size: string, reason: string) => ({
  code: 'LIMIT',
  message:
    `decodeToCanvas: "canvas" expected a size that this browser draws, got ${size} (canvases ` +
    `with ${reason} stay empty here: draw the rows of decodeRows on several canvases, or decode ` +
    'a smaller latent)',
});

/** Code that every page and worker begins with. */
const TOOLS = `
  const latentsOf = (width, height) => ({
    shape: [1, 4, height, width],
    data: Float32Array.from({ length: 4 * width * height }, (_, i) => 2 * Math.sin(i * i + i / 7)),
  });
  const hash = (data) => data.reduce((a, b) => (Math.imul(a, 31) + b) | 0, 7);
  const failure = (work) => work.then(() => 'drawn', ({ code, message }) => ({ code, message }));
  /** The picture of a canvas: its size and a hash. */
  const shownOn = (canvas) => {
    const { width, height } = canvas;
    const copy = new OffscreenCanvas(width, height).getContext('2d');
    copy.drawImage(canvas, 0, 0);
    return [width, height, hash(copy.getImageData(0, 0, width, height).data)];
  };
  const decoded = async (taesd, latents) => {
    const { width, height, data } = await taesd.decode(latents);
    return [width, height, hash(data)];
  };
  /** Draws a small picture, what is too large, and again what is not. */
  async function limitsOf(taesd, canvas, sizes) {
    const shown = [];
    const draw = async (latents) => {
      await taesd.decodeToCanvas(latents, canvas);
      shown.push([shownOn(canvas), await decoded(taesd, latents)]);
    };
    await draw(latentsOf(5, 3));
    const refused = [];
    for (const size of sizes) {
      refused.push(await failure(taesd.decodeToCanvas(latentsOf(...size), canvas)));
    }
    const isUntouched = shownOn(canvas).join() === shown[0][0].join();
    for (const size of [[2, 4], [8191, 1], [1, 8191]]) await draw(latentsOf(...size));
    return { refused, isUntouched, shown };
  }`;

const worker = `
  import { Taesd } from '/dist/index.js';
  ${TOOLS}
  async function work({ canvas, sizes }) {
    const taesd = await Taesd.load({ model: 'nano', workers: 0 });
    return limitsOf(taesd, canvas, sizes);
  }
  onmessage = ({ data }) => work(data).catch(String).then(postMessage);`;

/** @param canvas  the expression that makes the canvas */
const onPage = (canvas: string, workers = 0) => `
  const { Taesd } = await import('/dist/index.js');
  ${TOOLS}
  const taesd = await Taesd.load({ model: 'nano', workers: ${workers} });
  return limitsOf(taesd, ${canvas}, ${JSON.stringify(TOO_LARGE)});`;

const inWorker = `
  const canvas = document.createElement('canvas').transferControlToOffscreen();
  const worker = new Worker('/worker.js', { type: 'module' });
  const found = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  worker.postMessage({ canvas, sizes: ${JSON.stringify(TOO_LARGE)} }, [canvas]);
  return found;`;

const OPAQUE = `(() => {
  const canvas = document.createElement('canvas');
  canvas.getContext('2d', { alpha: false, willReadFrequently: true });
  return canvas;
})()`;

const PLACES = [
  ['an element', onPage("document.createElement('canvas')")],
  ['an opaque element, two workers', onPage(OPAQUE, 2)],
  ['an OffscreenCanvas', onPage('new OffscreenCanvas(1, 1)')],
  ['the canvas of a page in a worker', inWorker],
] as const;

interface Found {
  readonly refused: readonly unknown[];
  readonly isUntouched: boolean;
  readonly shown: readonly (readonly [got: number[], wanted: number[]])[];
}

for (const [browser, program] of BROWSERS) {
  describe.skipIf(program === undefined)(`canvases that are too large [${browser}]`, () => {
    const run = (code: string, more: PageOptions = {}) =>
      runOnPage(code, { browser, files: { '/worker.js': worker }, ...more });

    for (const [name, code] of PLACES) {
      test(`decodeToCanvas on ${name}: a side of 65536 → LIMIT, the canvas as it was; then 32 and 65528 → the bytes of decode`, async () => {
        const { refused, isUntouched, shown } = (await run(code)) as Found;
        expect(refused).toEqual(TOO_LARGE.map(([, , size, reason]) => limitOf(size, reason)));
        expect(isUntouched).toBe(true);
        expect(shown.map(([, [width, height]]) => [width, height])).toEqual([
          [40, 24],
          [16, 32],
          [65528, 8],
          [8, 65528],
        ]);
        for (const [got, wanted] of shown) expect(got).toEqual(wanted);
      });
    }

    test('drawDecoded: sides of 65536 → LIMIT before the decoder is asked; of 65528, and of 4096 → it is asked', async () => {
      const code = `
        const { drawDecoded } = await import('/dist/draw/decode-to-canvas.js');
        let asked = 0;
        const runner = {
          async *batches() {
            asked++;
            throw Object.assign(new Error('it began'), { code: 'BEGAN' });
          },
        };
        const found = [];
        for (const [width, height] of [[65536, 1024], [1024, 65536], [65528, 8], [4096, 4096]]) {
          const target = new OffscreenCanvas(2, 1);
          const drawing = { source: () => {}, target, width, height, channels: 3 };
          const { code } = await drawDecoded(drawing, runner, {}).catch((error) => error);
          found.push([code, asked, target.width, target.height]);
        }
        return found;`;
      expect(await run(code)).toEqual([
        ['LIMIT', 0, 2, 1],
        ['LIMIT', 0, 2, 1],
        ['BEGAN', 1, 2, 1],
        ['BEGAN', 2, 2, 1],
      ]);
    });
  });
}

test.skipIf(chromium === undefined)(
  'decodeToCanvas [chromium]: 16392×16384 pixels → LIMIT before minutes of work; then a small picture',
  async () => {
    const code = `
      const { Taesd } = await import('/dist/index.js');
      ${TOOLS}
      const taesd = await Taesd.load({ model: 'nano', workers: 0 });
      const canvas = new OffscreenCanvas(3, 2);
      const large = { shape: [1, 4, 2048, 2049], data: new Float32Array(4 * 2048 * 2049) };
      const refused = await failure(taesd.decodeToCanvas(large, canvas));
      const size = [canvas.width, canvas.height];
      await taesd.decodeToCanvas(latentsOf(5, 3), canvas);
      const shown = shownOn(canvas);
      const wanted = await decoded(taesd, latentsOf(5, 3));
      return { refused, size, isRight: shown.join() === wanted.join() };`;
    expect(await runOnPage(code)).toEqual({
      refused: limitOf('16392×16384', 'so many pixels'),
      size: [3, 2],
      isRight: true,
    });
  },
);

test.skipIf(firefox === undefined)(
  'decodeToCanvas [firefox that hides the pixels of canvases]: a side of 4104 → drawn, as far as can be known',
  async () => {
    const code = `
      const { Taesd } = await import('/dist/index.js');
      ${TOOLS}
      const taesd = await Taesd.load({ model: 'nano', workers: 0 });
      const probe = new OffscreenCanvas(1, 1).getContext('2d');
      const hidden = new Set();
      for (let n = 0; n < 20; n++) hidden.add(probe.getImageData(0, 0, 1, 1).data.join());
      const canvas = document.createElement('canvas');
      const got = [];
      for (let n = 0; n < 10; n++) {
        got.push(await failure(taesd.decodeToCanvas(latentsOf(513, 1), canvas)));
      }
      return { hidden: [...hidden], got: [...new Set(got)], size: [canvas.width, canvas.height] };`;
    const preferences = { 'privacy.resistFingerprinting': true };
    const found = (await runOnPage(code, { browser: 'firefox', preferences })) as {
      hidden: string[];
    };
    expect(found).toMatchObject({ got: ['drawn'], size: [4104, 8] });
    expect(found.hidden).not.toEqual(['0,0,0,0']);
  },
);
