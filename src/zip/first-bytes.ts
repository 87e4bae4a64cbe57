import { startsWith } from '../first-bytes.ts';
import { readU16 } from './fields.ts';

/** The signature of an entry's local record, which an archive begins with. */
const LOCAL = 'PK\x03\x04';
/** The signature of the end record, which an empty archive begins with. */
const END = 'PK\x05\x06';
/** Bytes of a local record before the entry's name. */
const NAME_AT = 30;

/**
 * Returns true if bytes begin as a zip archive does: with its first entry, or with the end record
 * of an empty one.
 */
export const isZip = (bytes: Uint8Array): boolean =>
  startsWith(bytes, LOCAL) || startsWith(bytes, END);

/**
 * Returns the name of an archive's first entry, one character a byte; undefined for other files and
 * empty archives. A file that is cut within the name gives the part that is there.
 */
export function firstEntryName(bytes: Uint8Array): string | undefined {
  if (!startsWith(bytes, LOCAL)) return undefined;
  let name = '';
  const end = Math.min(NAME_AT + readU16(bytes, 26), bytes.length);
  for (let at = NAME_AT; at < end; at++) name += String.fromCharCode(bytes[at]);
  return name;
}
