/*
 * The memory that a campaign's thread and the main thread share: the number of the execution that
 * runs, and its input. The main thread reads it if the thread hangs or dies.
 */

/** Inputs are not longer than this. */
export const MAX_INPUT = 2 ** 20;
const HEADER = 24;

export class SharedInput {
  readonly buffer: SharedArrayBuffer;
  readonly #numbers: Float64Array;
  readonly #bytes: Uint8Array;

  constructor(buffer = new SharedArrayBuffer(HEADER + MAX_INPUT)) {
    this.buffer = buffer;
    this.#numbers = new Float64Array(buffer, 0, 3);
    this.#bytes = new Uint8Array(buffer, HEADER);
  }

  /** The number of the execution. */
  get execution(): number {
    return this.#numbers[0];
  }

  /** The number of runs, which is larger: some inputs are run again. */
  get runs(): number {
    return this.#numbers[2];
  }

  get input(): Uint8Array {
    return this.#bytes.slice(0, this.#numbers[1]);
  }

  set(execution: number, input: Uint8Array): void {
    this.#bytes.set(input);
    this.#numbers[1] = input.length;
    this.#numbers[0] = execution;
    this.#numbers[2]++;
  }
}
