import { startsWith } from '../first-bytes.ts';
import { firstEntryName } from '../zip/first-bytes.ts';

/*
 * The first bytes of torch's files, for programs that decide by content which reader to use.
 */

/** The end of the name of every archive's pickle. */
const PICKLE_NAME = '/data.pkl';
/** The part of an archive's end in which its directory is searched for the pickle. */
const TAIL_BYTES = 65536;

/**
 * Returns true for a zip archive that holds a `FOLDER/data.pkl`, as `torch.save` writes since
 * version 1.6. It stands first, so a damaged or cut file is recognised too. In archives of other
 * programs the directory at the end is searched.
 */
export function isTorch(bytes: Uint8Array): boolean {
  const first = firstEntryName(bytes);
  if (first === undefined) return false;
  return first.endsWith(PICKLE_NAME) || includes(bytes.subarray(-TAIL_BYTES), PICKLE_NAME);
}

/**
 * Returns true for a pickle without an archive: a file that torch wrote before version 1.6, or
 * another program's.
 */
export const isPickle = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5 && bytes.length > 2;

/** The number that torch's files begin with before version 1.6, as the pickle holds it. */
const LEGACY_MAGIC = '\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.';

/** Returns true for a file that torch wrote before version 1.6: five pickles, then the numbers. */
export const isLegacyTorch = (bytes: Uint8Array): boolean =>
  isPickle(bytes) && includes(bytes.subarray(0, 32), LEGACY_MAGIC);

/** Returns true for a tar, which torch wrote before version 0.2. */
export const isTar = (bytes: Uint8Array): boolean => startsWith(bytes.subarray(257), 'ustar');

/** Returns true if a text of one byte a character occurs in bytes. */
function includes(bytes: Uint8Array, text: string): boolean {
  const first = text.charCodeAt(0);
  for (let at = bytes.indexOf(first); at !== -1; at = bytes.indexOf(first, at + 1)) {
    if (startsWith(bytes.subarray(at), text)) return true;
  }
  return false;
}
