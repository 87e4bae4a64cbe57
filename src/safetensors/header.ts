import { hasOwn } from '../builtins/newer.ts';
import { strictDecoder } from '../builtins/text.ts';
import { expected } from '../errors.ts';
import { OPEN_BRACE } from '../first-bytes.ts';
import { byteLength } from '../numbers/sizes.ts';
import { MAX_RANK, shapeText } from '../tensor.ts';
import { HeaderCursor } from './cursor.ts';
import { foreignFile } from './foreign-file.ts';
import { showName } from './show-name.ts';

/** The bytes of the header's length, an unsigned 64-bit little-endian number, which comes first. */
export const LENGTH_BYTES = 8;

/** The limit of the reference implementation, `MAX_HEADER_SIZE` in safetensors/src/tensor.rs. */
export const MAX_HEADER_BYTES = 100_000_000;

/** The key of the file's free text, string to string. All other keys are tensors. */
export const METADATA_KEY = '__metadata__';

/**
 * Bytes of an element, for each of the format's types that fills whole bytes. F4 and F6 pack
 * several elements into one byte. The sizes of tensors of other types are not checked.
 *
 * Source: `Dtype` in safetensors/src/tensor.rs
 */
const DTYPE_BYTES: Readonly<Record<string, number>> = {
  ...{ BOOL: 1, U8: 1, I8: 1 },
  ...{ F8_E4M3: 1, F8_E5M2: 1, F8_E8M0: 1, F8_E4M3FNUZ: 1, F8_E5M2FNUZ: 1 },
  ...{ I16: 2, U16: 2, F16: 2, BF16: 2 },
  ...{ I32: 4, U32: 4, F32: 4 },
  ...{ I64: 8, U64: 8, F64: 8, C64: 8 },
};

/** One tensor of the header. `begin` and `end` are byte offsets into the data after the header. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A header, each entry checked by itself. */
export interface SafetensorsHeader {
  readonly entries: readonly HeaderEntry[];
  readonly metadata: ReadonlyMap<string, string>;
  /** The offset of the tensors' data, in bytes from the file's start. */
  readonly dataStart: number;
}

/**
 * Reads the header and checks each entry by itself: its shape, type and length agree. `read.ts`
 * checks how the tensors lie side by side.
 *
 * @param maxTensors  the reading ends at the first tensor past these
 * @throws TaesdError TRUNCATED, LIMIT, FORMAT, UNSUPPORTED as `readSafetensors`
 */
export function readHeader(bytes: Uint8Array, maxTensors: number): SafetensorsHeader {
  const foreign = foreignFile(bytes);
  if (foreign !== undefined) throw foreign;
  const dataStart = LENGTH_BYTES + headerLength(bytes);
  const cursor = new HeaderCursor(headerText(bytes, dataStart));

  const entries: HeaderEntry[] = [];
  const metadata = new Map<string, string>();
  cursor.readObject('header', (name) => {
    if (name === METADATA_KEY) readMetadata(cursor, metadata);
    else if (entries.length < maxTensors) entries.push(readEntry(cursor, name));
    else throw expected('LIMIT', 'tensors', `at most ${maxTensors}`, 'more');
  });
  cursor.readEnd('header');
  return { entries, metadata, dataStart };
}

function headerLength(bytes: Uint8Array): number {
  if (bytes.length < LENGTH_BYTES) {
    const rule = `at least ${LENGTH_BYTES} bytes`;
    const hint = bytes.length === 0 ? 'empty file?' : undefined;
    throw expected('TRUNCATED', 'header length', rule, `${bytes.length}`, { hint });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES);
  const length = view.getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    const rule = `at most ${MAX_HEADER_BYTES} bytes`;
    throw expected('LIMIT', 'header length', rule, `${length}`, {
      hint: 'not a safetensors file?',
    });
  }
  const left = bytes.length - LENGTH_BYTES;
  if (length > left) {
    const hint = 'is the download complete?';
    throw expected('TRUNCATED', 'header', `${length} bytes`, `${left}`, { hint });
  }
  return Number(length);
}

function headerText(bytes: Uint8Array, dataStart: number): string {
  if (dataStart === LENGTH_BYTES || bytes[LENGTH_BYTES] !== OPEN_BRACE) {
    const first = bytes[LENGTH_BYTES]?.toString(16).padStart(2, '0');
    const got = dataStart === LENGTH_BYTES ? 'an empty header' : `0x${first}`;
    throw expected('FORMAT', 'header', 'JSON that begins with "{"', got);
  }
  try {
    // A copy, because TextDecoder refuses shared memory. Its length is within the limit by now.
    const header = bytes.slice(LENGTH_BYTES, dataStart);
    return strictDecoder().decode(header);
  } catch (cause) {
    const rule = 'UTF-8 text';
    const got = 'bytes that are not UTF-8';
    throw expected('FORMAT', 'header', rule, got, { cause });
  }
}

function readMetadata(cursor: HeaderCursor, metadata: Map<string, string>): void {
  cursor.readObject(METADATA_KEY, (key) => {
    metadata.set(key, cursor.readString(`${METADATA_KEY} ${showName(key)}`));
  });
}

function readEntry(cursor: HeaderCursor, name: string): HeaderEntry {
  const what = `tensor ${showName(name)}`;
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  cursor.readObject(what, (field) => {
    if (field === 'dtype') dtype = cursor.readString(`${what} dtype`);
    else if (field === 'shape') shape = cursor.readCounts(`${what} shape`, MAX_RANK);
    else if (field === 'data_offsets') offsets = cursor.readCounts(`${what} data_offsets`, 2);
    else throw expected('FORMAT', what, `only ${FIELDS}`, `"${showName(field)}"`);
  });
  if (dtype === undefined || shape === undefined || offsets === undefined) {
    const fields = { dtype, shape, data_offsets: offsets };
    const missing = Object.entries(fields).flatMap(([field, value]) => (value ? [] : [field]));
    throw expected('FORMAT', what, FIELDS, `none named ${missing.join(', ')}`);
  }
  const { begin, end } = checkEntry(what, dtype, shape, offsets);
  return { name, dtype, shape, begin, end };
}

/** Checks that an entry's fields agree. @returns the offsets of its data */
function checkEntry(
  what: string,
  dtype: string,
  shape: readonly number[],
  offsets: readonly number[],
): { begin: number; end: number } {
  const elementBytes = hasOwn(DTYPE_BYTES, dtype) ? DTYPE_BYTES[dtype] : undefined;
  const [begin, end] = offsets;
  if (offsets.length !== 2 || begin > end) {
    const rule = 'data_offsets [begin, end] with begin ≤ end';
    throw expected('FORMAT', what, rule, shapeText(offsets));
  }
  // A type of unknown size may be beside the tensors that are asked for.
  if (elementBytes === undefined) return { begin, end };
  const needed = byteLength(shape, elementBytes);
  if (needed === undefined) {
    const rule = 'a shape of less than 2^53 bytes';
    throw expected('FORMAT', what, rule, shapeText(shape));
  }
  if (end - begin !== needed) {
    const rule = `${needed} bytes for ${dtype} ${shapeText(shape)}`;
    throw expected('FORMAT', what, rule, `${end - begin} in ${shapeText(offsets)}`);
  }
  return { begin, end };
}

const FIELDS = 'dtype, shape and data_offsets';
