import { openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from './write-whole.ts';

/*
 * The memory that a campaign's thread and the main thread share: the number of the execution that
 * runs, and its input. The main thread reads it if the thread hangs or dies. The same bytes are in
 * a file, for the case that the whole process dies. A campaign that ends removes it.
 */

/** Inputs are not longer than this. */
export const MAX_INPUT = 2 ** 20;
const HEADER = 24;

const fileIn = (folder: string): string => join(folder, 'running');
const HEADER_NUMBERS = 3;

export class SharedInput {
  readonly buffer: SharedArrayBuffer;
  readonly #numbers: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #all: Uint8Array;
  #file: number | undefined;

  constructor(buffer = new SharedArrayBuffer(HEADER + MAX_INPUT)) {
    this.buffer = buffer;
    this.#numbers = new Float64Array(buffer, 0, HEADER_NUMBERS);
    this.#bytes = new Uint8Array(buffer, HEADER);
    this.#all = new Uint8Array(buffer);
  }

  /** From now on each input is written into a file of the folder before it runs. */
  keepIn(folder: string): void {
    this.#file = openSync(fileIn(folder), 'w');
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
    if (this.#file !== undefined) writeSync(this.#file, this.#all, 0, HEADER + input.length, 0);
  }
}

/** The execution in which a process died, and its input. */
export interface Interrupted {
  readonly execution: number;
  readonly input: Uint8Array;
}

/** Returns what a process that died was doing, or undefined if the last campaign has ended. */
export function readInterrupted(folder: string): Interrupted | undefined {
  let file: Uint8Array;
  try {
    file = new Uint8Array(readFileSync(fileIn(folder)));
  } catch {
    return undefined;
  }
  if (file.length < HEADER) return undefined;
  const [execution, length] = new Float64Array(file.buffer, file.byteOffset, HEADER_NUMBERS);
  return { execution, input: file.slice(HEADER, HEADER + length) };
}

/** Removes the file after a campaign that has ended. */
export const forgetInterrupted = (folder: string): void => rmSync(fileIn(folder), { force: true });

/** Keeps the input of the process that died in a file of its own. @returns the file */
export function keepInterrupted(folder: string, { input }: Interrupted): string {
  const path = join(folder, 'interrupted');
  writeWhole(path, input);
  return path;
}
