import type { RowSink, RowSource } from '../rows.ts';
import type { Program, Span } from './backend.ts';
import { type Pacer, untilTurn } from './pacer.ts';

/** Some finished rows of a network's output: [count][width][stride], channels last. */
export interface RowBatch {
  readonly first: number;
  readonly count: number;
  readonly stride: number;
  /** Only until the next batch is asked for: what lasts longer is copied. */
  readonly data: Float32Array;
}

/** Hands the rows of a batch on, one by one. @param first  the number of its first row there, its own unless said */
export function handOn(batch: RowBatch, sink: RowSink, first = batch.first): void {
  const { count, stride, data } = batch;
  const length = data.length / count;
  for (let n = 0; n < count; n++) {
    sink(first + n, data.subarray(n * length, (n + 1) * length), stride);
  }
}

/** A place that runs one network on one picture or latent, here or elsewhere. */
export interface Runner {
  /**
   * The rows `span` of the output, from top to bottom, in batches as they are finished. The work goes on only while
   * batches are asked for, but for what workers do in advance; leaving the loop ends it.
   *
   * @throws TaesdError LIMIT, OOM, ABORTED
   */
  batches(source: RowSource, span: Span, pacer: Pacer): AsyncGenerator<RowBatch, void, void>;
}

/** Runs a program on this thread, giving the event loop its turns. */
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

/** Rows since the last batch, in one array for all batches: new ones would leave 30 MB of garbage at 1024×1024. */
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
