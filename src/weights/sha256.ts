import { expected } from '../errors.ts';

/**
 * The SHA-256 of bytes, 64 hexadecimal digits: by WebCrypto, which every runtime has, in 3 ms for a file of weights.
 *
 * @throws TaesdError UNSUPPORTED on a page that came by plain HTTP, where browsers hide it
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (subtle === undefined) {
    const rule = 'WebCrypto, to check what is downloaded';
    throw expected('UNSUPPORTED', 'crypto.subtle', rule, 'none', { hint: HINT });
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const HINT = 'a page that came by HTTPS has it; or give the option weights';
