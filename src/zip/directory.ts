import { expected } from '../errors.ts';
import type { Directory } from './end-record.ts';
import { widenFields } from './extra.ts';
import { readU16, readU32 } from './fields.ts';
import { readName } from './names.ts';

/** `PK\1\2` */
const CENTRAL_SIGNATURE = 0x02014b50;
/** The bytes of a central record without name, extra fields and comment. */
const CENTRAL_BYTES = 46;

/** The content of an entry is stored as it is. */
export const STORED = 0;
/** The content of an entry is a raw DEFLATE stream. */
const DEFLATED = 8;

/** Other programs' methods, for messages. */
const METHODS = new Map([
  [1, 'shrunk'],
  [6, 'imploded'],
  [9, 'Deflate64'],
  [12, 'bzip2'],
  [14, 'LZMA'],
  [93, 'Zstandard'],
  [95, 'XZ'],
  [99, 'AES encryption'],
]);

/** Flags of a record: encrypted, patch data, strong encryption, masked local records. */
const ENCRYPTED = 0x0001;
const UNREADABLE = ENCRYPTED | 0x0020 | 0x0040 | 0x2000;

/** An entry as the central directory lists it. */
export interface CentralRecord {
  readonly name: string;
  /** The name as stored. */
  readonly nameBytes: Uint8Array;
  readonly flags: number;
  /** `STORED` or `DEFLATED` */
  readonly method: number;
  /** The CRC-32 of the content. */
  readonly crc: number;
  /** The number of bytes that hold the content. */
  readonly packedSize: number;
  /** The number of bytes of the content. */
  readonly size: number;
  /** The offset of the local record in the file. */
  readonly offset: number;
}

/**
 * Reads the central directory.
 *
 * @throws TaesdError FORMAT (another number of records, or a malformed one), UNSAFE (a name that
 *   occurs twice or leaves its folder), UNSUPPORTED (an encrypted entry, another method), LIMIT
 *   (more than `maxEntries`, a name that is too long)
 * Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.12
 */
export function readDirectory(
  bytes: Uint8Array,
  directory: Directory,
  maxEntries: number,
): CentralRecord[] {
  const { start, end, count } = directory;
  const what = 'directory of the zip archive';
  const rule = `${count} records in ${end - start} bytes`;
  const records: CentralRecord[] = [];
  const names = new Set<string>();
  let at = start;
  while (at < end) {
    if (records.length === maxEntries) {
      throw expected('LIMIT', 'archive', `at most ${maxEntries} entries`, `${count}`);
    }
    if (records.length === count) throw expected('FORMAT', what, rule, 'more');
    const fits = at + CENTRAL_BYTES <= end && readU32(bytes, at) === CENTRAL_SIGNATURE;
    const next = fits ? centralEnd(bytes, at) : Infinity;
    if (next > end) {
      throw expected('FORMAT', what, rule, `no whole record at byte ${at}`);
    }
    const record = readCentral(bytes, at);
    if (names.has(record.name)) {
      throw expected('UNSAFE', what, 'each name once', `${record.name} twice`);
    }
    names.add(record.name);
    records.push(record);
    at = next;
  }
  if (records.length < count) throw expected('FORMAT', what, rule, `${records.length}`);
  return records;
}

const centralEnd = (bytes: Uint8Array, at: number): number =>
  at + CENTRAL_BYTES + readU16(bytes, at + 28) + readU16(bytes, at + 30) + readU16(bytes, at + 32);

function readCentral(bytes: Uint8Array, at: number): CentralRecord {
  const nameEnd = at + CENTRAL_BYTES + readU16(bytes, at + 28);
  const nameBytes = bytes.subarray(at + CENTRAL_BYTES, nameEnd);
  const name = readName(nameBytes);
  const what = entryText(name);
  const flags = readU16(bytes, at + 8);
  const method = readU16(bytes, at + 10);
  checkReadable(what, flags, method);
  const narrow = {
    packedSize: readU32(bytes, at + 20),
    size: readU32(bytes, at + 24),
    disk: readU16(bytes, at + 34),
    offset: readU32(bytes, at + 42),
  };
  const extra = { start: nameEnd, end: nameEnd + readU16(bytes, at + 30) };
  const { disk, ...sizes } = widenFields(what, narrow, bytes, extra);
  if (disk !== 0) throw expected('FORMAT', what, 'an archive in one file', `disk ${disk}`);
  if (method === STORED && sizes.packedSize !== sizes.size) {
    const rule = `as many stored bytes as its size, ${sizes.size}`;
    throw expected('FORMAT', what, rule, `${sizes.packedSize}`);
  }
  return { name, nameBytes, flags, method, crc: readU32(bytes, at + 16), ...sizes };
}

/** The words for an entry in messages. */
export const entryText = (name: string): string => `entry ${name}`;

function checkReadable(what: string, flags: number, method: number): void {
  if (flags & UNREADABLE) {
    const got = flags & ENCRYPTED ? 'an encrypted one' : `flags 0x${flags.toString(16)}`;
    throw expected('UNSUPPORTED', what, 'an entry that is not encrypted', got);
  }
  if (method !== STORED && method !== DEFLATED) {
    const name = METHODS.get(method);
    const got = name === undefined ? `method ${method}` : `method ${method}, ${name}`;
    throw expected('UNSUPPORTED', what, 'a stored or deflated entry', got);
  }
}
