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

/**
 * The one grammar of messages: `"what" expected RULE, got VALUE (likely cause)`.
 *
 * @param what   the argument, tensor, chunk or byte: `decoder 1.weight`
 * @param rule   what would have been right: `shape [64,4,3,3]`
 * @param got    what came: `[64,16,3,3]`
 * @param hint   the likely cause or the remedy, if one is known: `SD3 or FLUX.1 weights?`
 */
export function expectedText(what: string, rule: string, got: string, hint?: string): string {
  const cause = hint === undefined ? '' : ` (${hint})`;
  return `"${what}" expected ${rule}, got ${got}${cause}`;
}

/**
 * The error with that message, `where: ` before it.
 *
 * @param where  the function or step that found it: `decodePng`
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
  return new TaesdError(code, `${where}: ${expectedText(what, rule, got, hint)}`, options);
}
