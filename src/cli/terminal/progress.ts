import type { Progress } from '../../index.ts';

/** What of a stream the bar needs: `process.stderr`, or a test's list of strings. */
export interface BarStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Between two drawings; a terminal shows no more, and each costs a system call. */
const REDRAW_MS = 100;
const CELLS = 24;
/** To the line's start; erase to its end (ECMA-48 EL). */
const CLEAR = '\r\x1b[K';

/**
 * A progress bar in one line that is drawn over and over, and removed at the end:
 *
 *     encoding  ██████████░░░░░░░░░░░░░░   42 %  1.3 s
 *
 * On anything but a terminal nothing is written.
 */
export class ProgressBar {
  readonly #stream: BarStream;
  readonly #started = performance.now();
  #drawn = -Infinity;

  constructor(stream: BarStream) {
    this.#stream = stream;
  }

  /** What `onProgress` gets while that stage goes on. */
  stage(name: string): (progress: Progress) => void {
    return ({ done, total }) => {
      const now = performance.now();
      if (this.#stream.isTTY !== true || now - this.#drawn < REDRAW_MS) return;
      this.#drawn = now;
      const part = total > 0 ? done / total : 1;
      const full = Math.floor(part * CELLS);
      const bar = '█'.repeat(full) + '░'.repeat(CELLS - full);
      const percent = `${Math.floor(part * 100)}`.padStart(3);
      this.#stream.write(`${CLEAR}${name}  ${bar}  ${percent} %  ${this.#elapsed()}`);
    };
  }

  /** Removes the bar: before any other line, and at the end. */
  clear(): void {
    if (this.#drawn === -Infinity) return;
    this.#stream.write(CLEAR);
    this.#drawn = -Infinity;
  }

  /** Ends with a line that says what was made, on a terminal: `out.png: 512×512, 3.1 s`. */
  finish(result: string): void {
    this.clear();
    if (this.#stream.isTTY === true) this.#stream.write(`${result}, ${this.#elapsed()}\n`);
  }

  #elapsed(): string {
    return `${((performance.now() - this.#started) / 1000).toFixed(1)} s`;
  }
}

/**
 * Shows a bar on stderr while the work goes on, and takes it away however the work ends.
 *
 * @param path  the file that is made
 * @param work  gives what it made in a word or two: `512×512`
 */
export async function withProgress(
  path: string,
  work: (bar: ProgressBar) => Promise<string>,
): Promise<void> {
  const bar = new ProgressBar(process.stderr);
  try {
    bar.finish(`${path}: ${await work(bar)}`);
  } finally {
    bar.clear();
  }
}
