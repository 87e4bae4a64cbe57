import { escaped, messageOf, TaesdError, withHint } from '../../errors.ts';
import { environmentVariable } from '../../platform/runtime.ts';
import { UsageError } from './faults.ts';
import { Interruption } from './interrupt.ts';

/** The exit code if the work failed. */
const FAILED = 1;
/** The exit code if the command line was not understood. */
const MISUSED = 2;

/** Writes one line to stderr. Results never go there. */
export function sayLine(message: string): void {
  process.stderr.write(`taesd: ${escaped(message)}\n`);
}

/**
 * Writes one line about an error and returns the exit code. The stack follows if the environment
 * variable TAESD_DEBUG is set.
 */
export function sayError(error: unknown): number {
  sayLine(lineOf(error));
  if (error instanceof Interruption) return error.exitCode;
  if (environmentVariable('TAESD_DEBUG') && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  return error instanceof UsageError ? MISUSED : FAILED;
}

/** Returns an error's message. The API's names for calls and options are left out. */
function lineOf(error: unknown): string {
  if (error instanceof TaesdError) return withHint(error.sentence, error.remedy?.command);
  const message = error instanceof Error ? error.message : messageOf(error);
  if (error instanceof UsageError || error instanceof Interruption) return message;
  return `unexpected error: ${message} (TAESD_DEBUG=1 shows where)`;
}
