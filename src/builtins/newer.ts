/*
 * Methods that browsers with WASM SIMD may lack: Chrome 91, Firefox 90, Safari 16.4.
 */

const { hasOwnProperty: owns } = Object.prototype;

/** Does what `Object.hasOwn` does, which came with Chrome 93 and Firefox 92. */
export const hasOwn = (object: object, key: string): boolean => owns.call(object, key);

/** Does what `AbortSignal.throwIfAborted` does, which came with Chrome 100 and Firefox 97. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw signal.reason;
}
