import { expected } from '../errors.ts';
import { MAX_U16, MAX_U32, readU16, readU32, readU64 } from './fields.ts';

/** The tag of the extra field that holds the numbers too large for a record's own fields. */
const ZIP64_TAG = 1;

/** A part of the file: `[start, end)`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The fields of a record that may be too small for their numbers. */
export interface WideFields {
  readonly size: number;
  readonly packedSize: number;
  /** Central records alone have it. */
  readonly offset: number;
  /** Central records alone have it. */
  readonly disk: number;
}

/**
 * Returns a record's numbers. Those whose field holds its largest value stand in the zip64 extra
 * field, in the order of `WideFields`.
 *
 * @param what   the record, for messages
 * @param range  the place of the record's extra fields
 * @throws TaesdError FORMAT (extra fields that do not fit, two zip64 fields, or one that is too
 *   short)
 * Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.5.3
 */
export function widenFields(
  what: string,
  fields: WideFields,
  bytes: Uint8Array,
  range: Range,
): WideFields {
  const zip64 = findZip64(what, bytes, range);
  let at = zip64?.start ?? 0;
  const next = (length: number): number => {
    at += length;
    if (zip64 === undefined || at > zip64.end) {
      const got = zip64 === undefined ? 'none' : `${zip64.end - zip64.start} bytes`;
      throw expected('FORMAT', what, 'a zip64 extra field with its sizes', got);
    }
    return length === 4 ? readU32(bytes, at - 4) : readU64(bytes, at - 8);
  };
  const wide = (value: number): number => (value === MAX_U32 ? next(8) : value);
  return {
    size: wide(fields.size),
    packedSize: wide(fields.packedSize),
    offset: wide(fields.offset),
    disk: fields.disk === MAX_U16 ? next(4) : fields.disk,
  };
}

/** Walks all extra fields: a tag, a length, and as many bytes. */
function findZip64(what: string, bytes: Uint8Array, { start, end }: Range): Range | undefined {
  let found: Range | undefined;
  for (let at = start; at < end; ) {
    const from = at + 4;
    const to = from <= end ? from + readU16(bytes, at + 2) : Infinity;
    if (to > end) {
      const got = `${end - at} bytes at the end`;
      throw expected('FORMAT', what, 'whole extra fields', got);
    }
    if (readU16(bytes, at) === ZIP64_TAG) {
      if (found !== undefined) throw expected('FORMAT', what, 'one zip64 extra field', 'two');
      found = { start: from, end: to };
    }
    at = to;
  }
  return found;
}
