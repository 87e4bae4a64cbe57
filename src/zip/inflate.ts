import { Inflate } from 'fflate';
import { allocateBytes, outOfMemory } from '../allocate.ts';
import { expected, messageOf, TaesdError } from '../errors.ts';

/** The largest growth of a DEFLATE stream: 258 bytes from two bits. */
const MAX_RATIO = 1032;
/**
 * The bytes passed to fflate in one call. fflate inflates a whole piece before this code can stop
 * it, so a decompression bomb gets at most 1032 × 16 KiB ≈ 17 MB past the size it states.
 */
const PIECE_BYTES = 16384;
/**
 * The stream counts as ended after this much input without output. The longest part fflate waits
 * for is a stored block of 64 KiB. Past the stream's end fflate keeps and copies all further input,
 * which takes quadratic time.
 */
const IDLE_BYTES = 131072;
/** fflate's error code for input that ends too early. */
const UNEXPECTED_END = 0;

/**
 * Inflates a raw DEFLATE stream that must give exactly `size` bytes.
 *
 * Memory: `size` bytes, which are checked against the size of the input first, and at most about
 * 40 MB for fflate. A few bytes after the stream's end pass: fflate does not report where it is.
 *
 * @param what    the entry, for messages
 * @param packed  the whole stream
 * @param size    the size that the directory states
 * @throws TaesdError LIMIT (more bytes than stated, or more stated than the stream can hold),
 *   TRUNCATED (fewer bytes), FORMAT (not a DEFLATE stream), OOM
 */
export function inflate(what: string, packed: Uint8Array, size: number): Uint8Array {
  const rule = `${size} bytes after inflating, as the directory states`;
  if (packed.length === 0) throw expected('TRUNCATED', what, 'a deflate stream', '0 bytes');
  if (size > packed.length * MAX_RATIO) {
    const got = `${packed.length} packed bytes, too few for that`;
    throw expected('LIMIT', what, rule, got);
  }
  const output = allocateBytes(what, size);
  let filled = 0;
  const stream = new Inflate((piece) => {
    if (piece.length > size - filled) {
      throw expected('LIMIT', what, rule, 'more', { hint: 'a decompression bomb?' });
    }
    output.set(piece, filled);
    filled += piece.length;
  });
  try {
    for (let at = 0, idle = 0; at < packed.length; at += PIECE_BYTES) {
      const before = filled;
      stream.push(packed.subarray(at, at + PIECE_BYTES), at + PIECE_BYTES >= packed.length);
      idle = filled > before ? 0 : idle + PIECE_BYTES;
      if (idle > IDLE_BYTES) {
        throw expected('FORMAT', what, 'a deflate stream to its end', 'other bytes after it');
      }
    }
  } catch (cause) {
    throw typedError(what, cause);
  }
  if (filled < size) throw expected('TRUNCATED', what, rule, `${filled}`, { hint: 'cut off?' });
  return output;
}

function typedError(what: string, cause: unknown): Error {
  if (cause instanceof TaesdError) return cause;
  if (cause instanceof RangeError) return outOfMemory(what, 'inflating', cause);
  const code = (cause as { code?: unknown }).code === UNEXPECTED_END ? 'TRUNCATED' : 'FORMAT';
  const hint = 'damaged file?';
  return expected(code, what, 'a sound deflate stream', messageOf(cause), { hint, cause });
}
