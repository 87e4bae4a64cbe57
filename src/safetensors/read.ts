import { allocateFloats } from '../allocate.ts';
import { checkLive, describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { shapeText, type Tensor } from '../tensor.ts';
import { bf16BytesToF32, f16BytesToF32 } from './half.ts';
import { checkSizes, type HeaderEntry, readHeader } from './header.ts';
import { showName } from './show-name.ts';

/** A tensor as it is stored in a file. */
export interface StoredTensor {
  /** The format's name of the element type: `F32`, `BF16` … */
  readonly dtype: string;
  /** Sizes, outermost first. `[]` is a single number. A size may be 0. */
  readonly shape: readonly number[];
  /** The elements, row-major, little-endian: a view of the file's bytes at any alignment. */
  readonly bytes: Uint8Array;
}

/** The content of a safetensors file: its tensors as they are stored, and its free text. */
export interface SafetensorsFile {
  /** The tensors by name, in the header's order. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The header's `__metadata__`; empty if the file has none. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads a safetensors file:
 *
 *     0      8             8 + n                              end
 *     ├──────┼──────────────┼──────────────────────────────────┤
 *     │  n   │ JSON header  │ tensor │ tensor │ …              │
 *     └ u64 ─┴─ n bytes ────┴─ side by side, no hole, no rest ─┘
 *
 * Everything is checked before it returns, and no data is copied. It is stricter than the reference
 * implementation: it refuses unknown fields of a tensor, duplicate keys everywhere, and more than
 * 64 dimensions or 2²⁰ tensors.
 *
 * @param bytes the whole file; a view at any offset
 * @throws TaesdError
 *   TRUNCATED: the file ends before its header or its data does.
 *   FORMAT: the header is not UTF-8, not the JSON it must be, has duplicate keys, wrong offsets or
 *   sizes; tensors overlap or leave bytes unused; a web page or a Git LFS pointer.
 *   LIMIT: the header is over 100,000,000 bytes, or has too many tensors or dimensions.
 *   UNSUPPORTED: an unknown dtype; a `.pth` file.
 *   ARG: not a Uint8Array, or a detached one.
 * Sources: https://huggingface.co/docs/safetensors, https://github.com/huggingface/safetensors
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  return inCall('readSafetensors', () => read(bytes));
}

function read(bytes: Uint8Array): SafetensorsFile {
  if (!(bytes instanceof Uint8Array)) {
    throw expected('ARG', 'bytes', 'a Uint8Array', describe(bytes));
  }
  checkLive('bytes', bytes);
  const { entries, metadata, dataStart } = readHeader(bytes);
  const data = bytes.subarray(dataStart);
  checkLayout(entries, data.length);

  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    tensors.set(name, { dtype, shape, bytes: data.subarray(begin, end) });
  }
  return { tensors, metadata };
}

/** Checks that the tensors tile the data: each begins where the one before it ends. */
function checkLayout(entries: readonly HeaderEntry[], dataLength: number): void {
  const sorted = entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  let before = 'the header';
  for (const { name, begin, end } of sorted) {
    const what = `tensor ${showName(name)}`;
    if (begin !== covered) {
      const kind = begin < covered ? 'an overlap' : 'a hole';
      const rule = `data from offset ${covered}, where ${before} ends`;
      throw expected('FORMAT', what, rule, `${begin}, ${kind}`);
    }
    covered = end;
    before = what;
  }
  if (covered > dataLength) {
    const hint = 'is the download complete?';
    throw expected('TRUNCATED', before, `data up to offset ${covered}`, `${dataLength}`, { hint });
  }
  if (covered < dataLength) {
    const rule = `the end of the file at data offset ${covered}, where ${before} ends`;
    throw expected('FORMAT', 'data', rule, `${dataLength - covered} more bytes`);
  }
}

/**
 * Copies a stored tensor out of the file, as float32: F32 unchanged, F16 and BF16 widened exactly.
 * NaN and infinity pass.
 *
 * @param stored from `readSafetensors`, or an object like that
 * @param name   the tensor's name, for messages
 * @throws TaesdError UNSUPPORTED (another dtype), SHAPE (shape and bytes disagree), ARG (not a
 *   stored tensor, detached bytes), OOM
 */
export function toTensor(stored: StoredTensor, name?: string): Tensor {
  return inCall('toTensor', () => widen(stored, name));
}

function widen(stored: StoredTensor, name: string | undefined): Tensor {
  const { dtype, shape, bytes } = (stored ?? {}) as Partial<StoredTensor>;
  const what = name === undefined ? 'tensor' : `tensor ${showName(String(name))}`;
  if (typeof dtype !== 'string' || !Array.isArray(shape) || !(bytes instanceof Uint8Array)) {
    const rule = 'a stored tensor { dtype, shape, bytes: Uint8Array }';
    throw expected('ARG', what, rule, describe(stored));
  }
  const widening = TO_F32.get(dtype);
  if (widening === undefined) {
    const rule = `a dtype of ${[...TO_F32.keys()].join(', ')}`;
    throw expected('UNSUPPORTED', what, rule, `"${showName(dtype)}"`);
  }
  // A detached view has no bytes and would pass as a tensor of size 0.
  checkLive(what, bytes);
  const { sizes, byteCount } = checkSizes(what, shape, widening.elementBytes);
  if (byteCount !== bytes.length) {
    const rule = `${byteCount} bytes for ${dtype} ${shapeText(sizes)}`;
    throw expected('SHAPE', what, rule, `${bytes.length}`);
  }
  return { shape: sizes, data: widening.toF32(bytes) };
}

/** Uses a DataView, because bytes may lie at any address and the machine may be big-endian. */
function f32BytesToF32(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = allocateFloats('values', bytes.length / 4);
  for (let i = 0; i < values.length; i++) values[i] = view.getFloat32(4 * i, true);
  return values;
}

interface Widening {
  readonly elementBytes: number;
  readonly toF32: (bytes: Uint8Array) => Float32Array;
}

const TO_F32: ReadonlyMap<string, Widening> = new Map([
  ['F32', { elementBytes: 4, toF32: f32BytesToF32 }],
  ['F16', { elementBytes: 2, toF32: f16BytesToF32 }],
  ['BF16', { elementBytes: 2, toF32: bf16BytesToF32 }],
]);
