import type { Random } from './random.ts';

/** A part of the package that is fuzzed. Every input is bytes, so that it can be kept in a file. */
export interface Target {
  readonly name: string;
  /** Executions between two looks at the coverage: about 0.1 s of work. */
  readonly batch: number;
  /** The size that inputs do not grow past. Defaults to 32 KiB. */
  readonly maxBytes?: number;
  /** The limit of an execution's processor time. Defaults to 1000 ms. */
  readonly maxMs?: number;
  /** Prepares what all executions share. */
  prepare?(): Promise<void>;
  /** Returns inputs that every corpus begins with. */
  seeds(): readonly Uint8Array[];
  /** Makes an input from nothing. */
  generate(random: Random): Uint8Array;
  /** Makes an input of one or two of the corpus. Neither is changed. */
  mutate(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array;
  /**
   * Runs an input. A `TaesdError` is an outcome, and so is a right result; anything else is thrown.
   *
   * @returns the outcome in a word or two. A new one counts like new coverage
   * @throws WrongResult; anything that the package throws and must not
   */
  run(input: Uint8Array): string | Promise<string>;
  /**
   * Runs a known input between batches, and compares results with a reader that takes many at once.
   *
   * @param isLast  true if no execution follows
   * @throws anything if the known input does not give what it gave first; WrongResult
   */
  check?(isLast: boolean): void | Promise<void>;
  /** Yields smaller inputs that may show the fault too, the boldest first. */
  smaller?(input: Uint8Array): Iterable<Uint8Array>;
  /** Returns the input in words, for a report. */
  show?(input: Uint8Array): string;
  /** Frees what `prepare` made. */
  end?(): void | Promise<void>;
}

/** Thrown by a target if a result is not right. */
export class WrongResult extends Error {
  override readonly name = 'WrongResult';
  /** The input, if it is not the one that runs. */
  readonly input: Uint8Array | undefined;

  constructor(message: string, input?: Uint8Array) {
    super(message);
    this.input = input;
  }
}
