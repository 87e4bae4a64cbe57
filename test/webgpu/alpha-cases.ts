import { Taesd } from '../../src/taesd.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { randomWeights } from '../small-model.ts';
import {
  type ApiCase,
  canvasOn,
  follow,
  keptDevice,
  pixelsOf,
  readTexture,
  same,
  sameBytes,
  shownOn,
  showsCanvases,
} from './case-tools.ts';

/*
 * Pictures with alpha: taeqi2_1, by random weights.
 */

const latents = randomTensor(seededRandom(3), [1, 64, 2, 3], 2);

/** The bytes of a picture as a canvas has them: colours times alpha. */
const premultiplied = (data: Uint8ClampedArray) =>
  data.map((byte, i) => (i % 4 === 3 ? byte : Math.round((byte * data[i | 3]) / 255)));

/**
 * Compares what a canvas gives back with a picture. The canvas keeps colours times alpha, rounded
 * to bytes, and divides them again.
 */
function sameThroughCanvas(what: string, got: ArrayLike<number>, wanted: ArrayLike<number>) {
  same(`${what}, length`, got.length, wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const alpha = wanted[i | 3];
    // Half a step of the product, and half a step of the quotient; a device may round otherwise.
    const within = i % 4 === 3 ? 0 : alpha === 0 ? 255 : Math.ceil(255 / alpha) + 1;
    if (!(Math.abs(got[i] - wanted[i]) <= within)) {
      throw new Error(`${what}: element ${i} is ${got[i]} for ${wanted[i]}, alpha ${alpha}`);
    }
  }
}

export const ALPHA_CASES: readonly ApiCase[] = [
  {
    name: 'Taesd: decodeToCanvas of pictures with alpha → the bytes of decode on a texture, times alpha on a canvas',
    shared: false,
    async run() {
      const device = await keptDevice();
      const weights = { decoder: randomWeights('taeqi2_1', 'decoder') };
      const options = { model: 'taeqi2_1', weights, only: 'decoder' } as const;
      const gpu = await Taesd.load({ ...options, device, fallback: false });
      const size = { width: 45, height: 30 };
      const { data } = await gpu.decode(latents, size);
      const alphas = new Set(data.filter((_, i) => i % 4 === 3));
      same('many alphas', alphas.size > 20, true);
      for (const format of ['rgba8unorm', 'rgba8unorm-srgb'] as const) {
        const texture = device.createTexture({ size, format, usage: 0x10 | 0x1 });
        await gpu.decodeToCanvas(latents, texture, size);
        sameBytes(format, await readTexture(device, texture), data);
      }
      const wanted = premultiplied(data);
      const canvas = canvasOn('bgra8unorm');
      await gpu.decodeToCanvas(latents, canvas, size);
      sameBytes('a canvas', await shownOn(canvas), wanted, 1);
      same('configured', canvas.configured, 1);
      const wasm = await Taesd.load(options);
      await wasm.decodeToCanvas(latents, canvas, size);
      sameBytes('from WASM', await shownOn(canvas), wanted, 2);
      // A model without alpha leaves the canvas as it is configured.
      const nano = await Taesd.load({ model: 'nano', device, fallback: false, only: 'decoder' });
      const four = { ...latents, shape: [1, 4, 8, 12] };
      await nano.decodeToCanvas(four, canvas);
      sameBytes('opaque', await shownOn(canvas), (await nano.decode(four)).data);
      same('configured again', canvas.configured, 1);
      for (const one of [gpu, wasm, nano]) one.dispose();
      return `${alphas.size} alphas`;
    },
  },
  {
    name: 'Taesd: decodeToCanvas of pictures with alpha on a canvas of the runtime → colours times alpha, whatever the caller configured',
    shared: false,
    async run() {
      if (typeof OffscreenCanvas === 'undefined') return 'no canvas here';
      const canvas = new OffscreenCanvas(1, 1);
      const context = canvas.getContext('webgpu') as GPUCanvasContext | null;
      if (context === null) return 'none with WebGPU here';
      const device = await keptDevice();
      const weights = { decoder: randomWeights('taeqi2_1', 'decoder') };
      const options = { model: 'taeqi2_1', weights, only: 'decoder' } as const;
      const gpu = await Taesd.load({ ...options, device, fallback: false });
      const shown = follow(device, context);
      const size = { width: 45, height: 30 };
      const wanted = premultiplied((await gpu.decode(latents, size)).data);
      const format = navigator.gpu.getPreferredCanvasFormat();
      const usage = 0x10 | 0x1; // RENDER_ATTACHMENT, COPY_SRC
      for (const [what, change] of Object.entries({
        fresh() {},
        again() {},
        opaque: () => context.configure({ device, format, usage, alphaMode: 'opaque' }),
      })) {
        change();
        await gpu.decodeToCanvas(latents, canvas, size);
        sameBytes(what, await shown(), wanted, 1);
        const { alphaMode } = context.getConfiguration?.() ?? { alphaMode: 'premultiplied' };
        same(`${what}, alphaMode`, alphaMode, 'premultiplied');
      }
      gpu.dispose();
      return 'within 1';
    },
  },
  {
    name: 'Taesd: decodeToCanvas of pictures with alpha on canvases of the browser → the bytes of decode, but for what a canvas rounds',
    shared: false,
    async run() {
      if (typeof document === 'undefined') return 'no canvas here';
      const weights = { decoder: randomWeights('taeqi2_1', 'decoder') };
      const options = { model: 'taeqi2_1', weights, only: 'decoder' } as const;
      const gpu = await Taesd.load({ ...options, device: await keptDevice(), fallback: false });
      const wasm = await Taesd.load(options);
      const size = { width: 45, height: 30 };
      const { data } = await wasm.decode(latents, size);
      for (const canvas of [document.createElement('canvas'), new OffscreenCanvas(1, 1)]) {
        // The first one makes it draw in 2d for good.
        for (const taesd of [wasm, gpu]) {
          await taesd.decodeToCanvas(latents, canvas, size);
          same('size', [canvas.width, canvas.height], [45, 30]);
          sameThroughCanvas(`in 2d, ${taesd.info.backend}`, pixelsOf(canvas), data);
        }
      }
      const shows = await showsCanvases();
      if (shows) {
        const canvas = document.body.appendChild(document.createElement('canvas'));
        for (const taesd of [gpu, wasm]) {
          await taesd.decodeToCanvas(latents, canvas, size);
          sameThroughCanvas(`WebGPU, ${taesd.info.backend}`, pixelsOf(canvas), data);
        }
      }
      for (const one of [gpu, wasm]) one.dispose();
      return shows ? 'in 2d and by WebGPU' : 'in 2d; nothing is shown of this software adapter';
    },
  },
];
