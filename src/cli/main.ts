#!/usr/bin/env node
import type { Command } from './commands/command.ts';
import { decodeCommand } from './commands/decode.ts';
import { encodeCommand } from './commands/encode.ts';
import { inspectCommand } from './commands/inspect.ts';
import { modelsCommand } from './commands/models.ts';
import { pullCommand } from './commands/pull.ts';
import { roundtripCommand } from './commands/roundtrip.ts';
import { stepsCommand } from './commands/steps.ts';
import { commandHelp, helpText, packageVersion } from './line/help.ts';
import { expectedGot, fault, usageError } from './terminal/faults.ts';
import { Interruption } from './terminal/interrupt.ts';
import { sayError } from './terminal/say.ts';

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

async function main([first, ...rest]: readonly string[]): Promise<void> {
  if (first !== undefined && HELP.has(first)) {
    process.stdout.write(
      rest.length === 0
        ? helpText(COMMANDS.map(({ spec }) => spec))
        : commandHelp(find(rest[0]).spec),
    );
    return;
  }
  if (first !== undefined && VERSION.has(first)) {
    process.stdout.write(`taesd-wasm ${packageVersion()}\n`);
    return;
  }
  await find(first).run(rest);
}

function find(name: string | undefined): Command {
  const command = COMMANDS.find(({ spec }) => spec.name === name);
  if (command !== undefined) return command;
  const known = COMMANDS.map(({ spec }) => spec.name).join(', ');
  const isOption = name?.startsWith('-') === true;
  const got =
    name === undefined ? 'none' : `${isOption ? 'the option ' : ''}${JSON.stringify(name)}`;
  throw usageError(undefined, expectedGot(`a command (${known})`, got));
}

// A reader that has seen enough, such as head, closes the pipe. That is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  process.exitCode = sayError(fault('stdout', 'cannot be written', { hint: error.message }));
});
// If stderr cannot be written, only the exit code can report it.
process.stderr.on('error', () => undefined);

// The exit code is set, not forced, because a pipe may not be written out yet.
try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = sayError(error);
  // Interrupted work may still be waiting for something. The process ends once the line is out.
  if (error instanceof Interruption) process.stderr.write('', () => process.exit());
}
