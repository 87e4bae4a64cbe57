import { allocateBytes } from '../allocate.ts';
import { inflateInto, MAX_RATIO } from '../deflate/index.ts';
import { expected } from '../errors.ts';

/**
 * Inflates a raw DEFLATE stream that must give exactly `size` bytes and end with `packed`.
 *
 * Memory: `size` bytes, which are checked against the size of the input first.
 *
 * @param what    the entry, for messages
 * @param packed  the whole stream
 * @param size    the size that the directory states
 * @throws TaesdError LIMIT (more bytes than stated, or more stated than the stream can hold),
 *   TRUNCATED (fewer bytes), FORMAT (not a DEFLATE stream, or other bytes after it), OOM
 */
export function inflate(what: string, packed: Uint8Array, size: number): Uint8Array {
  const rule = `${size} bytes after inflating, as the directory states`;
  if (packed.length === 0) throw expected('TRUNCATED', what, 'a deflate stream', '0 bytes');
  if (size > packed.length * MAX_RATIO) {
    const got = `${packed.length} packed bytes, too few for that`;
    throw expected('LIMIT', what, rule, got);
  }
  const output = allocateBytes(what, size);
  const { end, filled, at, fault = '' } = inflateInto(output, packed);
  if (end === 'full') {
    throw expected('LIMIT', what, rule, 'more', { hint: 'a decompression bomb?' });
  }
  if (end === 'damaged') {
    throw expected('FORMAT', what, 'a sound deflate stream', fault, { hint: 'damaged file?' });
  }
  if (end === 'short' || filled < size) {
    throw expected('TRUNCATED', what, rule, `${filled}`, { hint: 'cut off?' });
  }
  if (at < packed.length) {
    const got = `${packed.length - at} bytes after it`;
    throw expected('FORMAT', what, 'a deflate stream to its end', got);
  }
  return output;
}
