#!/usr/bin/env node
import { useProxies } from './network/fetch-through-proxy.ts';
import { run } from './run.ts';
import { fault } from './terminal/faults.ts';
import { Interruption } from './terminal/interrupt.ts';
import { sayError } from './terminal/say.ts';

// A reader that has seen enough, such as head, closes the pipe. That is not a failure.
let isStdoutBroken = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  // Each piece of the result fails anew.
  if (isStdoutBroken) return;
  isStdoutBroken = true;
  process.exitCode = sayError(fault('stdout', 'cannot be written', { hint: error.message }));
});
// If stderr cannot be written, only the exit code can report it.
process.stderr.on('error', () => undefined);

useProxies();

// The exit code is set, not forced, because a pipe may not be written out yet.
try {
  await run(process.argv.slice(2));
} catch (error) {
  process.exitCode = sayError(error);
  // Interrupted work may still be waiting for something. The process ends once the line is out.
  if (error instanceof Interruption) process.stderr.write('', () => process.exit());
}
