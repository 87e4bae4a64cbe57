import { escaped, messageOf, TaesdError, withHint, withoutPasswords } from '../../errors.ts';
import { environmentVariable } from '../../platform/runtime.ts';
import { Failures, UsageError } from './faults.ts';
import { Interruption } from './interrupt.ts';

/** The exit code if the work failed. */
const FAILED = 1;
/** The exit code if the command line was not understood. */
const MISUSED = 2;

/** Writes one line to stderr. Results never go there. */
export function sayLine(message: string): void {
  process.stderr.write(`taesd: ${escaped(withoutPasswords(message))}\n`);
}

/** A function that reports what a user may want to know, but that is not an error. */
export type Say = (note: string) => void;

/**
 * Returns the function that writes notes as lines `note: …`.
 *
 * @param isQuiet  true for one that writes nothing
 */
export const noteSayer = (isQuiet: boolean): Say =>
  isQuiet ? () => undefined : (note) => sayLine(`note: ${note}`);

/** Writes one line about an error and returns the exit code. */
export function sayError(error: unknown): number {
  sayFailure(error);
  if (error instanceof Interruption) return error.exitCode;
  return error instanceof UsageError ? MISUSED : FAILED;
}

/**
 * Writes one line about an error. The stack follows if the environment variable TAESD_DEBUG is set.
 */
export function sayFailure(error: unknown): void {
  sayLine(lineOf(error));
  if (error instanceof Interruption || !(error instanceof Error)) return;
  if (environmentVariable('TAESD_DEBUG'))
    process.stderr.write(`${withoutPasswords(`${error.stack}`)}\n`);
}

/** The command's own errors, which are shown as they are. */
const EXPECTED = [UsageError, Interruption, Failures] as const;

/** Returns an error's message. The API's names for calls and options are left out. */
export const reasonWords = ({ sentence, remedy }: TaesdError): string =>
  withHint(sentence, remedy?.command);

/** Returns the line about an error. */
function lineOf(error: unknown): string {
  if (error instanceof TaesdError) return reasonWords(error);
  const message = error instanceof Error ? error.message : messageOf(error);
  if (EXPECTED.some((kind) => error instanceof kind)) return message;
  return `unexpected error: ${message} (TAESD_DEBUG=1 shows where)`;
}
