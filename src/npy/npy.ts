import { allocateBytes } from '../allocate.ts';
import { expected, type TaesdError } from '../errors.ts';
import { narrowTo } from '../numbers/narrow.ts';
import { byteLength } from '../numbers/sizes.ts';
import type { StoredTensor } from '../numbers/stored.ts';
import { copyStrided, rowMajorStrides } from '../numbers/strided.ts';
import { shapeText, type Tensor } from '../tensor.ts';
import { isNpy, MAGIC } from './first-bytes.ts';
import { parseHeader } from './header.ts';

/*
 * Arrays of numpy:
 *
 *     0          6       8            10 (12)          h                  end
 *     ├──────────┼───────┼────────────┼────────────────┼───────────────────┤
 *     │ \x93NUMPY│ 1 0   │ length u16 │ Python literal │ elements          │
 *     └──────────┴───────┴────────────┴────────────────┴───────────────────┘
 *
 * Versions 2 and 3 have a length of 32 bits.
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */

/** Real headers have about 128 bytes. */
const MAX_HEADER_BYTES = 65536;
/** numpy aligns the elements to this many bytes. */
const ALIGNMENT = 64;

interface ElementType {
  readonly dtype: string;
  readonly bytes: number;
}

/** The types by numpy's names without the byte order, and their names in safetensors. */
const TYPES: ReadonlyMap<string, ElementType> = new Map([
  ['f2', { dtype: 'F16', bytes: 2 }],
  ['f4', { dtype: 'F32', bytes: 4 }],
  ['f8', { dtype: 'F64', bytes: 8 }],
  ['i1', { dtype: 'I8', bytes: 1 }],
  ['i2', { dtype: 'I16', bytes: 2 }],
  ['i4', { dtype: 'I32', bytes: 4 }],
  ['i8', { dtype: 'I64', bytes: 8 }],
  ['u1', { dtype: 'U8', bytes: 1 }],
  ['u2', { dtype: 'U16', bytes: 2 }],
  ['u4', { dtype: 'U32', bytes: 4 }],
  ['u8', { dtype: 'U64', bytes: 8 }],
  ['b1', { dtype: 'BOOL', bytes: 1 }],
]);

/**
 * Reads a file of `numpy.save`. Numbers in Fortran order are converted to a copy; otherwise the
 * result is a view.
 *
 * @throws TaesdError FORMAT (not such a file, a malformed header, bytes after the elements),
 *   TRUNCATED, UNSUPPORTED (another version; big-endian, structured, complex and text types),
 *   UNSAFE (Python objects, which a pickle describes), LIMIT, OOM
 */
export function readNpy(bytes: Uint8Array): StoredTensor {
  const stored = readNumbers(bytes);
  if (stored === undefined) throw notNumbers(parseHeader(headerOf(bytes).text).descr);
  return stored;
}

/**
 * Like `readNpy`, but returns undefined for a type that is not of numbers. An error costs more time
 * than reading a small array.
 */
export function readNumbers(bytes: Uint8Array): StoredTensor | undefined {
  const { text, start } = headerOf(bytes);
  const { descr, fortranOrder, shape } = parseHeader(text);
  const type = typeNamed(descr);
  if (type === undefined) return undefined;
  const { dtype, bytes: size } = type;
  const length = byteLength(shape, size);
  const found = bytes.length - start;
  if (length === undefined) {
    throw expected('FORMAT', 'shape', 'less than 2^53 bytes', shapeText(shape));
  }
  if (length !== found) {
    const code = found < length ? 'TRUNCATED' : 'FORMAT';
    throw expected(
      code,
      'elements',
      `${length} bytes for ${descr} ${shapeText(shape)}`,
      `${found}`,
    );
  }
  const elements = bytes.subarray(start);
  const data = fortranOrder && shape.length > 1 ? fromFortran(elements, shape, size) : elements;
  return { dtype, shape, bytes: data };
}

function headerOf(bytes: Uint8Array): { text: string; start: number } {
  if (!isNpy(bytes)) {
    const code = MAGIC.startsWith(String.fromCharCode(...bytes.subarray(0, 6)))
      ? 'TRUNCATED'
      : 'FORMAT';
    throw expected(code, 'bytes', 'a .npy file', `${bytes.length} bytes without its signature`);
  }
  const [major, minor] = [bytes[6], bytes[7]];
  const lengthBytes = major === 1 ? 2 : 4;
  const begin = 8 + lengthBytes;
  if (bytes.length < begin) {
    throw expected('TRUNCATED', 'npy header', `at least ${begin} bytes`, `${bytes.length}`);
  }
  if (major < 1 || major > 3 || minor !== 0) {
    throw expected('UNSUPPORTED', 'npy version', '1.0, 2.0 or 3.0', `${major}.${minor}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, begin);
  const length = lengthBytes === 2 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER_BYTES) {
    throw expected('LIMIT', 'npy header', `at most ${MAX_HEADER_BYTES} bytes`, `${length}`);
  }
  const start = begin + length;
  if (start > bytes.length) {
    throw expected('TRUNCATED', 'npy header', `${length} bytes`, `${bytes.length - begin}`);
  }
  return { text: String.fromCharCode(...bytes.subarray(begin, start)), start };
}

/** Returns a type of numbers; undefined for others. */
function typeNamed(descr: string): ElementType | undefined {
  const type = /^[<>|=]/.test(descr) ? TYPES.get(descr.slice(1)) : undefined;
  return type?.bytes === 1 || descr[0] === '<' ? type : undefined;
}

function notNumbers(descr: string): TaesdError {
  if (descr.includes('O')) {
    const hint = 'its elements would be a pickle; save an array of numbers';
    return expected('UNSAFE', 'descr', 'a type of numbers', `${descr}, Python objects`, { hint });
  }
  if (/^>[a-z](?!1$)/.test(descr)) {
    // If big-endian were read, one damaged letter would change every number.
    const hint = `save array.astype('<${descr.slice(1)}')`;
    return expected('UNSUPPORTED', 'descr', 'little-endian numbers', `${descr}, big-endian`, {
      hint,
    });
  }
  return expected('UNSUPPORTED', 'descr', 'a type of numbers such as <f4', descr);
}

/** Copies elements whose first index runs fastest to the order whose last index does. */
function fromFortran(bytes: Uint8Array, shape: readonly number[], size: number): Uint8Array {
  const copy = allocateBytes('elements', bytes.length);
  const strides = rowMajorStrides([...shape].reverse()).reverse();
  copyStrided(copy, bytes, { shape, strides, offset: 0 }, size);
  return copy;
}

/**
 * Writes f32 numbers as `numpy.save` does: version 1.0, `<f4`, row-major, aligned to 64 bytes.
 *
 * @throws TaesdError OOM
 */
export function writeNpy({ shape, data }: Tensor): Uint8Array<ArrayBuffer> {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  // numpy leaves room for a first size of 21 digits, so that arrays can grow in place.
  const growth = ' '.repeat(21 - `${shape[0] ?? ''}`.length);
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sizes}), }`;
  const room = shape.length === 0 ? dict : dict + growth;
  const total = Math.ceil((10 + room.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = `${room.padEnd(total - 11)}\n`;
  const numbers = narrowTo('F32', data);
  const bytes = allocateBytes('file', total + numbers.length);
  const text = `${MAGIC}\x01\x00${String.fromCharCode(header.length & 255, header.length >> 8)}${header}`;
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  bytes.set(numbers, total);
  return bytes;
}
