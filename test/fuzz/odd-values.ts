import { WrongResult } from './target.ts';

/*
 * Values that no caller should pass, and code of the caller's that throws. Its errors pass through
 * the package unchanged.
 */

/** The error of a caller's own code. */
class CallersError extends Error {
  override readonly name = 'CallersError';
}

const own = (): never => {
  throw new CallersError('thrown by the caller');
};

const traps = new Proxy({}, { get: () => own });
const throwing = (target: object): object => new Proxy(target, traps as ProxyHandler<object>);

function detached(): Uint8Array {
  const bytes = new Uint8Array(16);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
}

function circular(): object {
  const value: Record<string, unknown> = {};
  value.self = value;
  return value;
}

/** A list that contains itself, or so many levels. */
function deep(): unknown[] {
  let value: unknown[] = [];
  for (let i = 0; i < 5000; i++) value = [value];
  return value;
}

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

/** Makes each value anew: calls may change one. New ones go to the end: inputs name numbers. */
export const ODD: readonly (() => unknown)[] = [
  ...[
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    0.5,
    NaN,
    Infinity,
    -Infinity,
    2 ** 31,
    2 ** 53,
  ].map((value) => () => value),
  ...[1e300, '', 'x', '\ud800', '1', 'nano', '__proto__', 10n, 2n ** 70n].map(
    (value) => () => value,
  ),
  () => Symbol('s'),
  () => Symbol.iterator,
  () => [],
  () => [1],
  () => [[]],
  () => Array(3),
  () => new Array(2 ** 32 - 1),
  deep,
  () => ({}),
  () => Object.create(null),
  () => ({ __proto__: null, shape: [1], data: [1] }),
  circular,
  revoked,
  () => () => 1,
  () => class {},
  () => own,
  () => new Date(NaN),
  () => new Map([['shape', [1]]]),
  () => new Set([1]),
  () => new WeakMap(),
  () => /x/g,
  () => new Error('e'),
  () => Promise.resolve(1),
  () => Promise.reject(new CallersError('rejected by the caller')).catch(() => 1),
  () => Object.defineProperty({}, 'then', { value: own }),
  () => Object.defineProperty({}, 'then', { get: own }),
  () => ({ toString: own }),
  () => ({ valueOf: own }),
  () => ({ toString: () => ({}) }),
  () => ({ [Symbol.toPrimitive]: () => ({}) }),
  () => ({ [Symbol.toStringTag]: 5 }),
  () => ({ [Symbol.toStringTag]: 'Uint8Array', length: 4 }),
  () => ({ [Symbol.iterator]: 1 }),
  () => ({ constructor: null }),
  () => ({ constructor: { name: Symbol('s') } }),
  () => throwing({}),
  () => throwing([]),
  () => throwing(class {}),
  () => Object.defineProperty({}, 'width', { get: own, enumerable: true }),
  () => Object.defineProperty({}, 'shape', { get: own, enumerable: true }),
  () => Object.freeze([1, 4, 1, 1]),
  () => new Uint8Array(0),
  () => new Uint8Array(9),
  detached,
  () => new Uint8Array(new SharedArrayBuffer(8)),
  () => new ArrayBuffer(3),
  () => new SharedArrayBuffer(3),
  () => new DataView(new ArrayBuffer(5)),
  () => new Float64Array(4),
  () => new BigInt64Array(2),
  () => new Float32Array([NaN, Infinity, 1, 2]),
  () => new Int8Array(16),
  () => ({ shape: null, data: null }),
  () => ({ shape: [1, 4, 1, 1], data: [] }),
  () => ({ shape: [1, 4, 1, 1], data: new Float64Array(4) }),
  () => ({ shape: [1, 4, -1, 1], data: new Float32Array(4) }),
  () => ({ shape: [1, 4, 2 ** 31, 2 ** 31], data: new Float32Array(4) }),
  () => ({ shape: [1, 4, 0, 1], data: new Float32Array(0) }),
  () => ({ shape: ['1', 4, 1, 1], data: new Float32Array(4) }),
  () => ({ shape: [1, 4, 1, 1], data: new Float32Array(4), strides: [0, 0, 0, 0], offset: -1 }),
  () => ({ dims: [1, 4, 1, 1], data: new Float32Array(4), type: 'float32' }),
  () => ({ dims: [1, 4, 1, 1], cpuData: null, location: 'gpu' }),
  () => ({ shape: [1, 4, 1, 1], buffer: {} }),
  () => ({ width: 2, height: 2 }),
  () => ({ width: 2, height: 2, data: null }),
  () => ({ width: -1, height: 1e9, data: new Uint8Array(4) }),
  () => ({ width: 1, height: 1, data: new Uint8Array(4), colorSpace: Symbol('s') }),
  () => ({ width: 1, height: 1, data: new Uint16Array(4), pixelFormat: 'rgba-float16' }),
  () => ({ width: 1, height: 1, close: own }),
  () => ({ naturalWidth: 1, naturalHeight: 1 }),
  () => ({ width: 8, height: 8, getContext: () => null }),
  () => ({ width: 8, height: 8, getContext: own }),
  () => ({ width: 8, height: 8, getContext: () => ({}) }),
  () => ({ getCurrentTexture: own }),
  () => ({ size: 4, type: 'image/png', arrayBuffer: () => Promise.resolve(null) }),
  () => ({ dtype: 'F32', shape: [1], bytes: new Uint8Array(4) }),
  () => ({ dtype: 'F32', shape: [2 ** 40], bytes: new Uint8Array(4) }),
  () => ({ encoder: null }),
  () => ({ decoder: new Uint8Array(8) }),
  () => ({ signal: null }),
  () => ({ signal: { aborted: true } }),
  () => AbortSignal.abort(),
  () => AbortSignal.abort(Symbol('reason')),
  () => AbortSignal.abort({ toString: own }),
  () => new AbortController().signal,
  () => new URL('file:///nowhere'),
  () => new Proxy(new Uint8Array(8), {}),
  () => new Proxy([1, 4, 1, 1], {}),
  () => new Blob(['x']),
  () => new WebAssembly.Memory({ initial: 1 }),
];

/**
 * Returns the outcome of an error of a call that was passed odd values.
 *
 * @throws the error, if neither the package meant it nor the caller
 */
export function callersOutcome(error: unknown): string | undefined {
  if (error instanceof CallersError) return 'the caller’s error';
  // A Proxy that was revoked, or whose target is no receiver for its methods, throws by itself.
  const isOfProxy = error instanceof TypeError && /revoked|^\s*at Proxy\./m.test(`${error.stack}`);
  if (isOfProxy) return 'the error of the caller’s Proxy';
  // A class as a callback is a function that throws when it is called.
  const isOfClass =
    error instanceof TypeError && /^Class constructor.* without 'new'$/.test(error.message);
  if (isOfClass) return 'the error of the caller’s class';
  if (error instanceof WrongResult) throw error;
  return undefined;
}
