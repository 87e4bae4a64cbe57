import type { Info } from '../../index.ts';
import type { CommandLine } from '../line/command-line.ts';

/*
 * What a command says where WebGPU was asked for: the work is never done in another way without a line that says why.
 */

/** What of `taesd.info` is about WebGPU; there is no `backendReason` where nobody asked for it. */
type WebgpuInfo = Pick<Info, 'backend' | 'backendReason' | 'adapter' | 'precision'>;

/** Once the model is loaded: why WASM does the work, or WebGPU does it in another precision than was asked for. */
export function loadedNote(
  { backend, backendReason, precision }: WebgpuInfo,
  asked: CommandLine['precision'],
): string | undefined {
  if (backendReason === undefined) return undefined;
  if (backend !== 'webgpu') return `note: WASM does the work, not WebGPU: ${backendReason}`;
  if (asked !== 'fast' || precision === 'fast') return undefined;
  return `note: WebGPU works in f32, not fast: ${backendReason}`;
}

/** Once the work is done: why WASM did some of it after all. */
export function takenOverNote(loaded: WebgpuInfo, { backendReason }: WebgpuInfo) {
  // `backend` alone would not tell: WASM also makes single pictures that are too large for a device.
  if (backendReason === loaded.backendReason) return undefined;
  return `note: WASM took over from WebGPU: ${backendReason}`;
}

/** What the line at the end adds to what was made: `webgpu` may have taken a slow adapter, `auto` none. */
export function doneBy({ backend, adapter }: WebgpuInfo): string {
  return backend === 'webgpu' ? `, WebGPU on ${adapter}` : '';
}
