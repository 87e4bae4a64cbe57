import type { TaesdError } from '../../errors.ts';
import { Doorbell } from '../../platform/doorbell.ts';
import type { RowSource } from '../../rows.ts';
import type { Span, WantedRows } from '../backend.ts';
import type { RowBatch } from '../batches.ts';
import type { FoldedPool } from '../fold-pool.ts';
import type { Pacer } from '../pacer.ts';
import type { FromWorker } from './messages.ts';
import { failureOf, type PoolWorker, type WorkerListener } from './worker-handle.ts';

/** The rows of one picture that the workers of a pool make together. */
export interface SharedWork {
  /** The workers. One that is not ready yet joins the run when it is. */
  readonly workers: readonly PoolWorker[];
  /** The number of the network. */
  readonly network: number;
  readonly source: RowSource;
  readonly folded: FoldedPool | undefined;
  /** Spans of the output, from the top, and the rows of the input that each of them needs. */
  readonly spans: readonly { readonly output: WantedRows; readonly input: Span }[];
  readonly pacer: Pacer;
  /** Returns why the workers cannot be used any more, if so. */
  failure(): TaesdError | undefined;
}

/**
 * One run of a network on several workers. Spans are handed out from the top, a new one to each
 * worker that has finished. Rows that come out of order wait. With n workers, only the span whose
 * rows are being passed on and the n − 1 spans below it are begun. That bounds the waiting rows.
 */
export class SharedRun {
  readonly #work: SharedWork;
  readonly #free: PoolWorker[] = [];
  /** The spans that were begun, from the top. */
  readonly #begun: SpanAtWork[] = [];
  /** Rings if a worker reports something, or the signal fires. */
  readonly #news = new Doorbell();

  constructor(work: SharedWork) {
    this.#work = work;
    for (const worker of work.workers) {
      if (worker.isReady) this.#free.push(worker);
      else
        worker.ready.then(
          () => this.#joins(worker),
          () => undefined,
        );
    }
  }

  /** The rows of the output in batches, from top to bottom. */
  async *batches(): AsyncGenerator<RowBatch, void, void> {
    const { spans, pacer } = this.#work;
    const stopListening = pacer.onAbort(() => this.#news.ring());
    try {
      for (const n of spans.keys()) yield* this.#batchesOf(n);
    } finally {
      stopListening();
      await this.#settle();
    }
  }

  /** The batches of span `n`, whose turn it is: all spans above it are finished. */
  async *#batchesOf(n: number): AsyncGenerator<RowBatch, void, void> {
    const { pacer, failure } = this.#work;
    for (;;) {
      pacer.check();
      const failed = failure();
      if (failed !== undefined) throw failed;
      await this.#beginSpans(n);
      // Undefined if no worker is ready yet.
      const span: SpanAtWork | undefined = this.#begun[n];
      if (span?.error !== undefined) throw span.error;
      const batch = span?.batches.shift();
      if (batch !== undefined) {
        yield batch;
        span.taken(batch.count);
      } else if (span?.isDone) return;
      else {
        // Only now: an iteration that its caller abandons must not keep the process from ending.
        this.#keepAlive(true);
        await this.#news.wait();
        this.#keepAlive(false);
      }
    }
  }

  /** Gives free workers the next spans, as far ahead of span `n` as is allowed. */
  async #beginSpans(n: number): Promise<void> {
    const { spans, source, workers, network, pacer, folded } = this.#work;
    const { channels, height, width } = source;
    const end = Math.min(spans.length, n + workers.length);
    while (this.#free.length > 0 && this.#begun.length < end) {
      const id = this.#begun.length;
      const { output: span, input } = spans[id];
      // Code that may throw comes first: `settle` waits for every span that was begun.
      const data = await readRows(source, input, pacer);
      const worker = this.#free.pop() as PoolWorker;
      this.#begun.push(new SpanAtWork(id, worker, (at) => this.#heardOf(at)));
      const shape = { channels, height, width };
      const message = { kind: 'run', id, network, ...shape, input, data, span, folded } as const;
      worker.post(message, [data.buffer]);
    }
  }

  #heardOf({ isDone, worker }: SpanAtWork): void {
    if (isDone) this.#joins(worker);
    this.#news.ring();
  }

  #joins(worker: PoolWorker): void {
    this.#free.push(worker);
    this.#news.ring();
  }

  #keepAlive(alive: boolean): void {
    for (const worker of this.#work.workers) worker.keepAlive(alive);
  }

  /**
   * Cancels what is at work and waits until it has ended, so that the workers are free for the next
   * call. If a worker has died there is none for them, and a span of it might never end.
   */
  async #settle(): Promise<void> {
    const isSettled = () => this.#begun.every(({ isDone }) => isDone);
    for (const span of this.#begun) span.cancel();
    this.#keepAlive(true);
    while (this.#work.failure() === undefined && !isSettled()) await this.#news.wait();
    this.#keepAlive(false);
  }
}

/** A span of rows that a worker makes. */
class SpanAtWork implements WorkerListener {
  readonly id: number;
  readonly worker: PoolWorker;
  /** Rows that were not passed on yet. */
  readonly batches: RowBatch[] = [];
  isDone = false;
  error: TaesdError | undefined;
  readonly #onNews: (span: SpanAtWork) => void;

  constructor(id: number, worker: PoolWorker, onNews: (span: SpanAtWork) => void) {
    this.id = id;
    this.worker = worker;
    this.#onNews = onNews;
    worker.listener = this;
  }

  heard(message: FromWorker): void {
    if (message.kind === 'rows') {
      this.batches.push(message.batch);
      this.#onNews(this);
    } else if (message.kind === 'failed') this.died(failureOf(message));
    else this.#end();
  }

  died(error: TaesdError): void {
    this.error = error;
    this.#end();
  }

  /** Lets the worker go on: so many more rows were passed on. */
  taken(rows: number): void {
    if (!this.isDone) this.worker.post({ kind: 'taken', id: this.id, rows });
  }

  cancel(): void {
    if (!this.isDone) this.worker.post({ kind: 'cancel', id: this.id });
  }

  #end(): void {
    this.isDone = true;
    this.worker.listener = undefined;
    this.#onNews(this);
  }
}

/** Rows of the input as f32 [rows][width][channels]. Those of 2048×2048 pixels take about 0.1 s. */
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
