import { allocateBytes } from '../allocate.ts';
import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { MAX_FRAME_BYTES } from './header.ts';

/** Characters for the bytes of the longest frame. */
const MAX_TEXT = 4 * Math.ceil(MAX_FRAME_BYTES / 3);

/**
 * Reads base64, as `data:` of a server-sent event holds a frame.
 *
 * @throws TaesdError FORMAT (not base64), LIMIT (longer than any frame), OOM
 */
export function bytesOfBase64(text: string): Uint8Array {
  if (text.length > MAX_TEXT) {
    const rule = `at most ${MAX_TEXT} characters of base64`;
    throw expected('LIMIT', 'frame', rule, `${text.length}`);
  }
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw expected('FORMAT', 'frame', 'base64', describe(text), { cause });
  }
  const bytes = allocateBytes('frame', binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
