import type { Progress } from '../../index.ts';
import { countText } from './table.ts';

/** The part of a stream that the bar uses. Tests pass a list of strings. */
export interface BarStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** The least time between two drawings. Each costs a system call. */
const REDRAW_MS = 100;
const CELLS = 24;
/** Goes to the start of the line and erases it (ECMA-48 EL). */
const CLEAR = '\r\x1b[K';

/**
 * A progress bar in one line. It is redrawn in place and removed at the end:
 *
 *     encoding  ██████████░░░░░░░░░░░░░░   42 %  1.3 s
 *
 * It writes to terminals only.
 */
export class ProgressBar {
  readonly #stream: BarStream;
  readonly #started = performance.now();
  #drawn = -Infinity;

  constructor(stream: BarStream) {
    this.#stream = stream;
  }

  /**
   * Returns the `onProgress` of one stage.
   *
   * @param from  the share of the whole, from 0 to 1, that is done before this stage
   * @param to    the share that is done after it
   */
  stage(name: string, from = 0, to = 1): (progress: Progress) => void {
    return ({ done, total }) => {
      if (!this.#isDue()) return;
      const part = from + (to - from) * (total > 0 ? done / total : 1);
      const full = Math.floor(part * CELLS);
      const bar = '█'.repeat(full) + '░'.repeat(CELLS - full);
      const percent = `${Math.floor(part * 100)}`.padStart(3);
      this.#stream.write(`${CLEAR}${name}  ${bar}  ${percent} %  ${this.#elapsed()}`);
    };
  }

  /** Shows a stage whose end is not known: the bytes so far, and no bar. */
  count(name: string, bytes: number): void {
    if (!this.#isDue()) return;
    const size = `${countText(bytes)} bytes, the size is not known`;
    this.#stream.write(`${CLEAR}${name}  ${size}  ${this.#elapsed()}`);
  }

  /** Returns true, on a terminal, if the last drawing was long enough ago. */
  #isDue(): boolean {
    const now = performance.now();
    if (this.#stream.isTTY !== true || now - this.#drawn < REDRAW_MS) return false;
    this.#drawn = now;
    return true;
  }

  /** Removes the bar. Call it before any other line is written, and at the end. */
  clear(): void {
    if (this.#drawn === -Infinity) return;
    this.#stream.write(CLEAR);
    this.#drawn = -Infinity;
  }

  /** Removes the bar and, on a terminal, writes the result: `out.png: 512×512, 3.1 s`. */
  finish(result: string): void {
    this.clear();
    if (this.#stream.isTTY === true) this.#stream.write(`${result}, ${this.#elapsed()}\n`);
  }

  #elapsed(): string {
    return `${((performance.now() - this.#started) / 1000).toFixed(1)} s`;
  }
}

/** Shows nothing, for `--quiet`. */
const NOWHERE: BarStream = { write: () => undefined };

/** Makes a bar on stderr. @param isQuiet  true for one that shows nothing */
export const progressBar = (isQuiet = false): ProgressBar =>
  new ProgressBar(isQuiet ? NOWHERE : process.stderr);

/**
 * Shows a bar on stderr during the work and removes it at the end, also after an error.
 *
 * @param path  the file or folder to write
 * @param work  returns what it made in a few words: `512×512`
 * @param bar   defaults to a new one
 */
export async function withProgress(
  path: string,
  work: (bar: ProgressBar) => Promise<string>,
  bar = progressBar(),
): Promise<void> {
  try {
    bar.finish(`${path}: ${await work(bar)}`);
  } finally {
    bar.clear();
  }
}
