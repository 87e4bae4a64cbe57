import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from './write-whole.ts';

/** Returns a short name of bytes. */
export const nameOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex').slice(0, 12);

/** The inputs of a target that ran code which no earlier one ran, in a folder: a file each. */
export class Corpus {
  readonly inputs: Uint8Array[] = [];
  readonly #folder: string;
  readonly #names = new Set<string>();

  /** Reads the folder, in the order in which its files were added. */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    for (const file of readdirSync(folder).sort()) {
      if (!/^\d{6}-[0-9a-f]+$/.test(file)) continue;
      const bytes = new Uint8Array(readFileSync(join(folder, file)));
      this.inputs.push(bytes);
      this.#names.add(nameOf(bytes));
    }
  }

  /** Keeps an input, at once in its file too: a thread that is ended loses nothing. */
  add(input: Uint8Array): void {
    const name = nameOf(input);
    if (this.#names.has(name)) return;
    this.#names.add(name);
    const number = `${this.inputs.length}`.padStart(6, '0');
    writeWhole(join(this.#folder, `${number}-${name}`), input);
    this.inputs.push(input.slice());
  }
}

/** The place of a campaign. All else follows from the corpus. */
export interface State {
  readonly seed: number;
  /** The executions made with this seed. */
  readonly executions: number;
  /** Those made with any seed. */
  readonly total: number;
  /** Processor time of the slowest execution, in ms. */
  readonly slowestMs: number;
  /** The largest memory of an execution, in bytes. */
  readonly largestBytes: number;
}

const NOTHING: State = { seed: 0, executions: 0, total: 0, slowestMs: 0, largestBytes: 0 };

/** Reads the state of a target. */
export function readState(folder: string): State | undefined {
  try {
    return {
      ...NOTHING,
      ...(JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as State),
    };
  } catch {
    return undefined;
  }
}

export function writeState(folder: string, state: State): void {
  writeWhole(join(folder, 'state.json'), `${JSON.stringify(state)}\n`);
}
