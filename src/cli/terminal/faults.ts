import {
  type ErrorCode,
  type ErrorDetails,
  onOneLine,
  TaesdError,
  withHint,
} from '../../errors.ts';

/*
 * The command's own errors. Their subject is what the user wrote: a file or an option. Messages
 * read `taesd: SUBJECT: SENTENCE`, without the name of a command or of a function.
 */

/**
 * A command line the program does not understand. It ends with exit code 2, before any file is
 * read. Any later failure is a TaesdError and ends with exit code 1.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The last line about several files of which some failed. Each has had a line of its own. */
export class Failures extends Error {
  override readonly name = 'Failures';

  /** @param kind  the things that were counted. Defaults to files. */
  constructor(failed: number, all: number, kind = 'files') {
    super(`${failed} of ${all} ${kind} failed`);
  }
}

/**
 * Makes a UsageError that points to the help.
 *
 * @param command  the command whose help explains more; undefined for the general help
 */
export function usageError(
  command: string | undefined,
  sentence: string,
  hint?: string,
): UsageError {
  const help = command === undefined ? 'see taesd --help' : `see taesd ${command} --help`;
  return new UsageError(withHint(sentence, hint === undefined ? help : `${hint}; ${help}`));
}

/** Makes the error `SUBJECT: SENTENCE (hint)`. @param details.code  defaults to ARG */
export function fault(
  subject: string,
  sentence: string,
  { code = 'ARG', hint, ...parts }: ErrorDetails & { readonly code?: ErrorCode } = {},
): TaesdError {
  return new TaesdError(code, withHint(`${onOneLine(subject)}: ${sentence}`, hint), parts);
}

/** Returns the sentence `expected RULE, got VALUE`. */
export const expectedGot = (rule: string, got: string): string =>
  `expected ${rule}, got ${onOneLine(got)}`;

/** The codes of errors that come from the contents or the size of an input. */
const CODES_OF_INPUT: readonly ErrorCode[] = ['SHAPE', 'NONFINITE', 'LIMIT', 'OOM'];

/**
 * Adds the input's name to an error that comes from its contents or size. Returns any other error
 * unchanged.
 */
export function aboutInput(path: string, error: unknown): unknown {
  if (!(error instanceof TaesdError && CODES_OF_INPUT.includes(error.code))) return error;
  const { code, sentence, remedy } = error;
  return fault(path, sentence, { code, cause: error, remedy });
}

/**
 * Returns true for the error of a search for weights that found none. It ends with a remedy, unlike
 * the error about a folder or an address that was given.
 */
export const isNotFound = (error: unknown): boolean =>
  error instanceof TaesdError && error.code === 'ARG' && error.remedy !== undefined;
