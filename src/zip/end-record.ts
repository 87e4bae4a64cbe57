import { expected, type TaesdError } from '../errors.ts';
import { MAX_U16, MAX_U32, readU16, readU32, readU64 } from './fields.ts';

/** `PK\5\6` */
const END_SIGNATURE = 0x06054b50;
/** `PK\6\6` */
const ZIP64_END_SIGNATURE = 0x06064b50;
/** `PK\6\7` */
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;

/** The bytes of an end record without its comment. */
const END_BYTES = 22;
const ZIP64_LOCATOR_BYTES = 20;
/** The bytes of a zip64 end record without its extensible data. */
const ZIP64_END_BYTES = 56;
/** The longest comment: its length has 16 bits. */
const MAX_COMMENT = 0xffff;

/** The place of the central directory, which lists an archive's entries. */
export interface Directory {
  readonly start: number;
  readonly end: number;
  /** The number of entries it must list. */
  readonly count: number;
}

/**
 * Finds the central directory by the end record, the last part of an archive:
 *
 *     ├ entries ┼ directory ┼ zip64 end record, locator ┼ end record, comment ┤
 *
 * Programs differ in how they search for the end record, and so may read other entries out of one
 * file. Only a file in which all of them find the same record is accepted: exactly one record whose
 * comment ends with the file, and the directory directly before it.
 *
 * @throws TaesdError TRUNCATED (no end record), FORMAT (bytes after the end record, the directory
 *   elsewhere, several disks, a broken zip64 record), UNSAFE (two end records that fit)
 * Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.14 to 4.3.16
 */
export function findDirectory(bytes: Uint8Array): Directory {
  const at = findEndRecord(bytes);
  const fields: EndFields = {
    disk: readU16(bytes, at + 4),
    directoryDisk: readU16(bytes, at + 6),
    countHere: readU16(bytes, at + 8),
    count: readU16(bytes, at + 10),
    size: readU32(bytes, at + 12),
    start: readU32(bytes, at + 16),
  };
  const locatorAt = at - ZIP64_LOCATOR_BYTES;
  const isZip64 = locatorAt >= 0 && readU32(bytes, locatorAt) === ZIP64_LOCATOR_SIGNATURE;
  if (!isZip64) return checkFields(fields, at);
  const zip64At = findZip64Record(bytes, locatorAt);
  const wide: EndFields = {
    disk: readU32(bytes, zip64At + 16),
    directoryDisk: readU32(bytes, zip64At + 20),
    countHere: readU64(bytes, zip64At + 24),
    count: readU64(bytes, zip64At + 32),
    size: readU64(bytes, zip64At + 40),
    start: readU64(bytes, zip64At + 48),
  };
  checkAgreement(fields, wide);
  return checkFields(wide, zip64At);
}

/** The fields that the end record and the zip64 end record share. */
interface EndFields {
  readonly disk: number;
  readonly directoryDisk: number;
  readonly countHere: number;
  readonly count: number;
  readonly size: number;
  readonly start: number;
}

/** Returns the offset of the one end record whose comment ends with the file. */
function findEndRecord(bytes: Uint8Array): number {
  const first = Math.max(0, bytes.length - END_BYTES - MAX_COMMENT);
  let found = -1;
  let earlierEnd: number | undefined;
  for (let at = first; at + END_BYTES <= bytes.length; at++) {
    if (bytes[at] !== 0x50 || readU32(bytes, at) !== END_SIGNATURE) continue;
    const end = at + END_BYTES + readU16(bytes, at + 20);
    if (end < bytes.length) earlierEnd = end;
    if (end !== bytes.length) continue;
    if (found >= 0) {
      const got = `two, at bytes ${found} and ${at}`;
      throw expected('UNSAFE', 'zip archive', 'one end record', got, {
        hint: 'a second archive in its comment?',
      });
    }
    found = at;
  }
  if (found >= 0) {
    checkComment(bytes, found);
    return found;
  }
  if (earlierEnd !== undefined) {
    const got = `${bytes.length - earlierEnd} more bytes`;
    throw expected('FORMAT', 'zip archive', `its end at byte ${earlierEnd}`, got);
  }
  throw expected('TRUNCATED', 'zip archive', 'an end record', 'none', { hint: 'cut off?' });
}

/** Checks that the comment holds no second end record, which other programs would find first. */
function checkComment(bytes: Uint8Array, endAt: number): void {
  for (let at = endAt + END_BYTES; at + 4 <= bytes.length; at++) {
    if (bytes[at] !== 0x50 || readU32(bytes, at) !== END_SIGNATURE) continue;
    throw expected('UNSAFE', 'comment of the zip archive', 'plain text', 'an end record', {
      hint: 'a second archive in it?',
    });
  }
}

/** Returns the offset of the zip64 end record, which must end where its locator begins. */
function findZip64Record(bytes: Uint8Array, locatorAt: number): number {
  const disk = readU32(bytes, locatorAt + 4);
  const at = readU64(bytes, locatorAt + 8);
  const disks = readU32(bytes, locatorAt + 16);
  if (disk !== 0 || disks > 1) throw severalDisks();
  const isThere = at + ZIP64_END_BYTES <= locatorAt && readU32(bytes, at) === ZIP64_END_SIGNATURE;
  if (!isThere || at + 12 + readU64(bytes, at + 4) !== locatorAt) {
    const rule = `a record at byte ${at} that ends at byte ${locatorAt}`;
    throw expected('FORMAT', 'zip64 end record', rule, 'none');
  }
  return at;
}

/** Checks that each field of the end record agrees with the zip64 record, or points to it. */
function checkAgreement(narrow: EndFields, wide: EndFields): void {
  const maxima: EndFields = {
    disk: MAX_U16,
    directoryDisk: MAX_U16,
    countHere: MAX_U16,
    count: MAX_U16,
    size: MAX_U32,
    start: MAX_U32,
  };
  for (const key of Object.keys(maxima) as (keyof EndFields)[]) {
    if (narrow[key] === maxima[key] || narrow[key] === wide[key]) continue;
    const got = `${wide[key]} in its zip64 record`;
    throw expected('UNSAFE', 'end record of the zip archive', `${key} ${narrow[key]}`, got);
  }
}

/** @param end  the offset of the first end record, at which the directory ends */
function checkFields({ disk, directoryDisk, countHere, ...rest }: EndFields, end: number) {
  const { count, size, start } = rest;
  if (disk !== 0 || directoryDisk !== 0 || countHere !== count) throw severalDisks();
  if (start + size !== end) {
    const rule = `its end at byte ${end}, where the end record begins`;
    const hint = start + size > end ? undefined : 'bytes before or within the archive?';
    const got = `${size} bytes from byte ${start} on`;
    throw expected('FORMAT', 'directory of the zip archive', rule, got, { hint });
  }
  return { start, end, count };
}

const severalDisks = (): TaesdError =>
  expected('FORMAT', 'zip archive', 'an archive in one file', 'one file of several');
