import { type Profiler, Session } from 'node:inspector';

/** The functions that ran in some time, with their blocks. */
export type Counts = readonly {
  readonly key: string;
  readonly ranges: readonly Profiler.CoverageRange[];
}[];

/**
 * The coverage of `dist/` in this thread, as V8 counts it: which functions ran, and which blocks of
 * them. Blocks are kept as characters of their function, since V8 cuts a function differently when
 * its counts differ.
 */
export class Coverage {
  readonly #session = new Session();
  /** The characters of each function that ran, by script and place. */
  readonly #seen = new Map<string, Uint8Array>();
  /** The number of characters of functions that ran, nested ones counted again. */
  size = 0;

  start(): void {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.disconnect();
  }

  /** Returns the counts since the last call. */
  read(): Counts {
    return this.#read()
      .filter(({ url }) => url.includes('/dist/') && !url.includes('/node_modules/'))
      .flatMap(({ scriptId, functions }) =>
        functions
          .filter(({ ranges }) => ranges[0].count > 0)
          .map(({ ranges }) => ({ key: `${scriptId}:${ranges[0].startOffset}`, ranges })),
      );
  }

  /** Returns true if something ran that `add` was never told of. */
  isNew(counts: Counts): boolean {
    return counts.some(({ key, ranges }) => {
      const seen = this.#seen.get(key);
      return seen === undefined || ranOf(ranges).some((one, i) => one > seen[i]);
    });
  }

  add(counts: Counts): void {
    for (const { key, ranges } of counts) {
      const now = ranOf(ranges);
      const seen = this.#seen.get(key) ?? new Uint8Array(now.length);
      this.#seen.set(key, seen);
      for (let i = 0; i < now.length; i++) {
        if (now[i] <= seen[i]) continue;
        seen[i] = 1;
        this.size++;
      }
    }
  }

  #read(): Profiler.ScriptCoverage[] {
    let result: Profiler.ScriptCoverage[] = [];
    // In the thread of the session the answer comes before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error) throw error;
      result = answer.result;
    });
    return result;
  }
}

/** Returns 1 for each character of a function that ran. Later ranges lie inside earlier ones. */
function ranOf(ranges: readonly Profiler.CoverageRange[]): Uint8Array {
  const [{ startOffset: start, endOffset: end }] = ranges;
  const ran = new Uint8Array(end - start);
  for (const { count, startOffset, endOffset } of ranges) {
    ran.fill(count > 0 ? 1 : 0, startOffset - start, endOffset - start);
  }
  return ran;
}
