import { checksumText, crc32 } from '../checksums.ts';
import { inflateInto, MAX_RATIO } from '../deflate/index.ts';
import { expected } from '../errors.ts';
import { contentLimit } from '../zip/content-limit.ts';
import { inflate } from '../zip/inflate.ts';

/*
 * Whole files that were gzipped, as SimpleTuner does with its cache.
 *
 *     magic 1f 8b · method · flags · time u32 · level · system · [extra] [name] [comment] [crc16]
 *     deflate stream · CRC-32 u32 · size u32
 *
 * Source: RFC 1952
 */

/** The size that any content may have, such as latents of a flat picture. */
const SMALL_BYTES = 2 ** 22;

/** The part of the content that decides whether the rest is worth its memory. */
const HEAD_BYTES = 8192;

const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const [CRC16, EXTRA, NAME, COMMENT] = [2, 4, 8, 16];

/**
 * Returns the content of a gzip file with one member.
 *
 * @param checkHead  called with the first 8 KiB of longer content before memory is taken for all
 *   of it. It throws if they begin a file that is not read
 * @throws TaesdError TRUNCATED, FORMAT, UNSUPPORTED (another method), LIMIT (over 4 MiB and over
 *   64 sizes of the file), INTEGRITY (another CRC-32), OOM
 */
export function gunzip(bytes: Uint8Array, checkHead: (head: Uint8Array) => void): Uint8Array {
  const start = headerLength(bytes);
  const end = bytes.length - TRAILER_BYTES;
  if (end < start) throw tooShort(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset + end, TRAILER_BYTES);
  const [crc, size] = [view.getUint32(0, true), view.getUint32(4, true)];
  if (size > MAX_RATIO * (end - start)) {
    // These bytes are not the size: the end of the file is missing.
    const rule = 'a checksum and a size at the end';
    throw expected('TRUNCATED', 'gzip', rule, 'other bytes', { hint: 'is the file cut off?' });
  }
  const max = contentLimit(bytes, SMALL_BYTES);
  if (size > max) {
    const rule = `at most ${max} bytes of content`;
    throw expected('LIMIT', 'gzip', rule, `${size}`, { hint: 'a decompression bomb?' });
  }
  const packed = bytes.subarray(start, end);
  const head = new Uint8Array(HEAD_BYTES);
  if (inflateInto(head, packed).end === 'full') checkHead(head);
  const content = inflate('gzip', packed, size);
  const actual = crc32(content, 0, content.length);
  if (actual === crc) return content;
  const got = checksumText(actual);
  throw expected('INTEGRITY', 'gzip', `CRC ${checksumText(crc)}`, got, { hint: 'damaged file?' });
}

/** Returns the length of the header with its optional fields. */
function headerLength(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES + TRAILER_BYTES) throw tooShort(bytes);
  const [, , method, flags] = bytes;
  if (method !== 8) throw expected('UNSUPPORTED', 'gzip method', '8, deflate', `${method}`);
  if (flags > 31) throw expected('FORMAT', 'gzip flags', 'at most 31', `${flags}`);
  let at = HEADER_BYTES;
  if (flags & EXTRA) at += 2 + (bytes[at] | (bytes[at + 1] << 8));
  for (const flag of [NAME, COMMENT]) {
    if (!(flags & flag)) continue;
    const zero = bytes.indexOf(0, at);
    if (zero < 0) throw tooShort(bytes);
    at = zero + 1;
  }
  return flags & CRC16 ? at + 2 : at;
}

const tooShort = (bytes: Uint8Array) =>
  expected('TRUNCATED', 'gzip', 'a header, data, a checksum and a size', `${bytes.length} bytes`);
