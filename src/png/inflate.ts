import { Inflate } from 'fflate';
import { adler32, checksumText } from '../checksums.ts';
import { expected, messageOf, TaesdError } from '../errors.ts';
import { allocatePngBytes, outOfPngMemory } from './allocate.ts';
import { readUint32 } from './layout.ts';

/** The largest growth of a DEFLATE stream: 258 bytes from two bits. */
const MAX_RATIO = 1032;
/**
 * Input given to fflate at once. fflate inflates a whole piece before this code can stop it, so a
 * decompression bomb gets at most 1032 × 16 KiB ≈ 17 MB past the limit. Smaller pieces cost time,
 * because fflate clears 160 KiB for each.
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
 * Inflates a zlib stream that must give exactly `length` bytes.
 *
 * Memory: `length` bytes, which are checked against the size of the input first, and at most about
 * 40 MB for fflate. Bytes after the stream are ignored, as libpng does with a warning. The Adler-32
 * is checked here, since fflate does not check it. DEFLATE's own rules are checked by fflate. It
 * does not compare the two lengths of a stored block (LEN and NLEN), so a block with a wrong NLEN
 * passes if the Adler-32 of the output is right.
 * Source: RFC 1950, RFC 1951, https://www.w3.org/TR/png-3/#10CompressionCM0
 *
 * @param what        the stream's name in messages: `IDAT at byte 41`
 * @param compressed  the whole stream
 * @param length      the number of bytes for the size in the picture's header
 * @throws TaesdError TRUNCATED (gives fewer bytes), LIMIT (gives more bytes), INTEGRITY (not a zlib
 *   stream, preset dictionary, damaged data, wrong Adler-32), OOM
 */
export function inflateExactly(what: string, compressed: Uint8Array, length: number): Uint8Array {
  checkZlibHeader(what, compressed);
  const rule = `${length} bytes after inflating, as IHDR requires`;
  if (length > compressed.length * MAX_RATIO) {
    const got = `${compressed.length} compressed bytes, too few for that`;
    throw expected('TRUNCATED', what, rule, got, { hint: 'cut off?' });
  }
  const output = allocatePngBytes('scanlines', length);
  let filled = 0;
  const stream = new Inflate((piece) => {
    if (piece.length > length - filled) {
      throw expected('LIMIT', what, rule, 'more', { hint: 'a decompression bomb?' });
    }
    output.set(piece, filled);
    filled += piece.length;
  });

  // The piece that gave the last byte of output. The stream's Adler-32 begins in it or after it.
  let lastPieceAt = 2;
  try {
    for (let at = 2, idle = 0; at < compressed.length && idle <= IDLE_BYTES; at += PIECE_BYTES) {
      const before = filled;
      stream.push(compressed.subarray(at, at + PIECE_BYTES));
      idle = filled > before ? 0 : idle + PIECE_BYTES;
      if (filled > before) lastPieceAt = at;
    }
  } catch (cause) {
    throw typedError(what, cause);
  }
  if (filled < length) throw expected('TRUNCATED', what, rule, `${filled}`, { hint: 'cut off?' });
  checkAdler(what, compressed.subarray(lastPieceAt), adler32(output));
  return output;
}

/** Checks the two bytes before the compressed data: method, window, dictionary and check bits. */
function checkZlibHeader(what: string, compressed: Uint8Array): void {
  if (compressed.length < 2) {
    const got = `${compressed.length} bytes`;
    throw expected('TRUNCATED', what, 'a zlib header of 2 bytes', got, { hint: 'cut off?' });
  }
  const [method, flags] = compressed;
  const isDeflate = (method & 15) === 8 && method >> 4 <= 7;
  if (!isDeflate || (method * 256 + flags) % 31 !== 0) {
    const got = `bytes ${method.toString(16).padStart(2, '0')} ${flags.toString(16).padStart(2, '0')}`;
    throw expected('INTEGRITY', what, 'a zlib header', got, { hint: 'damaged file?' });
  }
  if (flags & 32) {
    throw expected('INTEGRITY', what, 'no preset dictionary', 'a zlib stream that needs one');
  }
}

/**
 * Checks that the stream's Adler-32 is in `tail`, the input from the piece that gave the last byte
 * of output on. fflate does not report the stream's end. In a sound file the Adler-32 is the last
 * four bytes. Other files may have bytes after it, so each earlier position is tried too.
 */
function checkAdler(what: string, tail: Uint8Array, sum: number): void {
  for (let at = tail.length - 4; at >= 0; at--) {
    if (readUint32(tail, at) === sum) return;
  }
  const last = tail.subarray(-4);
  const got = last.length < 4 ? `${last.length} bytes` : checksumText(readUint32(last, 0));
  const hint = 'damaged or cut off?';
  throw expected('INTEGRITY', what, `Adler-32 ${checksumText(sum)} at its end`, got, { hint });
}

function typedError(what: string, cause: unknown): Error {
  if (cause instanceof TaesdError) return cause;
  if (cause instanceof RangeError) return outOfPngMemory(what, 'inflating', cause);
  const got = messageOf(cause);
  const code = (cause as { code?: unknown }).code === UNEXPECTED_END ? 'TRUNCATED' : 'INTEGRITY';
  return expected(code, what, 'a sound zlib stream', got, { hint: 'damaged file?', cause });
}
