import type { RowSink, RowSource } from '../rows.ts';
import type { Program, Span } from './backend.ts';
import { type Pacer, untilTurn } from './pacer.ts';

/** Finished rows of a network's output: [count][width][stride], channels last. */
export interface RowBatch {
  readonly first: number;
  readonly count: number;
  readonly stride: number;
  /** Valid until the next batch is requested. */
  readonly data: Float32Array;
}

/**
 * Hands the rows of a batch to a sink, one by one.
 *
 * @param first  the number that the sink gets for the first row. Defaults to the row's own.
 */
export function handOn(batch: RowBatch, sink: RowSink, first = batch.first): void {
  const { count, stride, data } = batch;
  const length = data.length / count;
  for (let n = 0; n < count; n++) {
    sink(first + n, data.subarray(n * length, (n + 1) * length), stride);
  }
}

/** Runs one network on one picture or latent: on this thread, on workers or on a device. */
export interface Runner {
  /**
   * Returns the rows `span` of the output, from top to bottom, in batches as they are finished.
   * Only workers compute ahead of the requests for batches. Leaving the loop ends the work.
   *
   * @throws TaesdError LIMIT, OOM, ABORTED
   */
  batches(source: RowSource, span: Span, pacer: Pacer): AsyncGenerator<RowBatch, void, void>;
}

/** Runs a program on this thread and gives the event loop its turns. */
export function localRunner(program: Program): Runner {
  return {
    async *batches(source, span, pacer) {
      const finished = new FinishedRows();
      for (const _ of untilTurn(program.run(source, finished.add, span), pacer)) {
        if (finished.count > 0) yield finished.take();
        await pacer.turn();
      }
      if (finished.count > 0) yield finished.take();
    },
  };
}

/**
 * The rows since the last batch. All batches share one array: new ones would leave 30 MB of garbage
 * at 1024×1024.
 */
class FinishedRows {
  #data = new Float32Array(0);
  #first = 0;
  #length = 0;
  #stride = 0;
  count = 0;

  readonly add: RowSink = (y, row, stride) => {
    if (this.count === 0) [this.#first, this.#length, this.#stride] = [y, row.length, stride];
    const at = this.count * this.#length;
    if (this.#data.length < at + row.length) {
      const longer = new Float32Array(2 * (at + row.length));
      longer.set(this.#data);
      this.#data = longer;
    }
    this.#data.set(row, at);
    this.count += 1;
  };

  take(): RowBatch {
    const data = this.#data.subarray(0, this.count * this.#length);
    const batch = { first: this.#first, count: this.count, stride: this.#stride, data };
    this.count = 0;
    return batch;
  }
}
