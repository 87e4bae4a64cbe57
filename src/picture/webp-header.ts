/*
 * The headers of the three kinds of WebP chunks that state a size. They check nothing.
 */

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A chunk that states a size. */
interface SizedChunk {
  /** The bytes up to the end of the size. */
  readonly length: number;
  /** Reads the size. @param chunk  its data, at least `length` bytes */
  readonly size: (chunk: Uint8Array) => Size;
}

const uint24 = (bytes: Uint8Array, at: number): number =>
  bytes[at] + bytes[at + 1] * 2 ** 8 + bytes[at + 2] * 2 ** 16;

/** The canvas. Source: https://developers.google.com/speed/webp/docs/riff_container */
export const VP8X: SizedChunk = {
  length: 10,
  size: (chunk) => ({ width: uint24(chunk, 4) + 1, height: uint24(chunk, 7) + 1 }),
};

/** A lossy picture. Source: RFC 6386, 9.1 */
export const VP8: SizedChunk = {
  length: 10,
  size: (chunk) => {
    // The upper two bits are a scale, which decoders ignore.
    const side = (at: number) => (chunk[at] + 256 * chunk[at + 1]) & 0x3fff;
    return { width: side(6), height: side(8) };
  },
};

/** A lossless picture. Source: RFC 9649, 3.4 */
export const VP8L: SizedChunk = {
  length: 5,
  size: (chunk) => {
    const bits = chunk[1] + uint24(chunk, 2) * 256;
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  },
};
