import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { afterEach, expect, test, vi } from 'vitest';
import { fromVaeLatents, toVaeLatents } from '../../src/latent.ts';
import { Taesd } from '../../src/taesd.ts';

/*
 * WebGPU asked for where there is none, as in this process: everything works without it.
 */

const REASON = 'no WebGPU in this runtime';
const latents = { shape: [1, 4, 2, 3], data: new Float32Array(24).fill(0.5) };

for (const backend of ['webgpu', 'auto'] as const) {
  test(`Taesd [${backend}]: no WebGPU here → WASM, the same picture, the reason told`, async () => {
    const taesd = await Taesd.load({ model: 'nano', backend });
    expect(taesd.info).toMatchObject({ backend: 'wasm', backendReason: REASON });
    const wasm = await Taesd.load({ model: 'nano' });
    expect(wasm.info.backendReason).toBeUndefined();
    expect(await taesd.decode(latents)).toEqual(await wasm.decode(latents));
    taesd.dispose();
  });

  test(`Taesd [${backend}, fallback: false]: no WebGPU here → UNSUPPORTED`, async () => {
    const loading = Taesd.load({ model: 'nano', backend, fallback: false });
    await expect(loading).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: `Taesd.load: WebGPU is not available: ${REASON} (without fallback: false, WASM takes over)`,
    });
  });
}

// Other tests share this process.
afterEach(() => void vi.unstubAllGlobals());

test('Taesd.load: device and fallback of another type → ARG, before weights are looked for', async () => {
  const options = { model: 'taesd', weights: '/nowhere', backend: 'webgpu' } as const;
  await expect(Taesd.load({ ...options, device: 7 as never })).rejects.toMatchObject({
    code: 'ARG',
    message: 'Taesd.load: "device" expected a GPUDevice, got 7',
  });
  await expect(Taesd.load({ ...options, fallback: 'no' as never })).rejects.toMatchObject({
    code: 'ARG',
    message: 'Taesd.load: "fallback" expected true or false, got "no"',
  });
});

test('decode: latents in a GPUBuffer and no device → ARG, and the instance works on', async () => {
  const inBuffer = { shape: [1, 4, 2, 3], buffer: { size: 96, usage: 4 } };
  const asked = await Taesd.load({ model: 'nano', backend: 'webgpu' });
  await expect(asked.decode(inBuffer)).rejects.toMatchObject({
    code: 'ARG',
    message: `decode: "latents" expected a tensor in memory, as the model runs on no device, got a GPUBuffer (${REASON})`,
  });
  const unasked = await Taesd.load({ model: 'nano' });
  await expect(unasked.decode(inBuffer)).rejects.toMatchObject({ code: 'ARG' });
  for (const taesd of [asked, unasked]) expect((await taesd.decode(latents)).width).toBe(24);
});

test('decodeToCanvas: no canvas, a texture without a device, a canvas of another thread, one in 2d → ARG, UNSUPPORTED, the picture', async () => {
  const taesd = await Taesd.load({ model: 'nano' });
  await expect(taesd.decodeToCanvas(latents, 7 as never)).rejects.toMatchObject({
    code: 'ARG',
    message:
      'decodeToCanvas: "canvas" expected a canvas, its GPUCanvasContext or a GPUTexture, got 7',
  });
  const texture = { width: 24, height: 16, createView: () => ({}) };
  await expect(taesd.decodeToCanvas(latents, texture)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message:
      'decodeToCanvas: "canvas" expected a canvas, as the model runs on no device, got a texture (a new canvas?)',
  });
  const distant = {
    width: 1,
    height: 1,
    getContext() {
      throw new Error('Cannot get context from a canvas that has transferred its control');
    },
  };
  await expect(taesd.decodeToCanvas(latents, distant)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message:
      'decodeToCanvas: "canvas" expected one that draws in 2d or with WebGPU, got Cannot get context from a canvas that has transferred its control (a new canvas?)',
  });
  const drawn: unknown[] = [];
  const context = { putImageData: (image: ImageData) => drawn.push(image.data) };
  const canvas = { width: 1, height: 1, getContext: () => context };
  class FakeImageData {
    readonly data: Uint8ClampedArray;
    constructor(data: Uint8ClampedArray) {
      this.data = data;
    }
  }
  vi.stubGlobal('ImageData', FakeImageData);
  await taesd.decodeToCanvas(latents, canvas);
  expect([canvas.width, canvas.height]).toEqual([24, 16]);
  expect(drawn).toEqual([(await taesd.decode(latents)).data]);
  const inVae = toVaeLatents(latents, 'taesd');
  await taesd.decodeToCanvas({ latents: inVae, space: 'vae', width: 20, height: 11 }, canvas);
  expect([canvas.width, canvas.height]).toEqual([20, 11]);
  const own = fromVaeLatents(inVae, 'taesd');
  expect(drawn[1]).toEqual((await taesd.decode(own, { width: 20, height: 11 })).data);
  await taesd.decodeToCanvas({ dims: [4, 2, 3], data: Float64Array.from(latents.data) }, canvas);
  expect(drawn[2]).toEqual(drawn[0]);
});

/** Leaves out what is imported while a program runs. */
const atOnce: Plugin = {
  name: 'at once',
  setup({ onResolve }) {
    onResolve({ filter: /.*/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};

test('Taesd, and what draws on a canvas in 2d: their modules → none of WebGPU', async () => {
  for (const entry of ['index.ts', 'draw/decode-to-canvas.ts']) {
    const { metafile } = await build({
      entryPoints: [fileURLToPath(new URL(`../../src/${entry}`, import.meta.url))],
      bundle: true,
      format: 'esm',
      metafile: true,
      plugins: [atOnce],
      write: false,
    });
    const modules = Object.keys(metafile.inputs).map((path) => path.replace(/^src\//, ''));
    expect(modules).toContain(entry);
    const others = /^backend\/webgpu\/|^draw\/(on-device|surface|paint)/;
    expect(modules.filter((path) => others.test(path))).toEqual([]);
  }
});
