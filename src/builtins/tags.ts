/*
 * Kinds of values, also of those of another realm: a frame, a context of `node:vm`, the window that
 * jsdom makes. Each realm has its own classes, so `instanceof` refuses a value of another one.
 */

/** Returns the tag of a value's class: `AbortSignal`, `URL`. Never throws. */
export function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value).slice(8, -1);
  } catch {
    // A proxy that was revoked, or a getter that throws.
    return 'Object';
  }
}

/** Returns the name of a typed array's kind, of a Buffer's too; empty for other values. */
export const arrayKind = (data: unknown): string =>
  ArrayBuffer.isView(data) ? ((data as Uint8Array)[Symbol.toStringTag] ?? '') : '';

export const isFloats = (data: unknown): data is Float32Array => arrayKind(data) === 'Float32Array';

export const isUint8Array = (data: unknown): data is Uint8Array => arrayKind(data) === 'Uint8Array';

/** Returns true for bytes of pixels. */
export const isPixelBytes = (data: unknown): data is Uint8Array | Uint8ClampedArray =>
  isUint8Array(data) || arrayKind(data) === 'Uint8ClampedArray';

/** Returns true for the error of an allocation that failed, and of a length that no array has. */
export const isRangeError = (error: unknown): boolean =>
  tagOf(error) === 'Error' && (error as Error).name === 'RangeError';

/** Returns true for a promise, and for any other object with a `then`. */
export const isPromise = <T>(value: T | Promise<T>): value is Promise<T> =>
  typeof (value as Promise<T> | null | undefined)?.then === 'function';
