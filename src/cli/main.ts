#!/usr/bin/env node
import { expected } from '../errors.ts';
import { run } from './run.ts';
import { Interruption } from './terminal/interrupt.ts';
import { sayError } from './terminal/say.ts';

// A reader that has seen enough, such as head, closes the pipe: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  const rule = 'room for what is printed';
  process.exitCode = sayError(expected('ARG', 'stdout', rule, error.message));
});
// Where stderr takes nothing, there is no place left to say so; the exit code tells.
process.stderr.on('error', () => undefined);

// The exit code is set, not forced: what was written to a pipe is still on its way.
try {
  await run(process.argv.slice(2));
} catch (error) {
  process.exitCode = sayError(error);
  // What was interrupted may still be waiting for something. Once the line is out, nobody waits for it.
  if (error instanceof Interruption) process.stderr.write('', () => process.exit());
}
