import { type BytesLike, bytesOf, describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { type StoredTensor, widen } from '../numbers/stored.ts';
import type { Tensor } from '../tensor.ts';
import { type HeaderEntry, readHeader } from './header.ts';
import { showName } from './show-name.ts';

export type { StoredTensor } from '../numbers/stored.ts';

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
 * Everything is checked before it returns, and no data is copied. A tensor of an unknown dtype may
 * have any size; `toTensor` refuses it. It is stricter than the reference
 * implementation: it refuses unknown fields of a tensor, duplicate keys everywhere, and more than
 * 64 dimensions or 2²⁰ tensors.
 *
 * @param bytes the whole file; a view at any offset, or an ArrayBuffer
 * @throws TaesdError
 *   TRUNCATED: the file ends before its header or its data does.
 *   FORMAT: the header is not UTF-8, not the JSON it must be, has duplicate keys, wrong offsets or
 *   sizes; tensors overlap or leave bytes unused; a web page or a Git LFS pointer.
 *   LIMIT: the header is over 100,000,000 bytes, or has too many tensors or dimensions.
 *   UNSUPPORTED: a `.pth` file.
 *   ARG: not a Uint8Array or ArrayBuffer, or a detached one.
 * Sources: https://huggingface.co/docs/safetensors, https://github.com/huggingface/safetensors
 */
export function readSafetensors(bytes: BytesLike): SafetensorsFile {
  return inCall('readSafetensors', () => read(bytesOf(bytes)));
}

/** The maximum number of tensors of a file of latents. Real ones have a few. */
const MAX_TENSORS_OF_LATENTS = 2 ** 14;

/** Reads a file of latents. @throws TaesdError as `readSafetensors`; LIMIT (over 16,384 tensors) */
export const readLatentTensors = (bytes: BytesLike): SafetensorsFile =>
  read(bytesOf(bytes), MAX_TENSORS_OF_LATENTS);

function read(bytes: Uint8Array, maxTensors = Infinity): SafetensorsFile {
  const { entries, metadata, dataStart } = readHeader(bytes, maxTensors);
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
  const sorted = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
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
 * Copies a stored tensor out of the file, as float32: F32 unchanged, F16, BF16 and 8-bit floats
 * widened exactly, F64 rounded to the nearest. NaN and infinity pass.
 *
 * @param stored from `readSafetensors`, or an object like that
 * @param name   the tensor's name, for messages
 * @throws TaesdError UNSUPPORTED (another dtype), SHAPE (shape and bytes disagree), ARG (not a
 *   stored tensor, a name that is no text, detached bytes), OOM
 */
export function toTensor(stored: StoredTensor, name?: string): Tensor {
  return inCall('toTensor', () => {
    if (name === undefined) return widen(stored, 'tensor');
    if (typeof name !== 'string') throw expected('ARG', 'name', 'a text', describe(name));
    return widen(stored, `tensor ${showName(name)}`);
  });
}
