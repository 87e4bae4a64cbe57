import { isPromise } from './builtins/tags.ts';

/** The stable codes, for programs. The message is for people. */
export type ErrorCode =
  /** The bytes do not follow their format. */
  | 'FORMAT'
  /** The bytes end too early. */
  | 'TRUNCATED'
  /** A checksum or hash does not match. */
  | 'INTEGRITY'
  /** Valid, but this program cannot read it or run on it. */
  | 'UNSUPPORTED'
  /** Larger than a limit. The message names the limit and, if there is one, its option. */
  | 'LIMIT'
  /** A tensor is missing, is one too many, or does not have the shape the model needs. */
  | 'SHAPE'
  /** NaN or infinity where finite numbers are needed. */
  | 'NONFINITE'
  /** A file that tries to do more than hold data. */
  | 'UNSAFE'
  /** A wrong argument or option, or a file that cannot be read or written. */
  | 'ARG'
  /** A server cannot be reached, refuses, stalls or hangs up. A retry may succeed. */
  | 'NETWORK'
  /** Memory ran out. Smaller work still runs. */
  | 'OOM'
  /** A worker thread ended or failed, but not for lack of memory. The next call starts new ones. */
  | 'WORKER'
  /** The caller cancelled the call. */
  | 'ABORTED';

/** The class of every error this package throws on purpose. Compare `code`, show `message`. */
export class TaesdError extends Error {
  override readonly name = 'TaesdError';
  readonly code: ErrorCode;
  readonly #sentence: string;
  /** A remedy that the message ends with, if one is known. */
  declare readonly remedy?: Remedy;

  constructor(code: ErrorCode, sentence: string, { remedy, ...options }: ErrorParts = {}) {
    const shown = withoutPasswords(sentence);
    super(withHint(shown, remedy?.api), options);
    // Chrome 91 and Firefox 90 do not know the option.
    if ('cause' in options && !('cause' in this)) setCause(this, options.cause);
    this.code = code;
    this.#sentence = shown;
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

function setCause(error: Error, value: unknown): void {
  Object.defineProperty(error, 'cause', { value, writable: true, configurable: true });
}

/** A remedy that names an option: in the words of the API and, if it has one, of the command. */
export interface Remedy {
  /** `allowNonFinite: true lets it pass` */
  readonly api: string;
  /** `--backend reference runs without, slowly` */
  readonly command?: string;
}

/** The remedy of an error and the error behind it, if they are known. */
export interface ErrorParts {
  readonly cause?: unknown;
  readonly remedy?: Remedy | undefined;
}

/**
 * Returns true for the error of a call that its `signal` cancelled: a `TaesdError` with the code
 * ABORTED. Its `cause` is the signal's reason.
 */
export const isAbort = (error: unknown): boolean => {
  try {
    const { name, code } = (error ?? {}) as Partial<TaesdError>;
    return name === 'TaesdError' && code === 'ABORTED';
  } catch {
    return false;
  }
};

/**
 * Runs a public call and begins the message of its errors with its name: `decode: …`. If one public
 * call makes another, the outer name counts, because it is the one the caller wrote. Any error that
 * is not a `TaesdError` becomes one, unless a function of the caller's threw it (`callersOwn`).
 *
 * @param work  may return a promise; its rejection is named too
 */
export const inCall = <T>(name: string, work: () => T): T =>
  convertingErrors(work, (error) => named(name, error));

/** Runs `work`, and converts what it throws or what its promise rejects with. */
function convertingErrors<T>(work: () => T, convert: (error: unknown) => unknown): T {
  try {
    const result = work();
    if (!isPromise(result)) return result;
    return result.catch((error: unknown) => {
      throw convert(error);
    }) as T;
  } catch (error) {
    throw convert(error);
  }
}

/** Yields everything `work` yields and names its errors as `inCall` does. */
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

/** An error of a function that the caller gave. */
class OfCaller {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** Runs a function of the caller's, such as `onProgress`. Its error leaves the call as it is. */
export function callersOwn<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new OfCaller(error);
  }
}

/** Makes the error of a call that met what it did not expect: nothing else leaves a public call. */
const unexpected = (cause: unknown): TaesdError => {
  const hint = 'a value that throws when it is read, or a fault of the package or the runtime';
  return new TaesdError('ARG', withHint(`failed: ${onOneLine(messageOf(cause))}`, hint), { cause });
};

/** Writes the call's name before an error's sentence, both in its message and in its stack. */
function named(call: string, thrown: unknown): unknown {
  if (thrown instanceof OfCaller) return thrown.error;
  const error = thrown instanceof TaesdError ? thrown : unexpected(thrown);
  const { message, stack } = error;
  error.message = `${call}: ${withHint(error.sentence, error.remedy?.api)}`;
  // V8 copies the message into the stack when the error is made.
  if (stack !== undefined) error.stack = stack.replace(message, () => error.message);
  return error;
}

/**
 * Runs `read` and writes the name of the file it reads before the sentence of any `TaesdError`:
 * `in.png: "IHDR" expected …`.
 *
 * @param name  a file's name, or any other name of the thing that `read` reads
 * @param read  may return a promise; its rejection is named too
 * @throws TaesdError with the code that `read` throws
 */
export const inside = <T>(name: string, read: () => T): T =>
  convertingErrors(read, (cause) => {
    if (!(cause instanceof TaesdError)) return cause;
    const { code, sentence, remedy } = cause;
    return new TaesdError(code, `${onOneLine(name)}: ${sentence}`, { cause, remedy });
  });

/** Returns the first line of an error's message, or of any other thrown value. It never throws. */
export function messageOf(error: unknown): string {
  try {
    const { message } = (error ?? {}) as { message?: unknown };
    return (typeof message === 'string' ? message : String(error)).split('\n', 1)[0];
  } catch {
    return 'an object that has no text';
  }
}

/** Longer names and values lose their middle: a path's beginning and end identify it best. */
const MAX_SHOWN = 200;
const SHOWN_HEAD = 120;
/**
 * Characters at either end of longer text in which passwords are looked for. An address and what
 * follows it are found up to 4,100 characters, so no part of a password is shown.
 */
const MAX_SEARCHED = 8192;

/** Control, format (such as direction) and line-ending characters, halves of surrogate pairs. */
const UNPRINTABLE = /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Surrogate}/gu;

