import { fields, joined } from '../bytes.ts';
import { type Numbers, productOf } from './seeded-numbers.ts';
import { type ZipPart, zipByHand } from './zip-by-hand.ts';

/*
 * Files of torch.save: a zip archive with one pickle and an entry for each storage.
 */

/** A tensor that may be a view of its storage. */
export interface TorchView {
  readonly numbers: Numbers;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

export type TorchContent = string | number | boolean | null | Numbers | TorchView | TorchDict;
export interface TorchDict {
  readonly dict: readonly (readonly [string, TorchContent])[];
}

export const dict = (...entries: TorchDict['dict']): TorchDict => ({ dict: entries });

interface TorchOptions {
  /** The archive's folder: the file's name without its ending. */
  readonly root?: string;
  /** The version of torch. 2 adds entries for the order of bytes, the alignment and an identity. */
  readonly version?: 1 | 2;
}

/** Returns the bytes of a file as torch.save writes it. */
export function torchByHand(content: TorchContent, options: TorchOptions = {}) {
  const { root = 'archive', version = 1 } = options;
  const writer = new PickleWriter();
  const pickle = writer.write(content);
  const text = (name: string, value: string): ZipPart => ({
    name: `${root}/${name}`,
    bytes: joined(value),
  });
  const storages = writer.storages.map((bytes, i) => ({ name: `${root}/data/${i}`, bytes }));
  const isNew = version === 2;
  const parts = [
    { name: `${root}/data.pkl`, bytes: pickle },
    ...(isNew
      ? [
          text('.format_version', '1'),
          text('.storage_alignment', '64'),
          text('byteorder', 'little'),
        ]
      : []),
    ...storages,
    text('version', '3\n'),
    ...(isNew ? [text('.data/serialization_id', '0636457737946401051300000000000000000000')] : []),
  ];
  return zipByHand(parts, 'torch');
}

const STORAGES = {
  F32: 'FloatStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  F64: 'DoubleStorage',
};

/**
 * Pickles with protocol 2. Every object goes to the memo, as in Python; none is fetched from it but
 * globals.
 */
class PickleWriter {
  readonly storages: Uint8Array[] = [];
  readonly #globals = new Map<string, number>();
  #memos = 0;

  write(content: TorchContent): Uint8Array<ArrayBuffer> {
    return joined('\x80\x02', this.#value(content), '.');
  }

  #put(text: string): string {
    const memo = this.#memos++;
    return text + (memo < 256 ? `q${field(1, memo)}` : `r${field(4, memo)}`);
  }

  #value(content: TorchContent): string {
    if (content === null) return 'N';
    if (typeof content === 'boolean') return content ? '\x88' : '\x89';
    if (typeof content === 'number') return integer(content);
    if (typeof content === 'string') return this.#text(content);
    if ('dict' in content) {
      const begin = this.#put('}');
      const items = content.dict.map(([key, value]) => this.#text(key) + this.#value(value));
      return `${begin}(${items.join('')}u`;
    }
    if ('numbers' in content) return this.#tensor(content);
    const { shape } = content;
    const strides = shape.map((_, i) => productOf(shape.slice(i + 1)));
    return this.#tensor({ numbers: content, shape, strides, offset: 0 });
  }

  #text(text: string): string {
    const utf8 = Buffer.from(text).toString('latin1');
    return this.#put(`X${field(4, utf8.length)}${utf8}`);
  }

  #global(module: string, name: string): string {
    const key = `c${module}\n${name}\n`;
    const memo = this.#globals.get(key);
    if (memo !== undefined) return `h${field(1, memo)}`;
    this.#globals.set(key, this.#memos);
    return this.#put(key);
  }

  #tuple(numbers: readonly number[]): string {
    const items = numbers.map(integer).join('');
    if (numbers.length === 0) return ')';
    if (numbers.length > 3) return this.#put(`(${items}t`);
    return this.#put(`${items}${'\x85\x86\x87'[numbers.length - 1]}`);
  }

  #tensor({ numbers, shape, strides, offset }: TorchView): string {
    const index = this.storages.push(numbers.bytes) - 1;
    let text = `${this.#global('torch._utils', '_rebuild_tensor_v2')}((`;
    text += this.#text('storage') + this.#global('torch', STORAGES[numbers.dtype]);
    text += this.#text(`${index}`) + this.#text('cpu') + integer(numbers.values.length);
    text = `${this.#put(`${text}t`)}Q${integer(offset)}${this.#tuple(shape)}${this.#tuple(strides)}`;
    text += `\x89${this.#global('collections', 'OrderedDict')}`;
    text = this.#put(`${text})R`);
    text = this.#put(`${text}t`);
    return this.#put(`${text}R`);
  }
}

/** A number of so many bytes, as text of one byte a character. */
const field = (width: number, number: number): string =>
  String.fromCharCode(...fields([width, number]));

function integer(number: number): string {
  if (number >= 0 && number < 256) return `K${field(1, number)}`;
  if (number >= 0 && number < 65536) return `M${field(2, number)}`;
  return `J${field(4, number >>> 0)}`;
}
