import type { Command } from './commands/command.ts';
import { decodeCommand } from './commands/decode.ts';
import { encodeCommand } from './commands/encode.ts';
import { inspectCommand } from './commands/inspect.ts';
import { modelsCommand } from './commands/models.ts';
import { pullCommand } from './commands/pull.ts';
import { roundtripCommand } from './commands/roundtrip.ts';
import { serveCommand } from './commands/serve.ts';
import { sheetCommand } from './commands/sheet.ts';
import { stepsCommand } from './commands/steps.ts';
import { commandHelp, helpText, packageVersion } from './line/help.ts';
import { nearest } from './line/nearest.ts';
import { expectedGot, usageError } from './terminal/faults.ts';

const COMMANDS: readonly Command[] = [
  encodeCommand,
  decodeCommand,
  roundtripCommand,
  inspectCommand,
  sheetCommand,
  stepsCommand,
  serveCommand,
  pullCommand,
  modelsCommand,
];

const HELP = new Set(['help', '--help', '-h']);
const VERSION = new Set(['--version', '-v', '-V']);

/**
 * Runs one command line. Results go to stdout.
 *
 * @throws UsageError (not understood), Interruption (a signal came); errors of the command
 */
export async function run([first, ...rest]: readonly string[]): Promise<void> {
  if (first !== undefined && HELP.has(first)) {
    const [name] = rest;
    const text = name === undefined ? generalHelp() : commandHelp(find(name).spec);
    process.stdout.write(text);
    return;
  }
  if (first !== undefined && VERSION.has(first)) {
    process.stdout.write(`taesd-wasm ${packageVersion()}\n`);
    return;
  }
  await find(first).run(rest);
}

const generalHelp = () => helpText(COMMANDS.map(({ spec }) => spec));

function find(name: string | undefined): Command {
  const command = COMMANDS.find(({ spec }) => spec.name === name);
  if (command !== undefined) return command;
  const names = COMMANDS.map(({ spec }) => spec.name);
  const known = names.join(', ');
  const isOption = name?.startsWith('-') === true;
  const meant = name && !isOption ? nearest(name, names) : undefined;
  const text = JSON.stringify(name);
  const got = name === undefined ? 'none' : isOption ? `the option ${text}` : text;
  const hint = meant ? `${meant}?` : undefined;
  throw usageError(undefined, expectedGot(`a command (${known})`, got), hint);
}
