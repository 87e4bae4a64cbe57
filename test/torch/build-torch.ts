import { crc32 } from 'node:zlib';
import type { StoredTensor } from '../../src/numbers/stored.ts';

/*
 * Files as `torch.save` writes them, made here: pickles opcode by opcode, and archives with the
 * records of torch. Any part may be wrong.
 */

/** Opcodes by the text of one byte a character. */
export const latin1 = (text: string): Uint8Array =>
  Uint8Array.from(text, (char) => char.charCodeAt(0));

export function join(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const bytes = parts.map((part) => (typeof part === 'string' ? latin1(part) : part));
  const joined = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of bytes) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export const u32 = (value: number): Uint8Array =>
  new Uint8Array(Uint32Array.of(value).buffer.slice(0));
const u16 = (value: number): Uint8Array => u32(value).subarray(0, 2);

/** BINUNICODE */
export function text(value: string): Uint8Array {
  const utf8 = new TextEncoder().encode(value);
  return join('X', u32(utf8.length), utf8);
}

/** BININT or, from 2³¹ on, LONG1 of 8 bytes */
export function int(value: number): Uint8Array {
  if (Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31) {
    return join('J', u32(value >>> 0));
  }
  return join('\x8a\x08', new Uint8Array(BigInt64Array.of(BigInt(value)).buffer));
}

/** GLOBAL */
export const global = (module: string, name: string): Uint8Array => join(`c${module}\n${name}\n`);

export const tuple = (...items: readonly Uint8Array[]): Uint8Array => join('(', ...items, 't');

export const dict = (...entries: readonly (readonly [Uint8Array | string, Uint8Array])[]) =>
  join(
    '}(',
    ...entries.flatMap(([key, value]) => [typeof key === 'string' ? text(key) : key, value]),
    'u',
  );

export const ORDERED_DICT = join(global('collections', 'OrderedDict'), ')R');

export const call = (module: string, name: string, ...args: readonly Uint8Array[]): Uint8Array =>
  join(global(module, name), tuple(...args), 'R');

/** A whole pickle of protocol 2. */
export const pickle = (...parts: readonly (Uint8Array | string)[]): Uint8Array =>
  join('\x80\x02', ...parts, '.');

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
  return join(tuple(text('storage'), kind, text(key), text('cpu'), int(count)), 'Q');
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

/**
 * Makes an archive as torch does: stored entries whose local records leave CRC and sizes to a
 * descriptor, and padding (`FB`) that puts contents on multiples of 64 bytes.
 */
export function archive(
  entries: Readonly<Record<string, Uint8Array | string>>,
  folder = 'archive',
) {
  const parts: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let at = 0;
  for (const [key, value] of Object.entries(entries)) {
    const name = new TextEncoder().encode(folder === '' ? key : `${folder}/${key}`);
    const content = typeof value === 'string' ? latin1(value) : value;
    const sums = join(u32(crc32(content)), u32(content.length), u32(content.length));
    const start = at + 30 + name.length + 4;
    const padding = new Uint8Array((64 - (start % 64)) % 64).fill(0x5a);
    const extra = join('FB', u16(padding.length), padding);
    const head = [u16(0), u16(0x0808), u16(0), u32(0)] as const;
    const lengths = [u16(name.length), u16(extra.length)] as const;
    const local = join('PK\x03\x04', ...head, new Uint8Array(12), ...lengths, name, extra, content);
    const whole = join(local, 'PK\x07\x08', sums);
    const tail = join(u16(0), u16(0), u16(0), u32(0), u32(at));
    central.push(join('PK\x01\x02', u16(0), ...head, sums, u16(name.length), u16(0), tail, name));
    parts.push(whole);
    at += whole.length;
  }
  const directory = join(...central);
  const counts = join(u16(central.length), u16(central.length));
  const end = join(u16(0), u16(0), counts, u32(directory.length), u32(at), u16(0));
  return join(...parts, directory, 'PK\x05\x06', end);
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
