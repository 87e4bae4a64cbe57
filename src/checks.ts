import { expected, onOneLine, TaesdError } from './errors.ts';

/*
 * What every entry asks of its arguments, whatever they are for.
 */

/** The longest side of anything: a picture of 2³¹ − 1 is the most that PNG can say. */
const MAX_SIDE = 2 ** 31 - 1;

/** @throws TaesdError ARG where `size` is not a whole number from 1 to 2³¹ − 1 */
export function checkSize(what: string, size: unknown): number {
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > MAX_SIDE) {
    throw expected('ARG', what, `a whole number from 1 to ${MAX_SIDE}`, describe(size));
  }
  return size;
}

/**
 * @param known  the names of the options that there are: a misspelt one would be silently not taken
 * @throws TaesdError ARG where it is no object, or has other options
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

/** @throws TaesdError ARG */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw expected('ARG', 'signal', 'an AbortSignal', describe(signal));
}

/** @throws TaesdError ARG for a view whose buffer was transferred away */
export function checkLive(what: string, view: ArrayBufferView): void {
  if (!isDetached(view)) return;
  const hint = 'transferred to a worker?';
  throw expected('ARG', what, 'live data', 'a detached buffer', { hint });
}

/** True for a view whose buffer was transferred away (such a view has length 0). */
export function isDetached(view: ArrayBufferView): boolean {
  if (view.byteLength > 0) return false;
  // `ArrayBuffer.prototype.detached` is newer than Node 20; constructing a view works everywhere.
  try {
    new Uint8Array(view.buffer);
    return false;
  } catch {
    return true;
  }
}

/** A value in few words, for error messages; whatever it is, this does not throw. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return `${value}`;
  if (typeof value === 'string')
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object') return String(value);
  try {
    if (ArrayBuffer.isView(value)) return `${kindOf(value)} of ${value.byteLength} bytes`;
    const keys = Object.keys(value).slice(0, 6).join(', ');
    return keys === '' ? kindOf(value) : `{ ${keys} }`;
  } catch {
    // A proxy may refuse to show its keys.
    return 'an object';
  }
}

/** What made an object: `Float64Array`, `Map`; an object without prototype has no such name. */
export function kindOf(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'an object';
}
