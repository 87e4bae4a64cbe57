import type { KernelSource, Precision } from '../../options/types.ts';
import type { Backend } from '../backend.ts';
import { CompactMachine } from './machine.ts';
import { compileKernels } from './module.ts';
import { WasmProgram } from './program.ts';

export type { KernelSource } from '../../options/types.ts';

/**
 * Bytes that a run may leave behind in the kernels' memory for the next run. More are given back.
 * Growing the memory again for each run takes up to 40 % of a decode's time. With 64 MiB, every
 * model keeps its memory at 512×512, and taesd at 1024×1024.
 */
export const KEPT_BYTES = 64 * 2 ** 20;

/** How a WASM backend is set up. */
export interface WasmOptions {
  /** The kernels, if the package's own file cannot be loaded or compiled. */
  readonly kernels?: KernelSource | undefined;
  /** The maximum size of the kernels' memory, in bytes. Defaults to 4 GiB. */
  readonly maxMemory?: number | undefined;
  /** Defaults to `f32`. */
  readonly precision?: Precision | undefined;
}

/** The WASM backend, which can report its memory and give it back. */
export interface WasmBackend extends Backend {
  /** Bytes that the kernels' memory takes now: those of weights and of the largest run so far. */
  memoryBytes(): number;
  /** Gives back the memory of runs. No run may be going on. @throws TaesdError OOM */
  compact(): Promise<void>;
}

/**
 * Compiles and instantiates the kernels with a memory of their own.
 *
 * @throws TaesdError UNSUPPORTED, ARG: see `compileKernels`
 */
export async function createWasmBackend(options: WasmOptions = {}): Promise<WasmBackend> {
  const module = await compileKernels(options.kernels);
  const machine = await CompactMachine.start(module, options.maxMemory);
  return {
    name: 'wasm',
    compile: (network, precision = options.precision, tallest) =>
      new WasmProgram(machine, network, precision, tallest),
    memoryBytes: () => machine.memory.bytes,
    compact: () => machine.compact(),
  };
}
