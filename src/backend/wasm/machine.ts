import { instantiateKernels, type Kernels } from './kernels.ts';
import { Memory } from './memory.ts';

/** Kernels and the memory they are bound to. */
export interface Machine {
  readonly memory: Memory;
  /**
   * The kernels, bound to the present memory. `compact` replaces them, so a caller reads this at
   * the beginning of a run and keeps it for that run alone.
   */
  readonly kernels: Kernels;
}

/** A machine whose memory can be made smaller. */
export class CompactMachine implements Machine {
  readonly memory: Memory;
  readonly #module: WebAssembly.Module;
  #kernels: Kernels;

  private constructor(module: WebAssembly.Module, memory: Memory, kernels: Kernels) {
    this.#module = module;
    this.memory = memory;
    this.#kernels = kernels;
  }

  /**
   * Instantiates the kernels with a memory of their own.
   *
   * @throws TaesdError FORMAT (other kernels), OOM
   */
  static async start(
    module: WebAssembly.Module,
    maxMemory: number | undefined,
  ): Promise<CompactMachine> {
    const memory = new Memory(maxMemory);
    return new CompactMachine(module, memory, await instantiateKernels(module, memory.wasm));
  }

  get kernels(): Kernels {
    return this.#kernels;
  }

  /**
   * Moves all allocations to a memory of their size, in whole pages, and binds the kernels to it.
   * Must not be called during a run. Programs hold the machine and not its kernels, so their next
   * run uses the new kernels.
   *
   * @throws TaesdError OOM
   */
  async compact(): Promise<void> {
    const smaller = this.memory.compacted();
    this.#kernels = await instantiateKernels(this.#module, smaller);
    this.memory.adopt(smaller);
  }
}
