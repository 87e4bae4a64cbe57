import { readLatents } from '../../../src/formats/index.ts';
import { readSafetensors, toTensor, writeSafetensors } from '../../../src/index.ts';
import { utf8 } from '../../bytes.ts';
import { safetensorsByHand } from '../../formats/files-by-hand.ts';
import { LATENT_CASES } from '../../formats/latent-cases.ts';
import { field, havoc, oddNumber } from '../havoc.ts';
import { outcomeOf, outcomeOfAsync } from '../outcome.ts';
import type { Random } from '../random.ts';
import { type Target, WrongResult } from '../target.ts';

const DTYPES = [
  ...['F32', 'F16', 'BF16', 'F64', 'I64', 'U8', 'BOOL', 'F8_E4M3', 'F8_E5M2', 'I8', 'I16', 'U32'],
  ...['C64', 'F4', 'f32', '', '__proto__', 'F8_E8M0'],
];
const BYTES: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, F64: 8, I64: 8, U8: 1 };

const NAMES = [
  ...['x', 'latents', 'latent_tensor', 'latent_format_version_0', '__metadata__', '__proto__', ''],
  ...['latents_1x2x2_bf16', 'latents_2x2_f32', 'constructor', '\ud800', 'é', '1.weight', '"'],
];

const METADATA = [
  ...[{ 'taesd.model': 'taesd' }, { 'taesd.size': '16x16' }, { 'taesd.space': 'vae' }, { a: 1 }],
  ...[{ architecture: 'flux', width: '16', height: '16', format_version: '1.0.1' }, {}, [], null],
  ...[{ architecture: 'qwen_image', width: '1e9' }, { __proto__: 'x' }, { prompt: '{"3": {}}' }],
];

const WORDS = [
  ...[
    '"',
    '\\u',
    '\\ud800',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"__metadata__":',
    '"dtype":',
    '-',
    '1e3',
  ],
  ...[
    '"data_offsets":[0,0]',
    '"shape":[]',
    '0',
    '00',
    '.5',
    'null',
    'true',
    ' ',
    '\n',
    '\0',
    '[[[[',
  ],
  ...['\\"', '9007199254740993', '1e999', '-0', '{}', '\ufeff', '\x7f', '""'],
].map((word) => utf8(word));

interface Entry {
  dtype?: unknown;
  shape?: unknown;
  data_offsets?: unknown;
}
type Header = [name: string, entry: unknown][];

function someFile(random: Random): Uint8Array {
  const entries = Array.from({ length: random.small(5) }, (_, i) => {
    const dtype = random.pick(Object.keys(BYTES));
    const shape = Array.from({ length: random.below(5) }, () => random.pick([1, 1, 2, 3, 4, 0]));
    const count = shape.reduce((a, b) => a * b, 1);
    const bytes = random.bytes(count * BYTES[dtype]);
    return [`${random.pick(NAMES)}${i}`, { dtype, shape, bytes }] as const;
  });
  const metadata = random.oneIn(3) ? (random.pick(METADATA) as Record<string, string>) : undefined;
  return safetensorsByHand(entries as never, metadata);
}

/** Takes a file apart: its header's entries in order, its data. */
function partsOf(bytes: Uint8Array): { header: Header; data: Uint8Array } | undefined {
  try {
    const length = Buffer.from(bytes).readUIntLE(0, 6);
    const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
    return { header: Object.entries(JSON.parse(text) as object), data: bytes.slice(8 + length) };
  } catch {
    return undefined;
  }
}

/** Puts it together. Keys may occur twice. */
function fileOf(header: Header, data: Uint8Array, lengthError = 0): Uint8Array {
  const text = header.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  return joinedFile(utf8(`{${text.join(',')}}`), data, lengthError);
}

