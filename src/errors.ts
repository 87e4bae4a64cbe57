/** The stable codes: what went wrong, for programs. The message says it for people. */
export type ErrorCode =
  /** The bytes do not follow their format. */
  | 'FORMAT'
  /** The bytes end too early. */
  | 'TRUNCATED'
  /** A checksum or hash does not match. */
  | 'INTEGRITY'
  /** Valid, but not something this program reads or can run on. */
  | 'UNSUPPORTED'
  /** Larger than a limit; the message names the limit and, where there is one, the option. */
  | 'LIMIT'
  /** A tensor has another shape than the model needs, or is missing, or is one too many. */
  | 'SHAPE'
  /** NaN or infinity where numbers are needed. */
  | 'NONFINITE'
  /** A file that tries to do more than hold data. */
  | 'UNSAFE'
  /** A wrong argument or option, or a file that cannot be read or written. */
  | 'ARG'
  /** A server that is not reached, refuses, stalls or hangs up; another try may do. */
  | 'NETWORK'
  /** Memory could not be had; smaller work still runs. */
  | 'OOM'
  /** The caller cancelled. */
  | 'ABORTED';

/** Every error that this package throws on purpose. Compare `code`, show `message`. */
export class TaesdError extends Error {
  override readonly name = 'TaesdError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Longer names and values lose their middle: a path's beginning and end say most. */
const LONGEST_SHOWN = 200;
const SHOWN_HEAD = 120;

/** Control, format (direction among them) and line-ending characters, and halves of surrogate pairs. */
const UNPRINTABLE = /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Surrogate}/gu;

/**
 * Text from outside, made fit for one line of a message: of more than 200 characters the middle is left out, and what
 * a terminal would obey is written as `\uXXXX`.
 */
export function onOneLine(text: string): string {
  const tail = LONGEST_SHOWN - SHOWN_HEAD - 1;
  const short =
    text.length > LONGEST_SHOWN ? `${text.slice(0, SHOWN_HEAD)}…${text.slice(-tail)}` : text;
  return short.replace(UNPRINTABLE, (char) => {
    const code = (char.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });
}

/**
 * The one grammar of messages: `"what" expected RULE, got VALUE (likely cause)`. Names and values may come from
 * outside, so both go through `onOneLine`.
 *
 * @param what   the argument, tensor, chunk or byte: `decoder 1.weight`
 * @param rule   what would have been right: `shape [64,4,3,3]`
 * @param got    what came: `[64,16,3,3]`
 * @param hint   the likely cause or the remedy, if one is known: `SD3 or FLUX.1 weights?`
 */
export function expectedText(what: string, rule: string, got: string, hint?: string): string {
  const cause = hint === undefined ? '' : ` (${hint})`;
  return `"${onOneLine(what)}" expected ${rule}, got ${onOneLine(got)}${cause}`;
}

/**
 * The error with that message, `where: ` before it.
 *
 * @param where  the function or step that found it, or the file it was found in: `decodePng`
 */
export function expected(
  code: ErrorCode,
  where: string,
  what: string,
  rule: string,
  got: string,
  hint?: string,
  options?: ErrorOptions,
): TaesdError {
  return new TaesdError(
    code,
    `${onOneLine(where)}: ${expectedText(what, rule, got, hint)}`,
    options,
  );
}
