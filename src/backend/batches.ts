import { isBytes, type Row, type RowSink, type RowSource } from '../rows.ts';
import type { Program, WantedRows } from './backend.ts';
import type { FoldedPool } from './fold-pool.ts';
import { type Pacer, untilTurn } from './pacer.ts';

/** Finished rows of a network's output: [count][width][stride], channels last. */
export interface RowBatch {
  readonly first: number;
  readonly count: number;
  readonly stride: number;
  /**
   * Rows of the output whose work is finished, if not `first + count`: a network with a barrier
   * does most of it before the first row.
   */
  readonly done?: number;
  /** Valid until the next batch is requested. */
  readonly data: Row;
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
   * @param folded  needed if the network begins with a block that has a pool
   *
   * @throws TaesdError LIMIT, OOM, ABORTED
   */
  batches(
    source: RowSource,
    span: WantedRows,
    pacer: Pacer,
    folded?: FoldedPool,
  ): AsyncGenerator<RowBatch, void, void>;
}

/** Runs a program on this thread and gives the event loop its turns. */
export function localRunner(program: Program): Runner {
  return {
    async *batches(source, span, pacer, folded) {
      const finished = collectRows();
      for (const _ of untilTurn(program.run(source, finished.add, span, folded), pacer)) {
        yield* finished.take();
        await pacer.turn();
      }
      yield* finished.take();
    },
  };
}

/**
 * Collects rows, and hands out the rows since the last batch, if any. All batches share one array:
 * new ones would leave 30 MB of garbage at 1024×1024.
 */
function collectRows(): { readonly add: RowSink; take(): RowBatch[] } {
  let data: Row = new Float32Array(0);
  let [first, count, used, stride] = [0, 0, 0, 0];
  return {
    add(y, row, rowStride) {
      const end = used + row.length;
      if (data.length < end) {
        const longer = isBytes(row) ? new Uint8ClampedArray(2 * end) : new Float32Array(2 * end);
        longer.set(data.subarray(0, used));
        data = longer;
      }
      data.set(row, used);
      [first, count, used, stride] = [y - count, count + 1, end, rowStride];
    },
    take() {
      if (count === 0) return [];
      const batch = { first, count, stride, data: data.subarray(0, used) };
      count = used = 0;
      return [batch];
    },
  };
}
