/*
 * The oldest browsers that the package promises to run in, and the methods that they lack.
 */

/**
 * WASM SIMD came with Chrome 91, Firefox 89 and Safari 16.4; private fields with Firefox 90. As
 * esbuild writes them.
 */
export const MINIMUM = ['chrome91', 'firefox90', 'safari16.4'] as const;

/** Methods and properties that one of these lacks: the object they belong to, and the name. */
export const NEWER: readonly (readonly [object: string, name: string])[] = [
  ...['at', 'findLast', 'findLastIndex', 'toReversed', 'toSorted', 'toSpliced', 'with'].flatMap(
    (name) => [
      ['Array.prototype', name] as const,
      ['Object.getPrototypeOf(Uint8Array.prototype)', name] as const,
    ],
  ),
  ['Array', 'fromAsync'],
  ['String.prototype', 'at'],
  ['String.prototype', 'isWellFormed'],
  ['String.prototype', 'toWellFormed'],
  ['Object', 'hasOwn'],
  ['Object', 'groupBy'],
  ['Map', 'groupBy'],
  ['Promise', 'withResolvers'],
  ['Promise', 'try'],
  ['AbortSignal', 'any'],
  ['AbortSignal', 'timeout'],
  ['AbortSignal', 'abort'],
  ['AbortSignal.prototype', 'throwIfAborted'],
  ['AbortSignal.prototype', 'reason'],
  ['ArrayBuffer.prototype', 'transfer'],
  ['ArrayBuffer.prototype', 'transferToFixedLength'],
  ['ArrayBuffer.prototype', 'detached'],
  ['ArrayBuffer.prototype', 'resize'],
  ['Set.prototype', 'union'],
  ['Set.prototype', 'intersection'],
  ['Set.prototype', 'difference'],
  ['Set.prototype', 'isSubsetOf'],
  ['Uint8Array', 'fromBase64'],
  ['Uint8Array.prototype', 'toBase64'],
  ['Uint8Array.prototype', 'toHex'],
  ['Math', 'f16round'],
  ['DataView.prototype', 'getFloat16'],
  ['RegExp', 'escape'],
  ['Error', 'isError'],
  ['URL', 'canParse'],
  ['URL', 'parse'],
  ['globalThis', 'structuredClone'],
  ['globalThis', 'Iterator'],
  ['globalThis', 'Float16Array'],
  ['globalThis', 'scheduler'],
  ['globalThis', 'CompressionStream'],
  ['globalThis', 'DecompressionStream'],
  ['globalThis', 'VideoFrame'],
  ['Crypto.prototype', 'randomUUID'],
  ['ReadableStream', 'from'],
  ['ReadableStream.prototype', 'values'],
  ['Symbol', 'dispose'],
  ['Symbol', 'asyncDispose'],
  ...['map', 'filter', 'take', 'drop', 'toArray', 'some', 'every', 'find'].map(
    (name) => ['Object.getPrototypeOf(Object.getPrototypeOf([].values()))', name] as const,
  ),
];

/**
 * The text of a module that takes them away. `Symbol` keeps properties that cannot be deleted: an
 * object without them takes its place. Its last line lists what it could not take away.
 */
export const TAKE_AWAY = `
  const kept = [];
  const own = globalThis.Symbol;
  const names = Object.getOwnPropertyNames(own).filter((name) => !/dispose/i.test(name));
  const older = function Symbol(text) { return own(text); };
  for (const name of names) {
    const { configurable } = Object.getOwnPropertyDescriptor(older, name) ?? { configurable: true };
    if (configurable) Object.defineProperty(older, name, Object.getOwnPropertyDescriptor(own, name));
  }
  Object.defineProperty(older, 'prototype', { value: own.prototype });
  globalThis.Symbol = older;
  const take = (object, name) => {
    if (object === undefined) return;
    delete object[name];
    if (name in object) kept.push(name);
  };
${NEWER.filter(([object]) => object !== 'Symbol')
  .map(
    ([object, name]) =>
      `  try { take(${object}, '${name}'); } catch (error) { kept.push('${object} ' + error); }`,
  )
  .join('\n')}
  delete ReadableStream.prototype[own.asyncIterator];
  // Errors took no cause.
  const { Error: OwnError } = globalThis;
  globalThis.Error = class Error extends OwnError { constructor(message) { super(message); } };
  globalThis.takenAway = { kept, dispose: typeof Symbol.dispose };
`;
