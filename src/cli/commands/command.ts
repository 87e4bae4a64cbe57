import type { CommandLine, CommandSpec } from '../line/command-line.ts';

/** A command: what it takes, what its help says, what it does. */
export interface Command extends CommandSpec {
  /** One line, beside its name in the help of the whole. */
  readonly summary: string;
  /** What its own help says beyond that. */
  readonly detail: string;
  readonly run: (line: CommandLine) => Promise<void>;
}
