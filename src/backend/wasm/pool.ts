import { expected, TaesdError } from '../../errors.ts';
import { inGiB } from '../../numbers/byte-text.ts';
import { comparedTexts } from '../../numbers/compared-texts.ts';
import { addressSpaceLimit } from '../../platform/address-space.ts';
import type { Runner } from '../batches.ts';
import { planNetwork } from '../plan.ts';
import { WASM_RULES } from './plan-rules.ts';
import { inputSpan } from './schedule.ts';
import { SharedRun } from './shared-run.ts';
import { divideRows } from './spans.ts';
import { PoolWorker, type WorkerOptions } from './worker-handle.ts';

/** The options of a pool: those of its workers, and their number. */
export interface PoolOptions extends WorkerOptions {
  readonly workers: number;
  /** True if the caller gave no number of workers. */
  readonly isDefault?: boolean;
}

/**
 * The address space that Node takes for each thread: 10 GiB for the memory, the rest for V8's own
 * heap, measured with Node 20. A thread that gets less may end the process.
 */
const THREAD_ADDRESSES = 12 * 2 ** 30;

/**
 * Workers that share the rows of a picture. Each has its own kernels and memory, and takes a
 * horizontal span with the rows around it that it needs. Spans lie on the grid of tiles, so that
 * every number is as on one thread.
 */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #workers: readonly PoolWorker[];
  /** Why the workers cannot be used any more: the first of them that ended, or `dispose`. */
  #failure: TaesdError | undefined;

  private constructor(whole: PoolOptions) {
    const { workers, isDefault, ...options } = whole;
    this.#options = whole;
    const onDeath = (error: TaesdError) => {
      this.#failure ??= error;
    };
    this.#workers = Array.from({ length: workers }, () => new PoolWorker(options, onDeath));
  }

  /**
   * Starts the workers and waits until all are ready.
   *
   * @throws TaesdError UNSUPPORTED (they cannot start), LIMIT, OOM
   */
  static async start(options: PoolOptions): Promise<WorkerPool> {
    if (options.isDefault) checkAddresses(options.workers);
    const pool = new WorkerPool(options);
    try {
      await Promise.all(pool.#workers.map(({ ready }) => ready));
    } catch (error) {
      pool.dispose();
      throw error;
    }
    return pool;
  }

  /** Bytes that the workers' memories take. */
  get memoryBytes(): number {
    return this.#workers.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  }

  /** True if a worker has ended. The engine then replaces the pool. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Ends all workers. */
  dispose(): void {
    this.#failure ??= new TaesdError('ARG', 'the workers were disposed');
    for (const worker of this.#workers) worker.end(this.#failure);
  }

  /** Runs a network on all workers. */
  runner(network: number): Runner {
    return {
      batches: (...run) => this.#share(network, run).batches(),
    };
  }

  /** Divides rows `wanted` of the output among the workers. */
  #share(
    number: number,
    [source, wanted, pacer, folded]: Parameters<Runner['batches']>,
  ): SharedRun {
    const { network } = this.#options.networks[number];
    const layers = network.map(({ layer }) => layer);
    const plan = planNetwork(layers, WASM_RULES);
    const shapes = plan.shapes([source.channels, source.height, source.width]);
    const outputs = divideRows(plan, shapes, wanted, this.#workers.length);
    return new SharedRun({
      workers: this.#workers,
      network: number,
      source,
      folded,
      spans: outputs.map((output) => ({
        output: { ...output, asBytes: wanted.asBytes },
        input: inputSpan(plan, shapes, output),
      })),
      pacer,
      failure: () => this.#failure,
    });
  }
}

/** @throws TaesdError OOM if the address space is limited, and too small for so many threads */
function checkAddresses(workers: number): void {
  const limit = addressSpaceLimit();
  const needed = (workers + 1) * THREAD_ADDRESSES;
  if (limit >= needed) return;
  const texts = comparedTexts([needed, limit], inGiB);
  const rule = `${texts[0]} of address space for ${workers} workers`;
  const hint = 'a given number of workers is started all the same';
  throw expected('OOM', 'ulimit -v', rule, texts[1], { hint });
}
