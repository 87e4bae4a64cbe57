import { checksumText, crc32 } from '../checksums.ts';
import { expected } from '../errors.ts';
import { hexText } from '../first-bytes.ts';
import { contentLimit } from './content-limit.ts';
import { type CentralRecord, entryText, readDirectory, STORED } from './directory.ts';
import { findDirectory } from './end-record.ts';
import type { Range } from './extra.ts';
import { isZip } from './first-bytes.ts';
import { inflate } from './inflate.ts';
import { findContents } from './local-record.ts';

/** A file of an archive. */
export interface ZipEntry {
  readonly name: string;
  /** The number of bytes that `read` returns. */
  readonly size: number;
  /**
   * Returns the content: a view of the archive if it is stored, otherwise new bytes.
   *
   * @throws TaesdError INTEGRITY (its CRC-32 differs, also where the archive was written without
   *   checksums, as torch 2.6 can), LIMIT (it inflates to more than `maxBytes` or than it states),
   *   TRUNCATED, FORMAT (a broken deflate stream), OOM
   */
  read(): Uint8Array;
}

/** Options of `readZip`. */
export interface ZipOptions {
  /** The maximum size of an entry that must be inflated, in bytes. Defaults to 2²⁸ (268 MB). */
  readonly maxBytes?: number | undefined;
  /** The maximum number of entries, folders too. Defaults to no limit. */
  readonly maxEntries?: number | undefined;
}

const DEFAULT_MAX_BYTES = 2 ** 28;

/**
 * Reads the records of a zip archive. Everything but the contents is checked before it returns, and
 * no content is copied or inflated before its `read`. Time and memory are linear in the records.
 *
 * It is stricter than other programs: it reads only archives in which every program finds the same
 * entries. Each byte belongs to one entry or one record, and all records agree.
 *
 * @param bytes  the whole archive
 * @returns the files by name, in the directory's order. Entries for folders are left out.
 * @throws TaesdError
 *   TRUNCATED: no end record.
 *   FORMAT: not an archive; records that do not fit; bytes before, between or after the entries;
 *   several disks.
 *   UNSAFE: records that disagree, a second end record, entries that overlap, a name that occurs
 *   twice or leaves its folder.
 *   UNSUPPORTED: an encrypted entry; a method other than stored and deflated.
 *   LIMIT: too many entries, a name of over 4096 bytes.
 * Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export function readZip(
  bytes: Uint8Array,
  { maxBytes = DEFAULT_MAX_BYTES, maxEntries = Infinity }: ZipOptions = {},
): ReadonlyMap<string, ZipEntry> {
  if (!isZip(bytes)) {
    const rule = 'a zip archive, which begins with PK';
    const code = bytes.length < 4 ? 'TRUNCATED' : 'FORMAT';
    throw expected(
      code,
      'bytes',
      rule,
      bytes.length === 0 ? '0 bytes' : `bytes ${hexText(bytes, 4)}`,
    );
  }
  const directory = findDirectory(bytes);
  const records = readDirectory(bytes, directory, maxEntries);
  const contents = findContents(bytes, records, directory.start);
  const entries = new Map<string, ZipEntry>();
  for (const record of records) {
    const { name, size } = record;
    if (isFolder(record)) continue;
    const { start, end } = contents.get(record) as Range;
    const read = () => readContent(record, bytes.subarray(start, end), maxBytes);
    entries.set(name, { name, size, read });
  }
  return entries;
}

function readContent(record: CentralRecord, packed: Uint8Array, maxBytes: number): Uint8Array {
  const what = entryText(record.name);
  const content = record.method === STORED ? packed : unpack(record, packed, maxBytes);
  const crc = crc32(content, 0, content.length);
  if (crc !== record.crc) {
    const hint = record.crc === 0 ? 'written without checksums, or damaged?' : 'damaged file?';
    const got = checksumText(crc);
    throw expected('INTEGRITY', what, `CRC ${checksumText(record.crc)}`, got, { hint });
  }
  return content;
}

function unpack({ name, size }: CentralRecord, packed: Uint8Array, maxBytes: number): Uint8Array {
  if (size > maxBytes) {
    throw expected('LIMIT', entryText(name), `at most ${maxBytes} bytes`, `${size}`);
  }
  return inflate(entryText(name), packed, size);
}

/** Returns true for a folder's entry. @throws TaesdError FORMAT (a folder with content) */
function isFolder({ name, size }: CentralRecord): boolean {
  if (!name.endsWith('/')) return false;
  if (size > 0)
    throw expected('FORMAT', entryText(name), 'a folder without content', `${size} bytes`);
  return true;
}

/**
 * Reads an archive of numbers, whose contents together are bounded by `contentLimit`.
 *
 * @param maxEntries  the maximum number of entries
 * @param smallBytes  the size that the contents of any archive may have together
 * @throws TaesdError as `readZip`; LIMIT (larger contents)
 */
export function readNumbersZip(
  bytes: Uint8Array,
  maxEntries: number,
  smallBytes?: number,
): ReadonlyMap<string, ZipEntry> {
  const maxBytes = contentLimit(bytes, smallBytes);
  const entries = readZip(bytes, { maxBytes, maxEntries });
  let total = 0;
  for (const { size } of entries.values()) total += size;
  if (total <= maxBytes) return entries;
  const rule = `at most ${maxBytes} bytes of content`;
  throw expected('LIMIT', 'archive', rule, `${total}`, { hint: 'a decompression bomb?' });
}
