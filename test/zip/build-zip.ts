import { crc32, deflateRawSync } from 'node:zlib';
import { allJoined, fields, joined, utf8 } from '../bytes.ts';

/** A field of a record, by its offset and width, with a value that may be wrong. */
export type Patch = readonly [offset: number, width: 2 | 4 | 8, value: number];

/** A file of an archive made here. Any part may be wrong. */
export interface Part {
  readonly name: string | Uint8Array;
  readonly content?: Uint8Array;
  readonly deflated?: boolean;
  /** Replaces the packed content, but no field. */
  readonly packed?: Uint8Array;
  /** The size in both records. */
  readonly size?: number;
  readonly localExtra?: Uint8Array;
  readonly centralExtra?: Uint8Array;
  /** Flag bit 3: zeros in the local record, and these bytes after the content. */
  readonly descriptor?: 'short' | 'signed' | 'wide' | 'signed wide' | Uint8Array;
  readonly local?: readonly Patch[];
  readonly central?: readonly Patch[];
  readonly after?: Uint8Array;
}

export interface Ending {
  readonly comment?: Uint8Array;
  readonly end?: readonly Patch[];
  readonly zip64?: boolean;
  readonly zip64End?: readonly Patch[];
  readonly locator?: readonly Patch[];
}

function patched(record: Uint8Array, patches: readonly Patch[] = []): Uint8Array {
  for (const [offset, width, value] of patches) record.set(fields([width, value]), offset);
  return record;
}

/** Writes an archive: records, contents, directory, end records. */
export function zip(parts: readonly Part[], ending: Ending = {}): Uint8Array {
  const front: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const part of parts) {
    const { content = utf8('content'), localExtra = utf8(''), centralExtra = utf8('') } = part;
    const name = typeof part.name === 'string' ? utf8(part.name) : part.name;
    const body = part.packed ?? (part.deflated ? new Uint8Array(deflateRawSync(content)) : content);
    const size = part.size ?? content.length;
    const crc = crc32(content);
    const isLate = part.descriptor !== undefined;
    const both = (values: readonly number[]): Uint8Array =>
      fields(
        [2, 20],
        [2, isLate ? 0x808 : 0x800],
        [2, part.deflated ? 8 : 0],
        [2, 0],
        [2, 0x21],
        ...values.map((value) => [4, value] as const),
        [2, name.length],
      );
    const values = [crc, body.length, size];
    const local = joined(fields([4, 0x04034b50]), both(isLate ? [0, 0, 0] : values));
    const record = joined(
      patched(joined(local, fields([2, localExtra.length])), part.local),
      name,
      localExtra,
      body,
      isLate ? descriptorOf(part.descriptor, values) : utf8(''),
      part.after ?? utf8(''),
    );
    const central = joined(
      fields([4, 0x02014b50], [2, 20]),
      both(values),
      fields([2, centralExtra.length], [2, 0], [2, 0], [2, 0], [4, 0], [4, at]),
    );
    directory.push(patched(central, part.central), name, centralExtra);
    front.push(record);
    at += record.length;
  }
  const { comment = utf8('') } = ending;
  const listed = allJoined(directory);
  const counts = [parts.length, parts.length] as const;
  const end = fields(
    [4, 0x06054b50],
    [4, 0],
    ...counts.map((count) => [2, ending.zip64 ? 0xffff : count] as const),
    [4, ending.zip64 ? 0xffffffff : listed.length],
    [4, ending.zip64 ? 0xffffffff : at],
    [2, comment.length],
  );
  const zip64End = fields(
    [4, 0x06064b50],
    [8, 44],
    [4, 0],
    [8, 0],
    ...counts.map((count) => [8, count] as const),
    [8, listed.length],
    [8, at],
  );
  const locator = fields([4, 0x07064b50], [4, 0], [8, at + listed.length], [4, 1]);
  const wide = ending.zip64
    ? [patched(zip64End, ending.zip64End), patched(locator, ending.locator)]
    : [];
  return allJoined([...front, listed, ...wide, patched(end, ending.end), comment]);
}

function descriptorOf(kind: Part['descriptor'], values: readonly number[]): Uint8Array {
  if (kind instanceof Uint8Array) return kind;
  const [crc, packedSize, size] = values;
  const width = kind?.endsWith('wide') ? 8 : 4;
  const plain = fields([4, crc], [width, packedSize], [width, size]);
  return kind?.startsWith('signed') ? joined(fields([4, 0x08074b50]), plain) : plain;
}
