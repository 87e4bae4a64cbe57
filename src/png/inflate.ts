import { adler32, checksumText } from '../checksums.ts';
import { inflateInto, MAX_RATIO } from '../deflate/index.ts';
import { expected } from '../errors.ts';
import { allocatePngBytes } from './allocate.ts';
import { readUint32 } from './layout.ts';

/** The bytes of the checksum after a zlib stream. */
const ADLER_BYTES = 4;

/**
 * Inflates a zlib stream that must give at least `length` bytes.
 *
 * Memory: `length` bytes, which are checked against the size of the input first. The stream is held
 * to the rules of zlib, and its Adler-32 must match. There is one leniency: a stream that goes on
 * with more than the picture holds is left there, and its Adler-32 is not checked, since that would
 * mean to inflate all of it. Browsers show such pictures, and the CRC of the chunks still covers
 * them. Bytes after the stream are ignored, as libpng does with a warning.
 * Source: RFC 1950, RFC 1951, https://www.w3.org/TR/png-3/#10CompressionCM0
 *
 * @param what        the stream's name in messages: `IDAT at byte 41`
 * @param compressed  the whole stream
 * @param length      the number of bytes for the size in the picture's header
 * @throws TaesdError TRUNCATED (gives fewer bytes, or ends before its Adler-32), INTEGRITY (not a
 *   zlib stream, preset dictionary, damaged data, wrong Adler-32), OOM
 */
export function inflateExactly(what: string, compressed: Uint8Array, length: number): Uint8Array {
  checkZlibHeader(what, compressed);
  const rule = `${length} bytes after inflating, as IHDR requires`;
  if (length > compressed.length * MAX_RATIO) {
    const got = `${compressed.length} compressed bytes, too few for that`;
    throw expected('TRUNCATED', what, rule, got, { hint: 'cut off?' });
  }
  const output = allocatePngBytes('scanlines', length);
  const { end, filled, at, fault = '' } = inflateInto(output, compressed, 2);
  if (end === 'damaged') {
    throw expected('INTEGRITY', what, 'a sound zlib stream', fault, { hint: 'damaged file?' });
  }
  if (filled < length) throw expected('TRUNCATED', what, rule, `${filled}`, { hint: 'cut off?' });
  if (end === 'full') return output;
  if (end === 'short' || at + ADLER_BYTES > compressed.length) {
    const got = `${compressed.length} bytes without it`;
    throw expected('TRUNCATED', what, 'a zlib stream to its Adler-32', got, { hint: 'cut off?' });
  }
  const sum = adler32(output);
  const stored = readUint32(compressed, at);
  if (sum !== stored) {
    const hint = 'damaged or cut off?';
    const adler = `Adler-32 ${checksumText(sum)} at its end`;
    throw expected('INTEGRITY', what, adler, checksumText(stored), { hint });
  }
  return output;
}

/**
 * Inflates a zlib stream of an ancillary chunk: a colour profile.
 *
 * @param maxBytes  the largest number of bytes it may give
 * @returns the bytes, or a sentence's end that says why there are none
 */
export function inflateAtMost(compressed: Uint8Array, maxBytes: number): Uint8Array | string {
  if (compressed.length < 2 || !isZlibHeader(compressed) || compressed[1] & PRESET) {
    return 'no zlib stream';
  }
  const room = Math.min(maxBytes, compressed.length * MAX_RATIO);
  const output = allocatePngBytes('profile', room);
  const { end, filled, at } = inflateInto(output, compressed, 2);
  if (end === 'full') return `more than ${maxBytes} bytes`;
  if (end !== 'ended' || at + ADLER_BYTES > compressed.length) return 'a damaged zlib stream';
  const bytes = output.slice(0, filled);
  return adler32(bytes) === readUint32(compressed, at) ? bytes : 'a damaged zlib stream';
}

/** The flag of a stream that needs a preset dictionary. */
const PRESET = 32;

const isZlibHeader = ([method, flags]: Uint8Array): boolean =>
  (method & 15) === 8 && method >> 4 <= 7 && (method * 256 + flags) % 31 === 0;

/** Checks the two bytes before the compressed data: method, window, dictionary and check bits. */
function checkZlibHeader(what: string, compressed: Uint8Array): void {
  if (compressed.length < 2) {
    const got = `${compressed.length} bytes`;
    throw expected('TRUNCATED', what, 'a zlib header of 2 bytes', got, { hint: 'cut off?' });
  }
  const [method, flags] = compressed;
  if (!isZlibHeader(compressed)) {
    const got = `bytes ${method.toString(16).padStart(2, '0')} ${flags.toString(16).padStart(2, '0')}`;
    throw expected('INTEGRITY', what, 'a zlib header', got, { hint: 'damaged file?' });
  }
  if (flags & PRESET) {
    throw expected('INTEGRITY', what, 'no preset dictionary', 'a zlib stream that needs one');
  }
}
