/** A hash of bytes as text, for code that runs on pages. It uses what every browser here has. */
export const HASH = '(bytes) => bytes.reduce((a, b) => (Math.imul(a, 31) + b) | 0, 7)';

/** That hash in this process. */
export const hashOf: (bytes: Uint8Array | Uint8ClampedArray) => number = new Function(
  `return ${HASH}`,
)();
