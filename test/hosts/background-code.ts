import { expect } from 'vitest';

/*
 * Code that runs in the background of a page: in a service worker, a module worker, an extension.
 */

/** The outcome of a call: its result, or its error. */
export interface Came {
  readonly value?: unknown;
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
}

/** Defines `work`, which makes many calls of the API and returns what came of each by its name. */
export const WORK = `
const came = async (call) => {
  try {
    return { value: await call() };
  } catch (error) {
    const { name, code, message } = error ?? {};
    return { name, code, message };
  }
};
const latents = (side) => ({ shape: [1, 4, side, side], data: new Float32Array(4 * side * side) });
const image = { width: 16, height: 16, data: new Uint8ClampedArray(1024).fill(128) };
const range = { shape: [1, 3, 8, 8], data: new Float32Array(192) };
const first = async (loop) => {
  for await (const one of loop) return one;
};
async function blob() {
  const canvas = new OffscreenCanvas(16, 16);
  canvas.getContext('2d').fillRect(0, 0, 16, 16);
  return canvas.convertToBlob();
}
async function work({ Taesd, given }) {
  const taesd = await Taesd.load({ ...given });
  const calls = {
    load: async () => (await Taesd.load()).info.model,
    nano: async () => (await Taesd.load({ model: 'nano' })).info.model,
    download: async () => (await Taesd.load({ model: 'taesd', download: true })).info.model,
    weights: async () => (await Taesd.load({ weights: '/nowhere/' })).info.model,
    unknown: async () => (await Taesd.load({ ...given, model: 'none' })).info.model,
    reference: async () => (await Taesd.load({ ...given, backend: 'reference' })).info.backend,
    webgpu: async () => (await Taesd.load({ ...given, backend: 'webgpu' })).info.backend,
    workers: async () => (await Taesd.load({ ...given, workers: 2 })).info.workersReason ?? 'started',
    decode: async () => (await taesd.decode(latents(48))).width,
    rows: async () => (await first(taesd.decodeRows(latents(2)))).width,
    vae: async () => (await taesd.decode(latents(2), { space: 'vae' })).width,
    encode: async () => (await taesd.encode(image)).shape,
    maxSize: async () => (await taesd.encode(image, { maxSize: 8 })).shape,
    range: async () => (await taesd.encode(range, { range: '[-1,1]' })).shape,
    blob: async () => (await taesd.encode(await blob())).shape,
    steps: async () => (await first(taesd.steps(latents(2)))).shape,
    canvas: async () => {
      const canvas = new OffscreenCanvas(1, 1);
      await taesd.decodeToCanvas(latents(2), canvas);
      return canvas.width;
    },
  };
  const results = {};
  for (const [name, call] of Object.entries(calls)) results[name] = await came(call);
  return results;
}
`;

/** The outcomes of the calls that need no part of the package. */
export const CORE: Readonly<Record<string, object>> = {
  unknown: {
    name: 'TaesdError',
    code: 'ARG',
    message: expect.stringMatching(/^Taesd\.load: "model" expected one of .+, got "none"/),
  },
  decode: { value: 384 },
  rows: { value: 16 },
  encode: { value: [1, 4, 2, 2] },
};

/** The outcomes of the other calls if the parts are there. */
export const PARTS: Readonly<Record<string, Came>> = {
  reference: { value: 'reference' },
  vae: { value: 16 },
  maxSize: { value: [1, 4, 1, 1] },
  range: { value: [1, 4, 1, 1] },
  blob: { value: [1, 4, 2, 2] },
  steps: { value: [1, 4, 2, 2] },
  canvas: { value: 16 },
};
