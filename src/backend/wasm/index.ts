import type { Backend } from '../backend.ts';
import { wasmOperators } from './operators.ts';
import { startWasm, type WasmOptions, type WasmPlace } from './start.ts';

export type { KernelSource } from './module.ts';

/** What the WASM backend tells beyond the interface. */
export type WasmBackend = Backend & WasmPlace;

/**
 * The kernels as a backend, single operators and all, which the library itself never calls.
 *
 * @throws TaesdError UNSUPPORTED, ARG: see `compileKernels`
 */
export async function createWasmBackend(options: WasmOptions = {}): Promise<WasmBackend> {
  const place = await startWasm(options);
  return { name: 'wasm', operators: wasmOperators(place.memory, place.kernels), ...place };
}
