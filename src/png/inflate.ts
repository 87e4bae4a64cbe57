import { Inflate } from 'fflate';
import { expected, messageOf, TaesdError } from '../errors.ts';
import { allocateBytes, outOfMemory } from './allocate.ts';
import { adler32, checksumText } from './checksums.ts';
import { readUint32 } from './header.ts';

/** 258 bytes from two bits: no DEFLATE stream can grow by more. */
const HIGHEST_RATIO = 1032;
/**
 * Input handed to fflate at once. It inflates a piece whole before anyone can object, so a bomb
 * gets at most 1032 × 16 KiB ≈ 17 MB past the cap. Smaller pieces cost time: fflate clears 160 KiB
 * for each.
 */
const PIECE_BYTES = 16384;
/**
 * Input without output after which the stream is taken to have ended: a stored block, the longest
 * thing fflate waits for, has 64 KiB. Past its end fflate keeps and copies all it is given, in
 * quadratic time.
 */
const IDLE_BYTES = 131072;
/** fflate's error code for input that ends too early. */
const UNEXPECTED_END = 0;

/**
 * Inflates a zlib stream that must give exactly `length` bytes. Memory: `length`, which is checked
 * against what the input can give, and about 40 MB at most for fflate. Bytes after the stream are
 * ignored, as libpng does (with a warning); the Adler-32 must match, which fflate does not check.
 * What of DEFLATE itself is refused is fflate's choice: it does not compare the two lengths of a stored
 * block (LEN and NLEN), so one with a wrong NLEN passes if the Adler-32 of what comes out is right.
 * Source: RFC 1950, RFC 1951, https://www.w3.org/TR/png-3/#10CompressionCM0
 *
 * @param what        how messages call the stream: `IDAT at byte 41`
 * @param compressed  the whole stream
 * @param length      the bytes that the picture's header calls for
 * @throws TaesdError TRUNCATED (gives less), LIMIT (gives more), INTEGRITY (no zlib stream, preset
 *   dictionary, damaged data, wrong Adler-32), OOM
 */
export function inflateExactly(what: string, compressed: Uint8Array, length: number): Uint8Array {
  checkZlibHeader(what, compressed);
  const rule = `to inflate to ${length} bytes, as IHDR says`;
  if (length > compressed.length * HIGHEST_RATIO) {
    const got = `${compressed.length} compressed bytes, too few for that`;
    throw expected('TRUNCATED', what, rule, got, { hint: 'cut off?' });
  }
  const output = allocateBytes('scanlines', length);
  let filled = 0;
  const stream = new Inflate((piece) => {
    if (piece.length > length - filled) {
      throw expected('LIMIT', what, rule, 'more', { hint: 'a decompression bomb?' });
    }
    output.set(piece, filled);
    filled += piece.length;
  });

  // The piece in which the last byte of output came: what follows the stream follows here.
  let lastPieceAt = 2;
  try {
    for (let at = 2, idle = 0; at < compressed.length && idle <= IDLE_BYTES; at += PIECE_BYTES) {
      const before = filled;
      stream.push(compressed.subarray(at, at + PIECE_BYTES));
      idle = filled > before ? 0 : idle + PIECE_BYTES;
      if (filled > before) lastPieceAt = at;
    }
  } catch (cause) {
    throw typedError(what, rule, cause);
  }
  if (filled < length) throw expected('TRUNCATED', what, rule, `${filled}`, { hint: 'cut off?' });
  checkAdler(what, compressed.subarray(lastPieceAt), adler32(output));
  return output;
}

/** The two bytes before the compressed data: method, window, dictionary, and a check of these. */
function checkZlibHeader(what: string, compressed: Uint8Array): void {
  if (compressed.length < 2) {
    const got = `${compressed.length}`;
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
 * fflate does not tell where the stream ended. In a sound file its Adler-32 is the last thing in
 * the data; where bytes follow it, it is looked for from the piece on that finished the output.
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

function typedError(what: string, rule: string, cause: unknown): Error {
  if (cause instanceof TaesdError) return cause;
  if (cause instanceof RangeError) return outOfMemory(what, 'inflating', cause);
  const got = messageOf(cause);
  const code = (cause as { code?: unknown }).code === UNEXPECTED_END ? 'TRUNCATED' : 'INTEGRITY';
  return expected(code, what, rule, got, { hint: 'damaged file?', cause });
}
