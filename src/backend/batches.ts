import type { RowSource } from '../rows.ts';
import type { Program, Span } from './backend.ts';
import type { Pacer } from './pacer.ts';

/** Some finished rows of a network's output: [count][width][stride], channels last. */
export interface RowBatch {
  readonly first: number;
  readonly count: number;
  readonly stride: number;
  readonly data: Float32Array;
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
      let finished: { y: number; row: Float32Array; stride: number }[] = [];
      const work = program.run(
        source,
        (y, row, stride) => finished.push({ y, row: row.slice(), stride }),
        span,
      );
      const takeFinished = () => {
        const batch = join(finished);
        finished = [];
        return batch;
      };
      try {
        while (!work.next().done) {
          if (!pacer.due) continue;
          if (finished.length > 0) yield takeFinished();
          await pacer.turn();
        }
        if (finished.length > 0) yield takeFinished();
      } finally {
        work.return();
      }
    },
  };
}

function join(rows: readonly { y: number; row: Float32Array; stride: number }[]): RowBatch {
  const [{ y, row, stride }] = rows;
  const data = new Float32Array(rows.length * row.length);
  for (const [n, { row: next }] of rows.entries()) data.set(next, n * row.length);
  return { first: y, count: rows.length, stride, data };
}