/**
 * Returns text from outside in a form that fits on one line of a message. Text of more than 200
 * characters loses its middle. Characters that a terminal would obey are written as `\uXXXX`.
 */
export function onOneLine(text: string): string {
  const tail = MAX_SHOWN - SHOWN_HEAD - 1;
  const whole = withoutPasswords(
    text.length > 2 * MAX_SEARCHED ? text.slice(0, MAX_SEARCHED) + text.slice(-MAX_SEARCHED) : text,
  );
  const short =
    whole.length > MAX_SHOWN ? `${whole.slice(0, SHOWN_HEAD)}…${whole.slice(-tail)}` : whole;
  return escaped(short);
}

/**
 * The name and password in an address. Both are secrets: a token may stand in place of the name.
 * The second form has a `/`, `?` or `#` that should have been escaped: what follows the first colon
 * is no port.
 */
const CREDENTIALS =
  /\b([a-z][a-z0-9+.-]{0,30}:\/\/)(?:[^/?#"]{0,2000}@|[^/?#":@\s]{0,2000}:(?!\d{0,5}(?:[/?#"\s]|$))\S{0,2000}@)(?=[^\s/?#"])/gi;

/** Returns text in which the names and passwords of addresses are left out. */
export const withoutPasswords = (text: string): string =>
  text.includes('@') ? text.replace(CREDENTIALS, '$1…@') : text;

/** Returns text in which characters that a terminal would obey are written as `\uXXXX`. */
export const escaped = (text: string): string =>
  text.replace(UNPRINTABLE, (char) => {
    const code = (char.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });

/**
 * Returns the sentence `"what" expected RULE, got VALUE (likely cause)`. Names and values may come
 * from outside, so both go through `onOneLine`.
 *
 * @param what  the argument, tensor, chunk or byte: `decoder 1.weight`
 * @param rule  the right value: `shape [64,4,3,3]`
 * @param got   the actual value: `[64,16,3,3]`
 * @param hint  the likely cause or the remedy, if known: `SD3 or FLUX.1 weights?`
 */
export function expectedText(what: string, rule: string, got: string, hint?: string): string {
  return withHint(`"${onOneLine(what)}" expected ${rule}, got ${onOneLine(got)}`, hint);
}

/** Adds the likely cause or the remedy to a sentence, in brackets. */
export const withHint = (sentence: string, hint: string | undefined): string =>
  hint === undefined ? sentence : `${sentence} (${hint})`;

/** Adds another to a sentence that ends with a hint. */
export const withSecondHint = (sentence: string, hint: string): string =>
  `${sentence.slice(0, -1)}; ${hint})`;

/** The likely cause or the remedy, and the error behind this one, if they are known. */
export interface ErrorDetails extends ErrorParts {
  /** `SD3 or FLUX.1 weights?` */
  readonly hint?: string | undefined;
}

/** Makes an error whose sentence is `expectedText`. `inCall` adds the name of the call. */
export function expected(
  code: ErrorCode,
  what: string,
  rule: string,
  got: string,
  { hint, ...options }: ErrorDetails = {},
): TaesdError {
  return new TaesdError(code, expectedText(what, rule, got, hint), options);
}

/**
 * Makes the error of a call whose signal fired.
 *
 * @param reason  the signal's reason. Chrome 91 and Firefox 90 give none
 */
export const aborted = (reason: unknown = new Error('This operation was aborted')): TaesdError =>
  new TaesdError('ABORTED', `aborted (${onOneLine(messageOf(reason))})`, { cause: reason });
