import type { KernelSource, Precision } from '../../options/types.ts';
import type { Backend } from '../backend.ts';
import { instantiateKernels } from './kernels.ts';
import { Memory } from './memory.ts';
import { compileKernels } from './module.ts';
import { WasmProgram } from './program.ts';

export type { KernelSource } from '../../options/types.ts';

/** What a run may leave behind in the kernels' memory for the next; more is given back. */
export const KEPT_BYTES = 48 * 2 ** 20;

/** How a WASM backend is set up. */
export interface WasmOptions {
  /** The kernels, where the package's own file cannot be loaded or compiled. */
  readonly kernels?: KernelSource | undefined;
  /** The most bytes that the kernels' memory may grow to; 4 GiB unless said. */
  readonly maxMemory?: number | undefined;
  /** `f32` unless said. */
  readonly precision?: Precision | undefined;
}

/** What the WASM backend tells beyond the interface. */
export interface WasmBackend extends Backend {
  /** Bytes that the kernels' memory takes now: weights, and the largest run so far. */
  memoryBytes(): number;
  /** Gives back what runs have taken, while none is going on. @throws TaesdError OOM */
  compact(): Promise<void>;
}

/**
 * Compiles and instantiates the kernels with a memory of their own.
 *
 * @throws TaesdError UNSUPPORTED, ARG: see `compileKernels`
 */
export async function createWasmBackend(options: WasmOptions = {}): Promise<WasmBackend> {
  const module = await compileKernels(options.kernels);
  const memory = new Memory(options.maxMemory);
  const kernels = await instantiateKernels(module, memory.wasm);
  return {
    name: 'wasm',
    compile: (network) => new WasmProgram(memory, kernels, network, options.precision),
    memoryBytes: () => memory.bytes,
    async compact() {
      const smaller = memory.compacted();
      Object.assign(kernels, await instantiateKernels(module, smaller));
      memory.adopt(smaller);
    },
  };
}
