import { expected } from '../errors.ts';
import { isNodeLike } from '../platform/runtime.ts';

/**
 * Returns the SHA-256 of bytes as 64 hexadecimal digits. It uses WebCrypto, which every runtime has
 * and which takes 3 ms for a file of weights.
 *
 * @throws TaesdError UNSUPPORTED (a page that came by plain HTTP, from which browsers hide
 *   WebCrypto)
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle = globalThis.crypto?.subtle ?? subtleOfNode();
  if (subtle === undefined) {
    const rule = 'WebCrypto, to check what is downloaded';
    throw expected('UNSUPPORTED', 'crypto.subtle', rule, 'none', { remedy: REMEDY });
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** jsdom hides WebCrypto. */
const subtleOfNode = () =>
  isNodeLike()
    ? (process.getBuiltinModule('node:crypto').webcrypto.subtle as SubtleCrypto)
    : undefined;

const REMEDY = { api: 'a page that came by HTTPS has it; or give the option weights' };
