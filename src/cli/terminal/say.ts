import { messageOf } from '../../errors.ts';
import { TaesdError } from '../../index.ts';
import { environmentVariable } from '../../platform/runtime.ts';
import { UsageError } from '../line/usage-error.ts';
import { Interruption } from './interrupt.ts';

/** Exit codes: the work failed; the command line was not understood. */
const FAILED = 1;
const MISUSED = 2;

/** Says one line on stderr, where results never go. */
export function sayLine(message: string): void {
  process.stderr.write(`taesd: ${oneLine(message)}\n`);
}

/**
 * Says what went wrong in one line, and gives the exit code. The stack, of no use to most, comes after it where
 * the environment variable TAESD_DEBUG is set.
 */
export function sayError(error: unknown): number {
  const message = messageOf(error);
  if (error instanceof Interruption) {
    sayLine(message);
    return error.exitCode;
  }
  const onPurpose = error instanceof TaesdError || error instanceof UsageError;
  sayLine(onPurpose ? message : `unexpected error: ${message} (TAESD_DEBUG=1 shows where)`);
  if (environmentVariable('TAESD_DEBUG') && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  return error instanceof UsageError ? MISUSED : FAILED;
}

/** Names of files may hold line breaks, and characters that a terminal obeys. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x10000
      ? `\\u${code.toString(16).padStart(4, '0')}`
      : `\\u{${code.toString(16)}}`;
  });
}
