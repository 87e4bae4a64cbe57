import { expected, TaesdError } from '../../errors.ts';
import type { BoundNetwork } from '../../model/bind.ts';
import type { Precision } from '../../options/types.ts';
import { startThread, type Thread, type ThreadModule } from '../../platform/threads.ts';
import type { RowSource } from '../../rows.ts';
import type { Span } from '../backend.ts';
import type { RowBatch, Runner } from '../batches.ts';
import type { Pacer } from '../pacer.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { planNetwork } from './plan.ts';
import { inputSpan } from './schedule.ts';
import { type Assignment, divideRows } from './spans.ts';

/**
 * The worker as the build leaves it, seen from `src/backend/wasm` and from `dist/backend/wasm` alike. Vite, webpack and
 * Parcel bundle what `new Worker(new URL('…', import.meta.url))` names, if it is written in just this way; the other
 * address is hidden from them, or they would copy the file a second time, without what it imports.
 */
const WORKER: ThreadModule = {
  worker: () =>
    new Worker(new URL('../../../dist/backend/wasm/worker.js', import.meta.url), {
      type: 'module',
    }),
  url: () => new URL(WORKER_PATH, HERE),
};
const WORKER_PATH = '../../../dist/backend/wasm/worker.js';
const HERE = import.meta.url;

/** What a pool needs to set its workers up. */
export interface PoolOptions {
  readonly workers: number;
  readonly kernels: WebAssembly.Module;
  readonly networks: readonly BoundNetwork[];
  readonly precision: Precision;
  readonly maxMemory: number | undefined;
}

interface PoolWorker {
  readonly thread: Thread<ToWorker>;
  /** What the run that it is at gives. */
  listener: ((message: FromWorker) => void) | undefined;
  memoryBytes: number;
}

