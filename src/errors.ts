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
  readonly #sentence: string;
  /** A remedy that the message ends with, if one is known. */
  declare readonly remedy?: Remedy;

  constructor(code: ErrorCode, sentence: string, { remedy, ...options }: ErrorParts = {}) {
    super(withHint(sentence, remedy?.api), options);
    this.code = code;
    this.#sentence = sentence;
    if (remedy) this.remedy = remedy;
  }

  /**
   * The message without the name of the call and without the remedy, for programs that show it
   * under a name of their own.
   */
  get sentence(): string {
    return this.#sentence;
  }
}

/** A remedy that names an option: in the words of the API and, if it has one, of the command. */
export interface Remedy {
  /** `allowNonFinite: true lets it pass` */
  readonly api: string;
  /** `--backend reference runs without, slowly` */
  readonly command?: string;
}

/** The remedy of an error and the error behind it, if they are known. */
export interface ErrorParts extends ErrorOptions {
  readonly remedy?: Remedy | undefined;
}

/**
 * Returns true for the error of a call that its `signal` cancelled: a `TaesdError` with the code
 * ABORTED. Its `cause` is the signal's reason.
 */
export const isAbort = (error: unknown): boolean => {
  const { name, code } = (error ?? {}) as Partial<TaesdError>;
  return name === 'TaesdError' && code === 'ABORTED';
};

/**
 * Runs a public call, so that the message of any `TaesdError` begins with its name: `decode: …`. If
 * one public call makes another, the outer one's name counts: it is the one the caller wrote.
 *
 * @param work  may return a promise, whose rejection is named too
 */
export function inCall<T>(name: string, work: () => T): T {
  try {
    const result = work();
    if (!(result instanceof Promise)) return result;
    return result.catch((error: unknown) => {
      throw named(name, error);
    }) as T;
  } catch (error) {
    throw named(name, error);
  }
}

/** Passes on what a generator yields; its errors are named as `inCall` names them. */
export async function* inLoop<T>(
  name: string,
  work: AsyncIterable<T>,
): AsyncGenerator<T, void, void> {
  try {
    yield* work;
  } catch (error) {
    throw named(name, error);
  }
}

/** Writes the call's name before an error's sentence, in its stack too. */
function named(call: string, error: unknown): unknown {
  if (!(error instanceof TaesdError)) return error;
  const { message, stack } = error;
  error.message = `${call}: ${withHint(error.sentence, error.remedy?.api)}`;
  // V8 copies the message into the stack when the error is made.
  if (stack !== undefined) error.stack = stack.replace(message, () => error.message);
  return error;
}

/**
 * Runs `read`, which reads something that has a name of its own, such as a file. The name comes
 * before the sentence of any `TaesdError`: `in.png: "IHDR" expected …`.
 *
 * @throws TaesdError of the code that `read` throws
 */
export function inside<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof TaesdError)) throw cause;
    const { code, sentence, remedy } = cause;
    throw new TaesdError(code, `${onOneLine(name)}: ${sentence}`, { cause, remedy });
  }
}

/** The first line of the message of whatever was thrown. It does not throw. */
export function messageOf(error: unknown): string {
  try {
    return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0];
  } catch {
    return 'an object that has no text';
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
  return escaped(short);
}

/** Returns text in which characters that a terminal would obey are written as `\uXXXX`. */
export const escaped = (text: string): string =>
  text.replace(UNPRINTABLE, (char) => {
    const code = (char.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });

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
  return withHint(`"${onOneLine(what)}" expected ${rule}, got ${onOneLine(got)}`, hint);
}

/** Adds the likely cause or the remedy to a sentence, in brackets. */
export const withHint = (sentence: string, hint: string | undefined): string =>
  hint === undefined ? sentence : `${sentence} (${hint})`;

/** The likely cause or the remedy, and the error behind this one, if they are known. */
export interface ErrorDetails extends ErrorParts {
  /** `SD3 or FLUX.1 weights?` */
  readonly hint?: string | undefined;
}

/** Makes the error with that message. `inCall` adds the name of the call. */
export function expected(
  code: ErrorCode,
  what: string,
  rule: string,
  got: string,
  { hint, ...options }: ErrorDetails = {},
): TaesdError {
  return new TaesdError(code, expectedText(what, rule, got, hint), options);
}

/** Makes the error of a call whose signal fired. @param reason  the signal's */
export const aborted = (reason: unknown): TaesdError =>
  new TaesdError('ABORTED', `aborted (${onOneLine(messageOf(reason))})`, { cause: reason });
