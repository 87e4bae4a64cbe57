import { TaesdError } from '../../errors.ts';
import type { RowSource } from '../../rows.ts';
import type { Span } from '../backend.ts';
import type { Runner } from '../batches.ts';
import { planNetwork } from '../plan.ts';
import { WASM_RULES } from './plan-rules.ts';
import { inputSpan } from './schedule.ts';
import { SharedRun, type SharedWork } from './shared-run.ts';
import { divideRows } from './spans.ts';
import { type WorkerLimit, workersThatFit } from './worker-count.ts';
import { PoolWorker, type WorkerOptions } from './worker-handle.ts';

/**
 * The options of a pool: those of its workers, and their number. If the caller gave no number, it
 * is the maximum: each run then starts the workers that it gains by and that do not run yet.
 */
export interface PoolOptions extends WorkerOptions, WorkerLimit {}

/** The run that a pool is started for. */
export interface FirstRun {
  /** The number of the network. */
  readonly network: number;
  readonly source: RowSource;
}

/** The spans of a run, and the number of workers that make them. */
interface DividedRun extends Pick<SharedWork, 'spans'> {
  /** The numbers that the division depends on, as a text. */
  readonly key: string;
  readonly workers: number;
}

/**
 * The maximum number of workers that a run waits for, if their number was not given. The others are
 * started when it begins, so that they take no core from the first.
 */
const STARTED_FIRST = 4;

/**
 * Workers that share the rows of a picture. Each has its own kernels and memory, and takes a
 * horizontal span with the rows around it that it needs. Spans lie on the grid of tiles, so that
 * every number is as on one thread.
 */
export class WorkerPool {
  readonly #options: PoolOptions;
  /** The maximum number of workers. */
  #max: number;
  /** The workers that were started, without those that failed to start. */
  readonly #workers: PoolWorker[] = [];
  /** The last division of each network: it takes some milliseconds. */
  readonly #divided = new Map<number, DividedRun>();
  /** Why the workers cannot be used any more: the first of them that ended, or `dispose`. */
  #failure: TaesdError | undefined;

  private constructor(options: PoolOptions, max: number) {
    this.#options = options;
    this.#max = max;
  }

  /**
   * Starts workers. Waits until all are ready if their number was given. If it was not, waits until
   * one is ready: the others join the run later.
   *
   * @param first  the run that decides how many are started if their number was not given
   * @throws TaesdError UNSUPPORTED (they cannot start), LIMIT, OOM
   */
  static async start(options: PoolOptions, first?: FirstRun): Promise<WorkerPool> {
    const { workers, isDefault } = options;
    const pool = new WorkerPool(options, isDefault ? workersThatFit(workers) : workers);
    const count =
      isDefault && first !== undefined
        ? Math.min(pool.#divide(first).workers, STARTED_FIRST)
        : workers;
    const started = pool.#atLeast(count).map(({ ready }) => ready);
    try {
      await (isDefault ? firstOf(started) : Promise.all(started));
    } catch (error) {
      pool.dispose();
      throw error;
    }
    return pool;
  }

  /** The number of workers that were started. */
  get size(): number {
    return this.#workers.length;
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
    for (const worker of [...this.#workers]) worker.end(this.#failure);
  }

  /** Runs a network on as many workers as pay. */
  runner(network: number): Runner {
    return {
      batches: (...run) => this.#share(network, run).batches(),
    };
  }

  /** Divides rows `wanted` of the output among the workers. */
  #share(
    network: number,
    [source, wanted, pacer, folded]: Parameters<Runner['batches']>,
  ): SharedRun {
    const { spans, workers } = this.#divide({ network, source }, wanted);
    const { asBytes } = wanted;
    return new SharedRun({
      workers: this.#atLeast(workers).slice(0, workers),
      network,
      source,
      folded,
      spans: spans.map(({ output, input }) => ({ output: { ...output, asBytes }, input })),
      pacer,
      failure: () => this.#failure,
    });
  }

  /** Divides the rows `wanted` of a run's output, which defaults to all rows. */
  #divide({ network, source }: FirstRun, wanted?: Span): DividedRun {
    const { channels, height, width } = source;
    const key = `${channels},${height},${width} ${wanted?.first} ${wanted?.end} ${this.#max}`;
    const last = this.#divided.get(network);
    if (last?.key === key) return last;
    const { network: bound, tallest } = this.#options.networks[network];
    const layers = bound.map(({ layer }) => layer);
    const plan = planNetwork(layers, WASM_RULES, tallest);
    const shapes = plan.shapes([channels, height, width]);
    const rows = wanted ?? { first: 0, end: shapes[shapes.length - 1][1] };
    const limit = { workers: this.#max, isDefault: this.#options.isDefault };
    const { spans: outputs, workers } = divideRows(plan, shapes, rows, limit);
    const spans = outputs.map((output) => ({ output, input: inputSpan(plan, shapes, output) }));
    const divided = { key, spans, workers };
    this.#divided.set(network, divided);
    return divided;
  }

  /** Starts the workers that are missing. @returns all, some of which may not be ready yet */
  #atLeast(count: number): readonly PoolWorker[] {
    const { workers: _, isDefault, ...options } = this.#options;
    while (this.#workers.length < count) {
      const worker = new PoolWorker(options, (error) => {
        // The other workers do the work.
        if (isDefault && !worker.isReady) return;
        this.#failure ??= error;
      });
      this.#workers.push(worker);
      worker.ready.catch((error) => {
        this.#workers.splice(this.#workers.indexOf(worker), 1);
        this.#max = Math.max(this.#workers.length, 1);
        worker.end(error);
      });
    }
    return this.#workers;
  }
}

/** Waits until one of the workers is ready. @throws TaesdError the first one's, if none will be */
function firstOf(started: readonly Promise<void>[]): Promise<void> {
  return Promise.any(started).catch(() => started[0]);
}
