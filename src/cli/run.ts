import { inCall } from '../errors.ts';
import type { Command } from './commands/command.ts';
import { decodeCommand } from './commands/decode.ts';
import { encodeCommand } from './commands/encode.ts';
import { inspectCommand } from './commands/inspect.ts';
import { modelsCommand } from './commands/models.ts';
import { pullCommand } from './commands/pull.ts';
import { roundtripCommand } from './commands/roundtrip.ts';
import { stepsCommand } from './commands/steps.ts';
import { readCommandLine } from './line/command-line.ts';
import { commandHelp, helpText, packageVersion } from './line/help.ts';
import { usageError } from './line/usage-error.ts';

const COMMANDS: readonly Command[] = [
  encodeCommand,
  decodeCommand,
  roundtripCommand,
  inspectCommand,
  stepsCommand,
  pullCommand,
  modelsCommand,
];

const HELP = new Set(['help', '--help', '-h']);
const VERSION = new Set(['--version', '-v', '-V']);

/**
 * Runs one command line. Results go to stdout.
 *
 * @throws UsageError if the line is not understood; Interruption after a signal; whatever a command throws
 */
export async function run([first, ...rest]: readonly string[]): Promise<void> {
  if (first !== undefined && HELP.has(first)) {
    process.stdout.write(rest.length === 0 ? helpText(COMMANDS) : commandHelp(find(rest[0])));
    return;
  }
  if (first !== undefined && VERSION.has(first)) {
    process.stdout.write(`taesd-wasm ${packageVersion()}\n`);
    return;
  }
  const command = find(first);
  const line = readCommandLine(command, rest);
  if (line === 'help') process.stdout.write(commandHelp(command));
  else await inCall(command.name, () => command.run(line));
}

function find(name: string | undefined): Command {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const isOption = name?.startsWith('-') === true;
  const names = COMMANDS.map((candidate) => candidate.name).join(', ');
  const got = name === undefined ? 'none' : `${isOption ? 'option ' : ''}${JSON.stringify(name)}`;
  throw usageError(undefined, 'command', `one of ${names} or help`, got);
}
