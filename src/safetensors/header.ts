import { expected } from '../errors.ts';
import { MAX_RANK, shapeText } from '../tensor.ts';
import { HeaderCursor } from './cursor.ts';
import { foreignFile } from './foreign-file.ts';
import { showName } from './show-name.ts';

/** The header's own length comes first, as an unsigned 64-bit little-endian number. */
export const LENGTH_BYTES = 8;

/** The limit of the reference implementation, `MAX_HEADER_SIZE` in safetensors/src/tensor.rs. */
export const MAX_HEADER_BYTES = 100_000_000;

/** The key whose value is not a tensor but free text, string to string. */
export const METADATA_KEY = '__metadata__';

/**
 * Bytes an element, for each of the format's types that fills whole bytes; F4 and F6 pack several into one.
 * Source: `Dtype` in safetensors/src/tensor.rs.
 */
const DTYPE_BYTES: ReadonlyMap<string, number> = new Map([
  ...['BOOL', 'U8', 'I8'].map((dtype) => [dtype, 1] as const),
  ...['E4M3', 'E5M2', 'E8M0', 'E4M3FNUZ', 'E5M2FNUZ'].map((kind) => [`F8_${kind}`, 1] as const),
  ...['I16', 'U16', 'F16', 'BF16'].map((dtype) => [dtype, 2] as const),
  ...['I32', 'U32', 'F32'].map((dtype) => [dtype, 4] as const),
  ...['I64', 'U64', 'F64', 'C64'].map((dtype) => [dtype, 8] as const),
]);

/** One tensor of the header; `begin` and `end` are byte offsets into the data after the header. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What the header says, each entry checked by itself. */
export interface SafetensorsHeader {
  readonly entries: readonly HeaderEntry[];
  readonly metadata: ReadonlyMap<string, string>;
  /** Where the tensors' data begins, in bytes from the file's start. */
  readonly dataStart: number;
}

/**
 * Reads and checks everything in the header that can be checked without the other tensors: each
 * entry's own shape, type and length agree. How the tensors lie side by side is `safetensors.ts`.
 *
 * @throws TaesdError TRUNCATED, LIMIT, FORMAT, UNSUPPORTED as `readSafetensors` says
 */
export function readHeader(bytes: Uint8Array): SafetensorsHeader {
  const foreign = foreignFile(bytes);
  if (foreign !== undefined) throw foreign;
  const dataStart = LENGTH_BYTES + headerLength(bytes);
  const cursor = new HeaderCursor(headerText(bytes, dataStart));

  const entries: HeaderEntry[] = [];
  const metadata = new Map<string, string>();
  cursor.readObject('header', (name) => {
    if (name === METADATA_KEY) readMetadata(cursor, metadata);
    else entries.push(readEntry(cursor, name));
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
    // A copy, because TextDecoder refuses shared memory; its length is within the limit by now.
    const header = bytes.slice(LENGTH_BYTES, dataStart);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
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
  return checkEntry(what, name, dtype, shape, offsets);
}

function checkEntry(
  what: string,
  name: string,
  dtype: string,
  shape: readonly number[],
  offsets: readonly number[],
): HeaderEntry {
  const elementBytes = DTYPE_BYTES.get(dtype);
  if (elementBytes === undefined) {
    const rule = `a dtype of ${[...DTYPE_BYTES.keys()].join(', ')}`;
    throw expected('UNSUPPORTED', what, rule, `"${showName(dtype)}"`);
  }
  const [begin, end] = offsets;
  if (offsets.length !== 2 || begin > end) {
    const rule = 'data_offsets [begin, end] with begin ≤ end';
    throw expected('FORMAT', what, rule, shapeText(offsets));
  }
  const needed = byteLength(shape, elementBytes);
  if (needed === undefined) {
    const rule = 'a shape of less than 2^53 bytes';
    throw expected('FORMAT', what, rule, shapeText(shape));
  }
  if (end - begin !== needed) {
    const rule = `${needed} bytes for ${dtype} ${shapeText(shape)}`;
    throw expected('FORMAT', what, rule, `${end - begin} in ${shapeText(offsets)}`);
  }
  return { name, dtype, shape, begin, end };
}

/**
 * Checks a shape that comes from a program, by the rules for one in a file.
 *
 * @returns a copy of it, and the bytes of its elements
 * @throws TaesdError SHAPE (a size that is no whole number of at least 0, or missing; 2⁵³ bytes and more), LIMIT (more
 *   than 64 dimensions)
 */
export function checkSizes(
  what: string,
  shape: readonly unknown[],
  elementBytes: number,
): { sizes: number[]; byteCount: number } {
  if (shape.length > MAX_RANK) {
    throw expected('LIMIT', what, `at most ${MAX_RANK} dimensions`, `${shape.length}`);
  }
  // Array.from makes holes undefined, where `every` would pass over them.
  const sizes = Array.from(shape) as number[];
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw expected('SHAPE', what, 'whole sizes of at least 0', shapeText(sizes));
  }
  const byteCount = byteLength(sizes, elementBytes);
  if (byteCount === undefined) {
    throw expected('SHAPE', what, 'a shape of less than 2^53 bytes', shapeText(sizes));
  }
  return { sizes, byteCount };
}

/**
 * Bytes of a shape, or `undefined` where a product passes 2⁵³. Each step is checked, as the reference
 * does with `checked_mul`, so a 0 further on does not excuse an overflow before it.
 */
function byteLength(shape: readonly number[], elementBytes: number): number | undefined {
  let product = elementBytes;
  for (const size of shape) {
    product *= size;
    if (product > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return product;
}

const FIELDS = 'dtype, shape and data_offsets';
const OPEN_BRACE = 0x7b;
