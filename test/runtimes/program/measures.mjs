// How far numbers are from those that they should be. Infinity where there are not as many.

/** Largest |a - b|; NaN anywhere is infinitely far off. */
export function largestDifference(a, b) {
  if (a.length !== b.length) return Infinity;
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const off = Math.abs(a[i] - b[i]);
    if (!(off <= most)) most = Number.isNaN(off) ? Infinity : off;
  }
  return most;
}

/** Peak signal to noise ratio in dB of values that count from 0 to 1. */
export function decibels(a, b) {
  if (a.length !== b.length) return -Infinity;
  const clamped = (value) => Math.min(Math.max(value, 0), 1);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (clamped(a[i]) - clamped(b[i])) ** 2;
  return 10 * Math.log10(a.length / sum);
}

/** The planes [3][height][width] of which a picture's bytes are the corner, rounded to nearest. */
export function bytesOfPlanes({ shape, data }, { width, height }) {
  const [, , planeHeight, planeWidth] = shape;
  const bytes = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const value = data[(c * planeHeight + y) * planeWidth + x];
        bytes[4 * (y * width + x) + c] = Math.round(Math.min(Math.max(value, 0), 1) * 255);
      }
    }
  }
  return bytes;
}

/** FNV-1a over the bytes of an array, as text: equal in two runtimes where every bit is. */
export function digest({ buffer, byteOffset, byteLength }) {
  let hash = 0x811c9dc5;
  for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
