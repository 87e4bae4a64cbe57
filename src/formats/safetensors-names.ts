import { lenientText } from '../builtins/text.ts';
import { isSafetensors } from '../first-bytes.ts';

/** Headers of latents are short. A longer one is that of weights. */
const MAX_SEARCHED = 2 ** 20;

/**
 * Returns true for a safetensors file whose header has a key that matches. It reads no more than
 * the header's first MiB, and the file may be damaged: its format then says how.
 */
export function holdsTensor(bytes: Uint8Array, name: RegExp): boolean {
  if (!isSafetensors(bytes)) return false;
  const { buffer, byteOffset } = bytes;
  const length = new DataView(buffer, byteOffset, 4).getUint32(0, true);
  const header = lenientText(bytes.slice(8, 8 + Math.min(length, MAX_SEARCHED)));
  for (const [, key] of header.matchAll(/"([^"\\]{1,200})"\s*:\s*\{/g))
    if (name.test(key)) return true;
  return false;
}
