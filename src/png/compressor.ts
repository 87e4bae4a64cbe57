import { Zlib } from 'fflate';

/** What fflate 0.8.3 keeps of a stream: no last piece yet, and where in its buffer the next bytes go. */
const STATE_AT_32_KIB = '{"l":0,"i":32768,"w":32768,"z":32768}';

/**
 * fflate's zlib compressor, taking pieces and giving pieces.
 *
 * The one in 0.8.3 starts 32 KiB into its buffer and takes the zeros before for bytes it may refer back to. No decoder
 * has those: of 1500 small pictures 30 could not be read ("invalid distance too far back"). Started at the buffer's
 * beginning it has nothing to refer to: of 5500 pictures all could be read. A version whose state looks otherwise is left
 * as it is; test/png/stream.test.ts writes pictures that show the fault.
 * Source: https://github.com/101arrowz/fflate/issues/260
 */
export function createCompressor(
  level: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9,
  onBytes: (bytes: Uint8Array) => void,
): Zlib {
  const compressor = new Zlib({ level }, onBytes);
  // `s` is private to fflate's types.
  const internals = compressor as unknown as { s?: object };
  if (JSON.stringify(internals.s) === STATE_AT_32_KIB) internals.s = { l: 0, i: 0, w: 0, z: 0 };
  return compressor;
}
