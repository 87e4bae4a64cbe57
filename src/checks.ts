import { tagOf } from './builtins/tags.ts';
import { expected, onOneLine, TaesdError } from './errors.ts';

/*
 * Checks of arguments that all public functions share.
 */

/** The largest width or height: PNG stores at most 2³¹ − 1. */
export const MAX_SIDE = 2 ** 31 - 1;

/**
 * Checks a width, a height or another count.
 *
 * @param min  defaults to 1
 * @param max  defaults to 2³¹ − 1
 * @returns `size`
 * @throws TaesdError ARG (not a whole number from `min` to `max`)
 */
export function checkSize(what: string, size: unknown, min = 1, max = MAX_SIDE): number {
  const isWhole = Number.isInteger(size);
  if (isWhole && (size as number) >= min && (size as number) <= max) return size as number;
  throw expected('ARG', what, `a whole number from ${min} to ${max}`, describe(size));
}

/**
 * The default of the option `maxPixels` of `decodePng` and `decodePicture`, the largest width ×
 * height they accept: 2²⁶ pixels, 8192×8192, which are 256 MiB of RGBA.
 */
export const DEFAULT_MAX_PIXELS = 2 ** 26;
/** The largest `maxPixels`: 2²⁹ pixels are 2 GiB of RGBA, which one array can hold. */
export const MAX_PIXELS_LIMIT = 2 ** 29;

/**
 * Checks the option `maxPixels`.
 *
 * @returns it, or its default
 * @throws TaesdError ARG (not a whole number from 1 to 2²⁹)
 */
export function checkMaxPixels(maxPixels: unknown = DEFAULT_MAX_PIXELS): number {
  const isWhole = typeof maxPixels === 'number' && Number.isInteger(maxPixels);
  if (isWhole && maxPixels >= 1 && maxPixels <= MAX_PIXELS_LIMIT) return maxPixels;
  const rule = `a whole number from 1 to ${MAX_PIXELS_LIMIT}`;
  throw expected('ARG', 'maxPixels', rule, describe(maxPixels));
}

/**
 * Checks the option `resolution`.
 *
 * @returns it. Defaults to 1
 * @throws TaesdError ARG (not 1, 1/2, 1/4 or 1/8)
 */
export function checkResolution(resolution: number = 1): number {
  if ([1, 1 / 2, 1 / 4, 1 / 8].includes(resolution)) return resolution;
  throw expected('ARG', 'resolution', '1, 1/2, 1/4 or 1/8', describe(resolution));
}

/** Checks an index. @throws TaesdError ARG (not a whole number, at least 0) */
export function checkIndex(what: string, index: unknown): void {
  if (Number.isSafeInteger(index) && (index as number) >= 0) return;
  throw expected('ARG', what, 'a whole number, at least 0', describe(index));
}

/**
 * Checks the names of options. Without this check a misspelt option would be ignored silently.
 *
 * @param known    the names of all options
 * @param example  the right value, for the error if `options` is not an object
 * @throws TaesdError ARG (not an object, unknown option)
 */
export function checkNames(options: object, known: readonly string[], example = 'an object'): void {
  if (typeof options !== 'object' || options === null) {
    throw expected('ARG', 'options', example, describe(options));
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const names = known.join(', ');
  throw new TaesdError('ARG', `unknown option "${onOneLine(unknown)}" (known: ${names})`);
}

/** Returns `a, b or c`. */
export const orList = (words: readonly string[]): string => listed(words, ' or ');

/** Returns `a, b and c`. */
export const andList = (words: readonly string[]): string => listed(words, ' and ');

const listed = (words: readonly string[], last: string): string =>
  words.join(', ').replace(/, (?=[^,]*$)/, last);

/** Checks the options `onProgress` and `signal`. @throws TaesdError ARG */
export function checkCallbacks({
  onProgress,
  signal,
}: {
  readonly onProgress?: unknown;
  readonly signal?: AbortSignal | undefined;
}): void {
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw expected('ARG', 'onProgress', 'a function', describe(onProgress));
  }
  checkSignal(signal);
}

/** Checks the option `signal`. @throws TaesdError ARG (not an AbortSignal) */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || isSignal(signal)) return;
  throw expected('ARG', 'signal', 'an AbortSignal', describe(signal));
}

/** By its members: before 2024-09-26, signals of workerd have no tag. */
function isSignal(signal: unknown): boolean {
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

/** The bytes of a file: a Uint8Array, or a view or buffer of another kind. */
export type BytesLike = ArrayBufferView | ArrayBuffer;

/**
 * Returns a view of a file's bytes. They are not copied. The view is a plain Uint8Array, whatever
 * class or properties of its own the caller's has.
 *
 * @throws TaesdError ARG (not a Uint8Array, ArrayBuffer or view, or a detached one)
 */
export function bytesOf(bytes: unknown): Uint8Array {
  const isView = ArrayBuffer.isView(bytes);
  if (!isView && tagOf(bytes) !== 'ArrayBuffer') {
    throw expected('ARG', 'bytes', 'a Uint8Array or ArrayBuffer', describe(bytes));
  }
  try {
    // A view of this realm, and no Buffer, whose `slice` would share its memory.
    if (!isView) return new Uint8Array(bytes as ArrayBuffer);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch {
    throw detached('bytes');
  }
}

/**
 * Checks that a view still has its buffer.
 *
 * @throws TaesdError ARG (the buffer was transferred; a Proxy of a view, which has no buffer)
 */
export function checkLive(what: string, view: ArrayBufferView): void {
  if (!ArrayBuffer.isView(view)) throw expected('ARG', what, 'a typed array', 'a Proxy of one');
  if (isDetached(view)) throw detached(what);
}

const detached = (what: string): TaesdError =>
  expected('ARG', what, 'live data', 'a detached buffer', { hint: 'transferred to a worker?' });

/** Returns true for a view whose buffer was transferred. Such a view has length 0. */
export function isDetached(view: ArrayBufferView): boolean {
  if (view.byteLength > 0) return false;
  // `ArrayBuffer.prototype.detached` is newer than Node 20. Constructing a view works everywhere.
  try {
    new Uint8Array(view.buffer);
    return false;
  } catch {
    return true;
  }
}

/** Describes any value in a few words for an error message. It never throws. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return `${value}`;
  if (typeof value === 'string')
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object') return String(value);
  try {
    if (ArrayBuffer.isView(value)) return `${kindOf(value)} of ${value.byteLength} bytes`;
    const keys = (Array.isArray(value) ? firstIndices(value) : Object.keys(value))
      .slice(0, MAX_KEYS)
      .join(', ');
    return keys === '' ? kindOf(value) : `{ ${keys} }`;
  } catch {
    // A proxy may refuse to show its keys.
    return 'an object';
  }
}

const MAX_KEYS = 6;

/** The keys of ten million elements would take seconds, and memory. */
const firstIndices = (list: readonly unknown[]): string[] => Object.keys(list.slice(0, MAX_KEYS));

/** Returns the name of an object's class: `Float64Array`, `Map`. Without one, `an object`. */
export function kindOf(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'an object';
}
