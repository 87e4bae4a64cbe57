import { type ErrorCode, expected, type TaesdError } from '../errors.ts';
import { type CentralRecord, entryText } from './directory.ts';
import { type Range, widenFields } from './extra.ts';
import { readU16, readU32, readU64 } from './fields.ts';

/** `PK\3\4` */
const LOCAL_SIGNATURE = 0x04034b50;
/** `PK\7\8` */
const DESCRIPTOR_SIGNATURE = 0x08074b50;
/** The bytes of a local record without name and extra fields. */
const LOCAL_BYTES = 30;

/**
 * The flag of an entry whose CRC and sizes were not known when its local record was written. They
 * are 0 there, and stand in a descriptor after the content.
 */
const HAS_DESCRIPTOR = 0x0008;
/** Flags that do not change what an entry holds: the effort of deflating, and the descriptor. */
const HARMLESS = 0x0006 | HAS_DESCRIPTOR;

/**
 * Checks that the entries and the directory tile the file, and that each entry's local record
 * agrees with the central one:
 *
 *     0                                                        directory
 *     ├ local record, content, descriptor ┼ local record, … ┼ … ┤
 *
 * Programs that read an archive from its front and programs that read its directory then find the
 * same content. Entries are read in the order of the file and none is read twice, so the time is
 * linear whatever the directory states.
 *
 * @param directoryStart  the offset of the central directory
 * @returns the place of each entry's packed content
 * @throws TaesdError UNSAFE (records that differ, entries that overlap), FORMAT (no local record
 *   where one must be, content past the directory, bytes that belong to no entry)
 * Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7 to 4.3.9
 */
export function findContents(
  bytes: Uint8Array,
  records: readonly CentralRecord[],
  directoryStart: number,
): Map<CentralRecord, Range> {
  const contents = new Map<CentralRecord, Range>();
  let before: CentralRecord | undefined;
  let end = 0;
  for (const record of [...records].sort((a, b) => a.offset - b.offset)) {
    checkBetween(bytes, before, { start: end, end: record.offset });
    const content = readLocal(bytes, record, directoryStart);
    contents.set(record, content);
    before = record;
    end = content.end;
  }
  checkBetween(bytes, before, { start: end, end: directoryStart });
  return contents;
}

/** Checks a local record. Returns the place of the content after it. */
function readLocal(bytes: Uint8Array, record: CentralRecord, directoryStart: number): Range {
  const { name, nameBytes, flags, method, crc, packedSize, size, offset: at } = record;
  const isThere = at + LOCAL_BYTES <= directoryStart && readU32(bytes, at) === LOCAL_SIGNATURE;
  if (!isThere) throw fault('FORMAT', name, `a local record at byte ${at}`, 'none');
  const nameEnd = at + LOCAL_BYTES + readU16(bytes, at + 26);
  const start = nameEnd + readU16(bytes, at + 28);
  const end = start + packedSize;
  if (end > directoryStart) {
    const rule = `its end by byte ${directoryStart}, where the directory begins`;
    throw fault('FORMAT', name, rule, `${end}`);
  }

  const local = { name: bytes.subarray(at + LOCAL_BYTES, nameEnd), flags: readU16(bytes, at + 6) };
  const localCrc = readU32(bytes, at + 14);
  const narrow = {
    packedSize: readU32(bytes, at + 18),
    size: readU32(bytes, at + 22),
    offset: 0,
    disk: 0,
  };
  const extra = { start: nameEnd, end: start };
  const sizes = widenFields(`local record of ${entryText(name)}`, narrow, bytes, extra);
  const isLate = (local.flags & HAS_DESCRIPTOR) !== 0;
  const agrees = (value: number, central: number): boolean =>
    value === central || (isLate && value === 0);
  const differing = [
    isSame(local.name, nameBytes) || 'name',
    ((local.flags ^ flags) & ~HARMLESS) === 0 || 'flags',
    readU16(bytes, at + 8) === method || 'method',
    agrees(localCrc, crc) || 'CRC',
    agrees(sizes.packedSize, packedSize) || 'packed size',
    agrees(sizes.size, size) || 'size',
  ].find((field) => field !== true);
  if (differing !== undefined) {
    const rule = `a local record with the directory's ${differing}`;
    throw fault(
      'UNSAFE',
      name,
      rule,
      `another ${differing}`,
      'two readers would find two contents',
    );
  }
  return { start, end };
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Checks the bytes between the content of an entry and the next record: none, or a descriptor. */
function checkBetween(bytes: Uint8Array, before: CentralRecord | undefined, gap: Range): void {
  const length = gap.end - gap.start;
  if (length === 0) return;
  const what = before === undefined ? 'zip archive' : entryText(before.name);
  if (length < 0) {
    const got = `an overlap of ${-length} bytes`;
    throw expected('UNSAFE', what, 'bytes of its own', got);
  }
  if (before === undefined || !isDescriptor(bytes, before, gap)) {
    const rule =
      before === undefined
        ? `its first record at byte ${gap.start}`
        : `the next record at byte ${gap.start}, where it ends`;
    throw expected('FORMAT', what, rule, `${length} other bytes`);
  }
}

/**
 * Returns true for a descriptor that agrees with the central record: an optional signature, the CRC
 * and both sizes, of 4 or of 8 bytes. So its length is 12, 16, 20 or 24.
 */
function isDescriptor(bytes: Uint8Array, record: CentralRecord, { start, end }: Range): boolean {
  const length = end - start;
  if (![12, 16, 20, 24].includes(length)) return false;
  if (!(readU16(bytes, record.offset + 6) & HAS_DESCRIPTOR)) return false;
  const isSigned = length === 16 || length === 24;
  if (isSigned && readU32(bytes, start) !== DESCRIPTOR_SIGNATURE) return false;
  const at = isSigned ? start + 4 : start;
  const width = length < 20 ? 4 : 8;
  const read = width === 4 ? readU32 : readU64;
  return (
    readU32(bytes, at) === record.crc &&
    read(bytes, at + 4) === record.packedSize &&
    read(bytes, at + 4 + width) === record.size
  );
}

const fault = (
  code: ErrorCode,
  name: string,
  rule: string,
  got: string,
  hint?: string,
): TaesdError => expected(code, entryText(name), rule, got, { hint });
