import type { Info, Precision } from '../../index.ts';

/*
 * Notes about WebGPU. If the work is done in another way than requested, a line says why.
 */

/** The part of `taesd.info` about WebGPU. Without a request for it there is no `backendReason`. */
type WebgpuInfo = Pick<Info, 'backend' | 'backendReason' | 'adapter' | 'precision'>;

/** Returns the note once the model is loaded: WASM works instead, or in another precision. */
export function loadedNote(
  { backend, backendReason, precision }: WebgpuInfo,
  requested: Precision | undefined,
): string | undefined {
  if (backendReason === undefined) return undefined;
  if (backend !== 'webgpu') return `WASM does the work, not WebGPU: ${backendReason}`;
  if (requested !== 'fast' || precision === 'fast') return undefined;
  return `WebGPU works in f32, not fast: ${backendReason}`;
}

/** Returns the note once the work is done: WASM did some of it after all. */
export function takenOverNote(loaded: WebgpuInfo, { backendReason }: WebgpuInfo) {
  // `backend` does not show this: WASM also makes single pictures that are too large for a device.
  if (backendReason === loaded.backendReason) return undefined;
  return `WASM took over from WebGPU: ${backendReason}`;
}

/** Returns the end of the last line: the adapter, because `webgpu` may have taken a slow one. */
export function doneBy({ backend, adapter }: WebgpuInfo): string {
  return backend === 'webgpu' ? `, WebGPU on ${adapter}` : '';
}
