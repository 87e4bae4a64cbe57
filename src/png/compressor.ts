import { Zlib } from 'fflate';

/** fflate 0.8.3's state of a new stream: no last piece yet, next bytes 32 KiB into its buffer. */
const STATE_AT_32_KIB = '{"l":0,"i":32768,"w":32768,"z":32768}';

/**
 * Makes fflate's zlib compressor, which takes and gives pieces, and mends a fault of version 0.8.3.
 *
 * That version starts 32 KiB into its buffer and refers back to the zeros before. Decoders do not
 * have those zeros: of 1500 small pictures 30 could not be read ("invalid distance too far back").
 * Started at the beginning of the buffer, the compressor has nothing to refer to: all of 5500
 * pictures could be read. Other versions, whose state looks different, are used unchanged.
 * test/png/stream.test.ts writes pictures that show the fault.
 * Source: https://github.com/101arrowz/fflate/issues/260
 *
 * @param level    0 does not compress, 9 compresses most
 * @param onBytes  takes the compressed bytes
 */
export function createCompressor(
  level: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9,
  onBytes: (bytes: Uint8Array) => void,
): Zlib {
  const compressor = new Zlib({ level }, onBytes);
  // fflate's types do not have its private `s`.
  const internals = compressor as unknown as { s?: object };
  if (JSON.stringify(internals.s) === STATE_AT_32_KIB) internals.s = { l: 0, i: 0, w: 0, z: 0 };
  return compressor;
}