function joinedFile(text: Uint8Array, data: Uint8Array, lengthError = 0): Uint8Array {
  const file = new Uint8Array(8 + text.length + data.length);
  file.set(field(text.length + lengthError, 8, true));
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

function mutate(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  const parts = random.oneIn(8) ? undefined : partsOf(input);
  if (parts === undefined) return havoc(random, input, { other, words: WORDS });
  const { header, data } = parts;
  if (random.oneIn(4)) {
    const text = utf8(JSON.stringify(Object.fromEntries(header)));
    return joinedFile(havoc(random, text, { words: WORDS }), data);
  }
  for (let n = random.small(4); n >= 0; n--) changeHeader(random, header);
  if (random.oneIn(3)) layOut(header);
  const long = random.oneIn(6) ? random.bytes(random.small(64)) : new Uint8Array(0);
  const body = random.oneIn(3) ? havoc(random, data) : data;
  return fileOf(header, joinedData(body, long), random.oneIn(12) ? oddNumber(random) : 0);
}

const joinedData = (a: Uint8Array, b: Uint8Array): Uint8Array => Uint8Array.of(...a, ...b);

/** Gives the entries offsets side by side, in the order of the header. */
function layOut(header: Header): void {
  let at = 0;
  for (const [, entry] of header) {
    const { dtype, shape, data_offsets } = (entry ?? {}) as Entry;
    if (data_offsets === undefined || !Array.isArray(shape)) continue;
    const size = shape.reduce((a: number, b) => a * Number(b), BYTES[`${dtype}`] ?? 1);
    (entry as Entry).data_offsets = [at, at + size];
    at += size;
  }
}

function changeHeader(random: Random, header: Header): void {
  const at = random.below(Math.max(1, header.length));
  const [name, entry] = header[at] ?? ['x', { dtype: 'F32', shape: [1], data_offsets: [0, 4] }];
  const changed = { ...(entry as Entry) };
  switch (random.below(11)) {
    case 0:
      header.splice(at, 1);
      return;
    case 1:
      header.push([random.oneIn(2) ? name : random.pick(NAMES), entry]);
      return;
    case 2:
      header[at] = [random.pick(NAMES), entry];
      return;
    case 3:
      header.unshift(['__metadata__', random.pick(METADATA)]);
      return;
    case 4:
      changed.dtype = random.pick(DTYPES);
      break;
    case 5:
    case 6: {
      const shape = Array.isArray(changed.shape) ? [...(changed.shape as unknown[])] : [];
      const size = random.oneIn(2) ? random.below(5) : oddNumber(random);
      shape.splice(random.below(shape.length + 1), random.below(2), size);
      changed.shape = shape;
      break;
    }
    case 7:
      changed.data_offsets = [oddNumber(random), oddNumber(random)];
      break;
    case 8: {
      const [begin, end] = (changed.data_offsets ?? [0, 0]) as number[];
      changed.data_offsets = [begin + random.below(3) - 1, end + random.below(9) - 4];
      break;
    }
    case 9:
      changed.shape = random.pick([null, [], [-1], [1.5], ['1'], Array(65).fill(1), [2 ** 53], {}]);
      break;
    default:
      Object.assign(changed, { extra: 1 });
  }
  header[at] = [name, changed];
}

/** Returns the tensors as `JSON.parse` finds them. */
function byJson(bytes: Uint8Array): Map<string, Required<Entry>> {
  const parts = partsOf(bytes);
  if (parts === undefined) throw new WrongResult('a header that JSON.parse refuses was read');
  return new Map(parts.header.filter(([name]) => name !== '__metadata__') as never);
}

function compare(input: Uint8Array): string {
  const { tensors, metadata } = readSafetensors(input);
  const wanted = byJson(input);
  if (wanted.size !== tensors.size) throw new WrongResult(`${tensors.size} tensors`);
  const start = 8 + Buffer.from(input).readUIntLE(0, 6);
  for (const [name, { dtype, shape, bytes }] of tensors) {
    const json = wanted.get(name);
    const [begin, end] = (json?.data_offsets ?? []) as number[];
    const isSame = json?.dtype === dtype && `${json.shape}` === `${shape}`;
    const isThere = Buffer.compare(bytes, input.subarray(start + begin, start + end)) === 0;
    if (!isSame || !isThere) throw new WrongResult(`tensor ${name} differs`);
  }
  const outcomes = [...tensors].slice(0, 3).map(([name, stored]) =>
    outcomeOf(() => {
      const { data, shape } = toTensor(stored, name);
      const view = new DataView(stored.bytes.slice().buffer);
      const isF32 = stored.dtype === 'F32';
      const isRight = (value: number, i: number) => Object.is(value, view.getFloat32(4 * i, true));
      if (isF32 && !data.every(isRight)) throw new WrongResult('other numbers');
      writeSafetensors([[name, { shape, data }]], Object.fromEntries(metadata));
      return stored.dtype;
    }),
  );
  return `${metadata.size > 0} ${outcomes[0]?.slice(0, 40)}`;
}

/** Safetensors files, compared with `JSON.parse`; and as latents. */
export const safetensors: Target = {
  name: 'safetensors',
  batch: 1024,
  maxBytes: 8192,
  seeds: () => LATENT_CASES.map(({ bytes }) => bytes).filter((bytes) => bytes[8] === 0x7b),
  generate: someFile,
  mutate,
  run(input) {
    const outcome = outcomeOf(() => compare(input));
    if (!outcome.startsWith('ok') && input.length % 8 !== 0) return outcome;
    return outcomeOfAsync(async () => {
      const { source, space, assumed } = await readLatents(input, { name: 'a_sd.safetensors' });
      return `${source.replace(/".*"/, '""')} ${space} ${assumed.length}`;
    });
  },
  check() {
    const { tensors } = readSafetensors(
      safetensorsByHand([['x', { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) }]] as never),
    );
    if (tensors.size !== 1) throw new WrongResult('a known file has no tensor');
  },
};
