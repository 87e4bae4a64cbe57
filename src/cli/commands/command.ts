import { type CommandLine, type CommandSpec, readCommandLine } from '../line/command-line.ts';
import { commandHelp } from '../line/help.ts';

/** A command of `taesd`. */
export interface Command {
  readonly spec: CommandSpec;
  /**
   * Runs the command on the words after its name.
   *
   * @throws UsageError, TaesdError or Interruption
   */
  run(args: readonly string[]): Promise<void>;
}

/** Reads a command line and does the command's work, or prints its help if the line requests it. */
export async function runLine<Spec extends CommandSpec>(
  spec: Spec,
  args: readonly string[],
  work: (line: CommandLine<Spec>) => Promise<void>,
): Promise<void> {
  const line = readCommandLine(spec, args);
  if (line === 'help') process.stdout.write(commandHelp(spec));
  else await work(line);
}
