import type { StoredTensor } from '../../src/numbers/stored.ts';
import { fields, joined, latin1, utf8 } from '../bytes.ts';
import { type Part, zip } from '../zip/build-zip.ts';

/*
 * Files as `torch.save` writes them, made here: pickles opcode by opcode, and archives with the
 * records of torch. Any part may be wrong.
 */

/** BINUNICODE */
export function text(value: string): Uint8Array {
  const bytes = utf8(value);
  return joined('X', fields([4, bytes.length]), bytes);
}

/** BININT or, from 2³¹ on, LONG1 of 8 bytes */
export function int(value: number): Uint8Array {
  if (Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31) {
    return joined('J', fields([4, value >>> 0]));
  }
  return joined('\x8a\x08', new Uint8Array(BigInt64Array.of(BigInt(value)).buffer));
}

/** GLOBAL */
export const global = (module: string, name: string): Uint8Array => joined(`c${module}\n${name}\n`);

export const tuple = (...items: readonly Uint8Array[]): Uint8Array => joined('(', ...items, 't');

export const dict = (...entries: readonly (readonly [Uint8Array | string, Uint8Array])[]) =>
  joined(
    '}(',
    ...entries.flatMap(([key, value]) => [typeof key === 'string' ? text(key) : key, value]),
    'u',
  );

export const ORDERED_DICT = joined(global('collections', 'OrderedDict'), ')R');

export const call = (module: string, name: string, ...args: readonly Uint8Array[]): Uint8Array =>
  joined(global(module, name), tuple(...args), 'R');

/** A whole pickle of protocol 2. */
export const pickle = (...parts: readonly (Uint8Array | string)[]): Uint8Array =>
  joined('\x80\x02', ...parts, '.');

const CLASSES: Readonly<Record<string, readonly [string, number]>> = {
  F32: ['FloatStorage', 4],
  F16: ['HalfStorage', 2],
  BF16: ['BFloat16Storage', 2],
  F64: ['DoubleStorage', 8],
  I64: ['LongStorage', 8],
};

export interface TensorParts {
  readonly dtype?: string;
  readonly key?: string;
  /** Elements of the storage. */
  readonly count: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset?: number;
}

/** BINPERSID of a storage */
export function storage({ dtype = 'F32', key = '0', count }: TensorParts): Uint8Array {
  const kind = global('torch', CLASSES[dtype][0]);
  return joined(tuple(text('storage'), kind, text(key), text('cpu'), int(count)), 'Q');
}

export const tensor = (parts: TensorParts): Uint8Array =>
  call(
    'torch._utils',
    '_rebuild_tensor_v2',
    storage(parts),
    int(parts.offset ?? 0),
    tuple(...parts.shape.map(int)),
    tuple(...parts.strides.map(int)),
    latin1('\x89'),
    ORDERED_DICT,
  );

const LOCAL_BYTES = 30;
const DESCRIPTOR_BYTES = 16;

/**
 * Makes an archive as torch does: stored entries whose local records leave CRC and sizes to a
 * descriptor, and padding (`FB`) that puts contents on multiples of 64 bytes.
 */
export function archive(
  entries: Readonly<Record<string, Uint8Array | string>>,
  folder = 'archive',
) {
  let at = 0;
  const parts = Object.entries(entries).map(([key, value]): Part => {
    const name = utf8(folder === '' ? key : `${folder}/${key}`);
    const content = typeof value === 'string' ? latin1(value) : value;
    const start = at + LOCAL_BYTES + name.length + 4;
    const padding = new Uint8Array((64 - (start % 64)) % 64).fill(0x5a);
    const localExtra = joined('FB', fields([2, padding.length]), padding);
    at = start + padding.length + content.length + DESCRIPTOR_BYTES;
    return { name, content, localExtra, descriptor: 'signed' };
  });
  return zip(parts);
}

/** The entries of torch 2 beside the pickle and the storages. */
export const TORCH_2 = {
  '.format_version': '1',
  '.storage_alignment': '64',
  byteorder: 'little',
  version: '3\n',
  '.data/serialization_id': '0636067431443235331200000000000000000000',
};

/** Makes a file of a pickle and storages, with the entries of torch 2. */
export const torchFile = (
  data: Uint8Array,
  storages: readonly Uint8Array[],
  others: Readonly<Record<string, string | Uint8Array>> = TORCH_2,
): Uint8Array =>
  archive({
    'data.pkl': data,
    ...Object.fromEntries(storages.map((bytes, key) => [`data/${key}`, bytes])),
    ...others,
  });

/** Makes a file of a dict of row-major tensors. */
export function fileOfTensors(tensors: Readonly<Record<string, StoredTensor>>): Uint8Array {
  const entries = Object.entries(tensors).map(([name, { dtype, shape, bytes }], key) => {
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    const count = bytes.length / CLASSES[dtype][1];
    return [name, tensor({ dtype, key: `${key}`, count, shape, strides })] as const;
  });
  const storages = Object.values(tensors).map(({ bytes }) => bytes);
  return torchFile(pickle(dict(...entries)), storages);
}