/**
 * Workers that share the rows of a picture. Each has its own kernels and memory and takes a horizontal span with the
 * rows around it that it needs; spans lie on the grid of tiles, so that every number is the same as on one thread.
 */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #workers: PoolWorker[] = [];
  #failure: Error | undefined;

  private constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Starts the workers and waits until all are ready.
   *
   * @throws TaesdError UNSUPPORTED where they cannot start; LIMIT, OOM
   */
  static async start(options: PoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    try {
      await Promise.all(Array.from({ length: options.workers }, () => pool.#startWorker()));
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

  /** True once a worker has died; the pool is of no use then. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Ends all workers. */
  dispose(): void {
    this.#failure ??= expected('ABORTED', 'pool', 'a live one', 'one that was disposed');
    for (const { thread, listener } of this.#workers) {
      thread.terminate();
      listener?.(failed(this.#failure));
    }
  }

  /** Runs a network on all workers. */
  runner(network: number): Runner {
    return { batches: (source, span, pacer) => this.#batches(network, source, span, pacer) };
  }

  async #startWorker(): Promise<void> {
    const { kernels, networks, precision, maxMemory } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const settle = (message: FromWorker) => {
        worker.listener = undefined;
        if (message.kind === 'ready') {
          worker.thread.keepAlive(false);
          resolve();
        } else if (message.kind === 'failed') reject(errorOf(message));
      };
      const onMessage = (message: FromWorker) => worker.listener?.(message);
      const onError = (error: Error) => {
        this.#failure ??= error;
        if (worker.listener === settle) {
          reject(expected('UNSUPPORTED', 'worker', 'to start', error.message));
        } else worker.listener?.(failed(error));
      };
      const thread = startThread<ToWorker, FromWorker>(WORKER, onMessage, onError);
      const worker: PoolWorker = { thread, listener: settle, memoryBytes: 0 };
      this.#workers.push(worker);
      thread.post({ kind: 'load', kernels, networks, precision, maxMemory });
    });
  }

  /**
   * Hands the spans out from the top, a new one to each worker that has finished; rows that come out of order wait.
   * No span is begun that lies further ahead of the one that is being handed on than there are workers, so what
   * waits is bounded.
   */
  async *#batches(
    network: number,
    source: RowSource,
    wanted: Span,
    pacer: Pacer,
  ): AsyncGenerator<RowBatch, void, void> {
    const plan = planNetwork(this.#options.networks[network].map(({ layer }) => layer));
    const shapes = plan.shapes([source.channels, source.height, source.width]);
    const spans = divideRows(plan, shapes, wanted, this.#workers.length);
    const assignments = spans.map((span) => newAssignment(span));
    let begun = 0;
    let wake = () => {};
    const free = [...this.#workers];

    const begin = async (handedOn: number) => {
      while (free.length > 0 && begun < spans.length && begun < handedOn + this.#workers.length) {
        const assignment = assignments[begun];
        // What may throw comes first: an assignment that has begun is waited for.
        const input = inputSpan(plan, shapes, assignment.span);
        const data = await readRows(source, input, pacer);
        const worker = free.pop() as PoolWorker;
        assignment.id = begun++;
        assignment.worker = worker;
        worker.listener = (message) => {
          if (message.kind === 'rows') assignment.batches.push(message.batch);
          if (message.kind === 'done' || message.kind === 'failed') {
            worker.listener = undefined;
            free.push(worker);
            assignment.done = true;
          }
          if (message.kind === 'done') worker.memoryBytes = message.memoryBytes;
          if (message.kind === 'failed') assignment.error = errorOf(message);
          wake();
        };
        const { channels, height, width } = source;
        const { id, span } = assignment;
        worker.thread.post(
          { kind: 'run', id, network, channels, height, width, input, data, span },
          [data.buffer],
        );
      }
    };

    const stopWaiting = pacer.onAbort(() => wake());
    try {
      for (const [n, assignment] of assignments.entries()) {
        for (;;) {
          pacer.check();
          if (this.#failure !== undefined) throw workerDied(this.#failure);
          await begin(n);
          if (assignment.error !== undefined) throw assignment.error;
          const batch = assignment.batches.shift();
          if (batch !== undefined) {
            const { id, worker } = assignment;
            yield batch;
            if (!assignment.done) worker?.thread.post({ kind: 'taken', id, rows: batch.count });
          } else if (assignment.done) break;
          else {
            // Only now: an iteration that is never gone on with must not keep the process from ending.
            this.#keepAlive(true);
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
            this.#keepAlive(false);
          }
        }
      }
    } finally {
      stopWaiting();
      await this.#settle(assignments.slice(0, begun), (listener) => {
        wake = listener;
      });
    }
  }

  #keepAlive(alive: boolean): void {
    for (const { thread } of this.#workers) thread.keepAlive(alive);
  }

  /** Cancels what is still going on and waits until it has ended, so that the workers are free for the next call. */
  async #settle(
    begun: readonly Assignment<PoolWorker>[],
    onWake: (listener: () => void) => void,
  ): Promise<void> {
    for (const { done, worker, id } of begun) {
      if (!done) worker?.thread.post({ kind: 'cancel', id });
    }
    this.#keepAlive(true);
    while (this.#failure === undefined && begun.some(({ done }) => !done)) {
      await new Promise<void>((resolve) => onWake(resolve));
    }
    this.#keepAlive(false);
  }
}

const newAssignment = (span: Span): Assignment<PoolWorker> => ({
  span,
  id: 0,
  worker: undefined,
  batches: [],
  done: false,
  error: undefined,
});

/** Rows of the input as f32 [rows][width][channels]; those of 2048×2048 pixels take some 0.1 s. */
async function readRows(
  { channels, width, read }: RowSource,
  { first, end }: Span,
  pacer: Pacer,
): Promise<Float32Array<ArrayBuffer>> {
  const data = new Float32Array((end - first) * width * channels);
  for (let y = first; y < end; y++) {
    const at = (y - first) * width * channels;
    read(y, data.subarray(at, at + width * channels), channels);
    if (pacer.due) await pacer.turn();
  }
  return data;
}

const failed = (error: Error): FromWorker => ({
  kind: 'failed',
  id: undefined,
  code: error instanceof TaesdError ? error.code : undefined,
  message: error.message,
});

function errorOf({ code, message }: { code: TaesdError['code'] | undefined; message: string }) {
  return code === undefined ? workerDied(new Error(message)) : new TaesdError(code, message);
}

const workerDied = (cause: Error) =>
  expected('OOM', 'worker', 'to live', cause.message, { hint: 'out of memory?', cause });
