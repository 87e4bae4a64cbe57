type ArrayName = 'Float32Array' | 'Uint8Array' | 'Uint8ClampedArray';

/**
 * Runs `work` where arrays of one type cannot be made, as if memory had run out: the runtime's
 * error, at once. Arrays that exist already are still what they were.
 */
export function withoutMemory<T>(name: ArrayName, work: () => T): T {
  const original: unknown = globalThis[name];
  const failing = new Proxy(globalThis[name] as new () => object, {
    construct() {
      throw new RangeError('Array buffer allocation failed');
    },
  });
  Object.assign(globalThis, { [name]: failing });
  try {
    return work();
  } finally {
    Object.assign(globalThis, { [name]: original });
  }
}
