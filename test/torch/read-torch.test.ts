import { describe, expect, test } from 'vitest';
import { type ErrorCode, TaesdError } from '../../src/errors.ts';
import { narrowTo } from '../../src/numbers/narrow.ts';
import type { StoredTensor } from '../../src/numbers/stored.ts';
import { isLegacyTorch, isPickle, isTar, isTorch } from '../../src/torch/first-bytes.ts';
import { readTorch } from '../../src/torch/read-torch.ts';
import { tensorsOf } from '../../src/torch/tensors-of.ts';
import { isTorchTensor, type TorchValue } from '../../src/torch/values.ts';
import { fields, joined, latin1 } from '../bytes.ts';
import { rounds } from '../full-length.ts';
import { seededRandom } from '../random.ts';
import { thrownBy } from '../thrown-by.ts';
import {
  archive,
  call,
  dict,
  fileOfTensors,
  global,
  int,
  ORDERED_DICT,
  pickle,
  storage,
  TORCH_2,
  tensor,
  text,
  torchFile,
  tuple,
} from './build-torch.ts';
import { elementsOf } from './elements-of.ts';

const random = seededRandom(14);
const NUMBERS = Float32Array.from({ length: 24 }, () => random() - 0.5);
const STORED: StoredTensor = { dtype: 'F32', shape: [2, 3, 4], bytes: narrowTo('F32', NUMBERS) };
const GOOD = fileOfTensors({ w: STORED });
/** Pickles of random bytes. */
const RANDOM = rounds(1000, 3000);
const PLAIN = { count: 24, shape: [24], strides: [1] };

/** Reads a file wholly. */
const readAll = (bytes: Uint8Array) =>
  tensorsOf(readTorch(bytes)).map(({ path, tensor: found }) => {
    const { dtype, shape, bytes: elements } = found.read();
    return { path, dtype, shape, bytes: elements.slice() };
  });

const GOOD_TENSORS = [{ path: ['w'], ...STORED }];

/**
 * Checks that a file is refused with this code and message, and that a good one is read after it.
 */
function refused(bytes: Uint8Array, code: ErrorCode, message: string | RegExp): void {
  const error = thrownBy(() => readAll(bytes));
  expect(error.message).toMatch(message);
  expect(error.code).toBe(code);
  expect(readAll(GOOD)).toEqual(GOOD_TENSORS);
}

/** A file of one storage of 24 numbers. */
const fileOf = (...parts: readonly (Uint8Array | string)[]): Uint8Array =>
  torchFile(pickle(...parts), [STORED.bytes]);

/** The value of a pickle in a file. */
const rootOf = (...parts: readonly (Uint8Array | string)[]): TorchValue =>
  readTorch(fileOf(...parts)).root;

/** A list of one value, because a file's value must be a container. */
const inList = (...parts: readonly (Uint8Array | string)[]) => rootOf(']', ...parts, 'a');

describe('readTorch: values', () => {
  test('a file with torch 2’s entries → its tensor, as a view', () => {
    const [{ path, tensor: found }] = tensorsOf(readTorch(GOOD));
    expect(path).toEqual(['w']);
    expect(found).toMatchObject({ dtype: 'F32', shape: [2, 3, 4], strides: [12, 4, 1], offset: 0 });
    const { bytes } = found.read();
    expect(bytes.buffer).toBe(GOOD.buffer);
    expect(bytes).toEqual(STORED.bytes);
    expect(isTorchTensor(found)).toBe(true);
  });

  test('a view at an odd offset of a buffer → its tensor', () => {
    const shifted = new Uint8Array(GOOD.length + 1);
    shifted.set(GOOD, 1);
    expect(readAll(shifted.subarray(1))).toEqual(GOOD_TENSORS);
  });

  test('dicts, lists, tuples, texts, numbers, None → Maps, arrays and plain values', () => {
    expect(
      rootOf(
        dict(
          ['', joined('](', int(1), int(-2), 'N\x88\x89e')],
          [int(7), tuple(text('ä😀'), int(2 ** 40), latin1('G\x3f\xf8\0\0\0\0\0\0'))],
          ['__proto__', joined(dict(['a', int(3)]), 'q\x01')],
          ['again', latin1('h\x01')],
          ['empty', tuple()],
        ),
      ),
    ).toEqual(
      new Map<string | number, TorchValue>([
        ['', [1, -2, null, true, false]],
        [7, ['ä😀', 2 ** 40, 1.5]],
        ['__proto__', new Map([['a', 3]])],
        ['again', new Map([['a', 3]])],
        ['empty', []],
      ]),
    );
  });

  test('LONG1 → a number up to 2⁵³, a bigint past it', () => {
    expect(inList('\x8a\x00')).toEqual([0]);
    expect(inList('\x8a\x01\xff')).toEqual([-1]);
    expect(inList('\x8b\x02\0\0\0\x00\x80')).toEqual([-32768]);
    expect(inList('\x8a\x09\x02\0\0\0\0\0\0\0\x01')).toEqual([2n ** 64n + 2n]);
  });

  test('an OrderedDict with _metadata → the dict, its attributes dropped', () => {
    const root = rootOf(
      ORDERED_DICT,
      text('w'),
      tensor(PLAIN),
      's',
      dict(['_metadata', int(1)]),
      'b',
    );
    expect([...(root as Map<string, TorchValue>).keys()]).toEqual(['w']);
  });

  test('protocol 4: FRAME, SHORT_BINUNICODE, MEMOIZE, STACK_GLOBAL → read as protocol 2', () => {
    const name = (value: string) =>
      joined('\x8c', String.fromCharCode(value.length), value, '\x94');
    const ordered = joined(name('collections'), name('OrderedDict'), '\x93\x94)R');
    const body = joined('}\x94', name('a'), ordered, 's.');
    const frame = joined('\x95', fields([4, body.length]), fields([4, 0]));
    const root = readTorch(torchFile(joined('\x80\x04', frame, body), [])).root;
    expect(root).toEqual(new Map([['a', new Map()]]));
  });

  test('a bare tensor → the empty path', () => {
    expect(tensorsOf(readTorch(fileOf(tensor(PLAIN)))).map(({ path }) => path)).toEqual([[]]);
  });

  test('paths that collide when joined; keys that are numbers → exact', () => {
    const one = tensor(PLAIN);
    const root = dict(
      ['a.b', one],
      ['a', dict(['b', one], [int(0), one])],
      ['l', joined('](', one, 'e')],
    );
    expect(tensorsOf(readTorch(fileOf(root))).map(({ path }) => path)).toEqual([
      ['a.b'],
      ['a', 'b'],
      ['a', 0],
      ['l', 0],
    ]);
  });

  test('OneTrainer’s and ComfyUI’s dicts → their tensors', () => {
    const samples = tensor({ ...PLAIN, shape: [1, 4, 2, 3], strides: [24, 6, 3, 1] });
    expect(readAll(fileOf(dict(['samples', samples])))).toMatchObject([
      { path: ['samples'], shape: [1, 4, 2, 3], bytes: STORED.bytes },
    ]);
    const cache = dict(['__version', text('1')], ['__uuid', text('x')], ['latent_image', samples]);
    expect(readAll(fileOf(cache))).toMatchObject([{ path: ['latent_image'] }]);
  });
});

describe('readTorch: tensors', () => {
  test.each(['F16', 'BF16'] as const)('%s → its bytes', (dtype) => {
    const stored = { dtype, shape: [4, 6], bytes: narrowTo(dtype, NUMBERS) };
    expect(readAll(fileOfTensors({ a: STORED, b: stored }))).toEqual([
      { path: ['a'], ...STORED },
      { path: ['b'], ...stored },
    ]);
  });

  test('F64 → its bytes; I64 → UNSUPPORTED only when it is read', () => {
    const bytes = new Uint8Array(Float64Array.of(0.1, 1e300).buffer);
    const f64 = { dtype: 'F64', shape: [2], bytes };
    const file = readTorch(fileOfTensors({ a: f64, b: { ...f64, dtype: 'I64' } }));
    const [a, b] = tensorsOf(file).map((found) => found.tensor);
    expect(elementsOf(a.read())).toEqual([0.1, 1e300]);
    expect(b).toMatchObject({ dtype: 'I64', shape: [2] });
    const message = /expected elements of F32, F16, BF16 or F64, got I64/;
    expect(() => b.read()).toThrow(message);
  });

  test('random strides and offsets → the elements of the formula', () => {
    const next = seededRandom(7);
    const upTo = (max: number) => Math.floor(next() * (max + 1));
    for (let round = 0; round < 200; round++) {
      const rank = upTo(5);
      const shape = Array.from({ length: rank }, () => upTo(3));
      const strides = Array.from({ length: rank }, () => upTo(4));
      const offset = upTo(20);
      const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], offset);
      const end = shape.includes(0) ? offset - 1 : last;
      const file = fileOf(tensor({ count: 24, shape, strides, offset }));
      if (end >= 24) {
        refused(file, 'FORMAT', /expected a tensor within the 24 elements of its storage/);
        continue;
      }
      let places = [offset];
      for (const [axis, size] of shape.entries()) {
        const steps = Array.from({ length: size }, (_, i) => i * strides[axis]);
        places = places.flatMap((place) => steps.map((step) => place + step));
      }
      const [{ tensor: found }] = tensorsOf(readTorch(file));
      expect(found).toMatchObject({ shape, strides, offset });
      expect(elementsOf(found.read())).toEqual(places.map((place) => NUMBERS[place]));
    }
  });

  test('two views of one storage → both; the storage is checked once', () => {
    const half = { count: 24, shape: [12], strides: [1] };
    const file = fileOf(dict(['a', tensor(half)], ['b', tensor({ ...half, offset: 12 })]));
    expect(readAll(file).map(({ bytes }) => bytes)).toEqual([
      STORED.bytes.slice(0, 48),
      STORED.bytes.slice(48),
    ]);
  });

  test('a huge stride on an axis of 1 → no effect', () => {
    const at = (stride: number) =>
      readAll(fileOf(tensor({ count: 24, shape: [4, 2, 1, 2], strides: [1, 8, stride, 4] })));
    expect(at(Number.MAX_SAFE_INTEGER)[0].bytes).toEqual(at(7)[0].bytes);
  });

  test('strides, sizes, offsets that are no whole numbers from 0 on → FORMAT', () => {
    const bad = [-1, 2 ** 62];
    for (const value of bad) {
      refused(
        fileOf(tensor({ ...PLAIN, shape: [value] })),
        'FORMAT',
        /got (a|-1|4611686018427387904)/,
      );
      refused(
        fileOf(tensor({ ...PLAIN, strides: [value] })),
        'FORMAT',
        /a tensor's strides from 0 to/,
      );
      refused(fileOf(tensor({ ...PLAIN, offset: value })), 'FORMAT', /a tensor's offset from 0 to/);
    }
    const huge = 2 ** 53 - 1;
    refused(
      fileOf(tensor({ ...PLAIN, shape: [huge], strides: [huge] })),
      'FORMAT',
      /within the 24/,
    );
    refused(fileOf(tensor({ ...PLAIN, shape: [2], strides: [huge] })), 'FORMAT', /within the 24/);
    refused(fileOf(tensor({ ...PLAIN, strides: [] })), 'FORMAT', /a stride for each of 1 sizes/);
  });

  test('no elements: any strides → read; an offset past the end → FORMAT', () => {
    const empty = { count: 24, shape: [2 ** 52, 2 ** 52, 0], strides: [2 ** 52, 1, 1] };
    expect(readAll(fileOf(tensor({ ...empty, offset: 24 })))).toMatchObject([
      { bytes: latin1('') },
    ]);
    refused(fileOf(tensor({ ...empty, offset: 25 })), 'FORMAT', /got element 25/);
  });

  test('stride 0: a few times the file → copied; far more → LIMIT', () => {
    const wide = { count: 24, shape: [1000, 4], strides: [0, 1] };
    const [{ bytes }] = readAll(fileOf(tensor(wide)));
    expect(bytes).toHaveLength(16000);
    expect(bytes.slice(-16)).toEqual(STORED.bytes.slice(0, 16));
    for (const size of [2 ** 20, 2 ** 40, 2 ** 52]) {
      const file = fileOf(tensor({ ...wide, shape: [size, 4] }));
      refused(file, 'LIMIT', /expected at most 65536 bytes for a tensor, got \S+ for \[\d+,4\]/);
    }
  });

  test('64 axes → read; 65 → LIMIT', () => {
    const ones = (rank: number) => new Array<number>(rank).fill(1);
    const of = (rank: number) =>
      fileOf(tensor({ count: 24, shape: ones(rank), strides: ones(rank) }));
    expect(readAll(of(64))[0].shape).toHaveLength(64);
    refused(of(65), 'LIMIT', /expected at most 64 dimensions, got 65/);
  });

  test('a storage of another size, type or name than its entry → FORMAT', () => {
    refused(fileOf(tensor({ ...PLAIN, count: 25 })), 'FORMAT', /100 bytes in data\/0.*got 96/);
    refused(fileOf(tensor({ ...PLAIN, count: 23 })), 'FORMAT', /92 bytes in data\/0.*got 96/);
    refused(
      fileOf(tensor({ ...PLAIN, key: '1' })),
      'FORMAT',
      /expected an entry data\/1, got none/,
    );
    refused(fileOf(tensor({ ...PLAIN, key: '../version' })), 'FORMAT', /a storage key of digits/);
    const two = dict(['a', tensor(PLAIN)], ['b', tensor({ ...PLAIN, dtype: 'F16', count: 48 })]);
    refused(fileOf(two), 'FORMAT', /expected one type for data\/0, got F32 and F16/);
  });
});

describe('readTorch: hostile pickles', () => {
  const SYSTEM = joined(global('os', 'system'), text('echo'), '\x85R');

  test('a name outside the list → UNSAFE, wherever it stands', () => {
    const rule =
      /expected tensors, dicts, lists and plain values, got os\.system \(nothing of it was run/;
    refused(fileOf(SYSTEM), 'UNSAFE', rule);
    refused(fileOf(SYSTEM, '0', tensor(PLAIN)), 'UNSAFE', rule);
    refused(fileOf('}(', SYSTEM, int(1), 'u'), 'UNSAFE', rule);
    refused(fileOf(text('os'), text('system'), '\x93'), 'UNSAFE', rule);
    refused(fileOf(tensor(PLAIN), dict(['a', SYSTEM]), 'b'), 'UNSAFE', rule);
  });

  test.each([
    ['__proto__', 'constructor'],
    ['toString', 'call'],
    ['collections ', 'OrderedDict'],
    ['torch._utils', '_rebuild_tensor_v2.__globals__'],
    ['torch', 'load'],
    ['torch', 'FloatTensor'],
    ['collections', 'defaultdict'],
    ['builtins', 'eval'],
    ['', ''],
  ])('GLOBAL %s %s → UNSAFE', (module, name) => {
    refused(
      fileOf(global(module, name)),
      'UNSAFE',
      /expected tensors, dicts, lists and plain values/,
    );
  });

  test.each([
    ['torch', 'ComplexFloatStorage'],
    ['torch', 'Float8_e4m3fnStorage'],
    ['torch._utils', '_rebuild_sparse_tensor'],
  ])('GLOBAL %s %s → UNSUPPORTED', (module, name) => {
    refused(fileOf(global(module, name)), 'UNSUPPORTED', new RegExp(`got ${module}.${name}`));
  });

  test('calls of anything but the functions → UNSAFE, FORMAT', () => {
    refused(
      fileOf(call('torch', 'FloatStorage', int(2 ** 31 - 1))),
      'UNSAFE',
      /torch\.FloatStorage/,
    );
    refused(fileOf(text('a'), ')R'), 'UNSAFE', /got the text "a"/);
    refused(fileOf(global('collections', 'OrderedDict'), ']R'), 'FORMAT', /arguments as a tuple/);
    refused(
      fileOf(call('torch._utils', '_rebuild_tensor_v2')),
      'FORMAT',
      /the six or seven arguments/,
    );
    refused(
      fileOf(call('torch._utils', '_rebuild_parameter')),
      'FORMAT',
      /the (tensor|three arguments) of a parameter/,
    );
  });

  test('functions and storages as values → FORMAT', () => {
    const ordered = global('collections', 'OrderedDict');
    for (const part of [ordered, storage(PLAIN), global('torch', 'HalfStorage')]) {
      refused(fileOf(part), 'FORMAT', /expected a tensor, a dict or a list/);
      refused(fileOf(dict(['a', tuple(part)])), 'FORMAT', /"data.pkl" expected tensors, dicts/);
    }
  });

  test('attributes of dicts, tensors; slots → UNSAFE', () => {
    const rule = /expected attributes as a dict, for an OrderedDict/;
    refused(fileOf('}}b'), 'UNSAFE', rule);
    refused(fileOf(tensor(PLAIN), '}b'), 'UNSAFE', rule);
    refused(fileOf(ORDERED_DICT, tuple(latin1('N'), latin1('}')), 'b'), 'UNSAFE', rule);
  });

  test.each([...'Pio\x81\x82\x83\x84\x92'])('opcode %j → UNSAFE', (opcode) => {
    refused(fileOf('}', opcode, 'a\nb\n'), 'UNSAFE', /which makes objects of any class/);
  });

  test('persistent ids of anything but storages → UNSAFE, FORMAT', () => {
    refused(fileOf(tuple(text('module'), text('a')), 'Q'), 'UNSAFE', /expected a storage, got/);
    refused(fileOf(int(1), 'Q'), 'FORMAT', /expected the tuple of a storage, got 1/);
    refused(fileOf(tuple(text('storage')), 'Q'), 'FORMAT', /the five parts of a storage, got 1/);
  });

  test('a container that holds itself → FORMAT', () => {
    refused(
      fileOf(']q\0h\0a'),
      'FORMAT',
      /"data.pkl" expected no value that holds itself, got one/,
    );
    refused(fileOf('}q\0', text('a'), 'h\0s'), 'FORMAT', /no value that holds itself, got one/);
    refused(fileOf(']q\0(h\0ta'), 'FORMAT', /no value that holds itself, got one/);
  });

  test('100 levels → read; 101, and 100,000 → LIMIT in linear time', () => {
    const nested = (levels: number) => fileOf(']'.repeat(levels), 'a'.repeat(levels - 1));
    expect(readTorch(nested(100)).root).toBeInstanceOf(Array);
    refused(nested(101), 'LIMIT', /expected at most 100 levels, got 101/);
    refused(nested(100_000), 'LIMIT', /got 100000/);
    refused(fileOf(']', '\x85'.repeat(100_000)), 'LIMIT', /got 100001/);
    refused(fileOf('('.repeat(1001)), 'LIMIT', /at most 1000 open marks/);
  });

  test('shared containers that make 10¹² tensors → LIMIT', () => {
    let body = joined(tensor(PLAIN), 'q\0');
    for (let level = 1; level <= 12; level++) {
      const get = `h${String.fromCharCode(level - 1)}`;
      body = joined(body, '](', get.repeat(10), 'e', `q${String.fromCharCode(level)}`);
    }
    // The values below the last one are left on the stack, so put all into a list.
    refused(fileOf('](', body, 'e'), 'LIMIT', /at most 65536 values that occur again/);
  });

  test('5,000,000 opcodes, 600,000 containers → LIMIT', () => {
    refused(fileOf('N0'.repeat(2_500_000)), 'LIMIT', /at most 4194304 opcodes/);
    refused(fileOf(']('.concat('}'.repeat(600_000), 'e')), 'LIMIT', /at most 524288 dicts/);
  });

  test.each<[string, ErrorCode, string, RegExp]>([
    ['no result', 'FORMAT', '', /expected a result on the stack, got none/],
    ['two results', 'FORMAT', 'NN', /expected one result, got 2/],
    ['an open mark', 'FORMAT', 'N(', /expected a result on the stack/],
    ['bytes after STOP', 'FORMAT', '}.N', /expected the end of the pickle, got 2 more bytes/],
    ['an unknown opcode', 'FORMAT', '\xff', /expected an opcode of torch.save, got 0xff/],
    ['bytes', 'FORMAT', 'C\x01a', /expected what torch.save writes for tensors, got bytes/],
    ['APPEND to a dict', 'FORMAT', '}Na', /expected a list to append to, got a dict/],
    ['SETITEM on a list', 'FORMAT', ']NNs', /expected a dict to set items of, got a list/],
    ['SETITEMS across a mark', 'FORMAT', '}((NNu', /expected a value on the stack, got none/],
    ['an odd SETITEMS', 'FORMAT', '}(K\x01u', /expected a value for each key/],
    ['a list as key', 'FORMAT', '}]Ns', /expected a text or a whole number as key, got a list/],
    ['a float as key', 'FORMAT', '}G\0\0\0\0\0\0\0\0Ns', /got the float 0/],
    ['True as key', 'FORMAT', '}\x88Ns', /got True/],
    ['a key twice', 'FORMAT', '}K\x01NsK\x01Ns', /expected each key once, got 1 twice/],
    ['TUPLE3 of one', 'FORMAT', 'N\x87', /expected 3 values on the stack, got fewer/],
    ['TUPLE without mark', 'FORMAT', 'Nt', /expected a mark, got none/],
    [
      'a memo never put',
      'FORMAT',
      'h\x07',
      /expected a value that was stored before, got number 7/,
    ],
    ['a memo of nothing', 'FORMAT', 'q\0', /expected a value on the stack/],
    ['a memo of a mark', 'FORMAT', '(q\0', /expected a value on the stack/],
    ['text of 4 GB', 'TRUNCATED', 'X\xff\xff\xff\xff', /expected 4294967295 more bytes, got 1/],
    ['text of 2⁶⁴ bytes', 'TRUNCATED', '\x8d'.padEnd(9, '\xff'), /more bytes, got 1/],
    ['a frame of 2⁶⁴ bytes', 'TRUNCATED', '\x95'.padEnd(9, '\xff'), /expected a frame of/],
    ['a number of −1 bytes', 'FORMAT', '\x8b\xff\xff\xff\xff', /a length of at least 0, got -1/],
    ['a number of 33 bytes', 'LIMIT', `\x8a\x21${'\0'.repeat(33)}`, /at most 32 bytes, got 33/],
    ['text not in UTF-8', 'FORMAT', 'X\x01\0\0\0\xff', /expected text in UTF-8/],
    ['half a surrogate pair', 'FORMAT', 'X\x03\0\0\0\xed\xa0\x80', /expected text in UTF-8/],
    ['a name without its end', 'TRUNCATED', 'cos', /expected a name that ends with its line/],
    ['STACK_GLOBAL of numbers', 'FORMAT', 'K\x01K\x02\x93', /got 1 and 2/],
  ])('%s → %s', (_, code, body, message) => {
    refused(fileOf(body), code, message);
  });

  test('no PROTO, protocol 1 and 255, no bytes → FORMAT, UNSUPPORTED, TRUNCATED', () => {
    refused(torchFile(latin1('}.'), []), 'FORMAT', /expected a pickle, which begins with/);
    refused(torchFile(latin1('\x80\x01}.'), []), 'UNSUPPORTED', /got protocol 1/);
    refused(torchFile(latin1('\x80\xff}.'), []), 'UNSUPPORTED', /got protocol 255/);
    refused(torchFile(latin1(''), []), 'TRUNCATED', /"data.pkl at byte 0" expected 1 more bytes/);
  });

  test('results that are no container → FORMAT', () => {
    refused(fileOf('N'), 'FORMAT', /expected a tensor, a dict or a list, got None/);
    refused(fileOf('K\x07'), 'FORMAT', /got 7/);
    refused(fileOf(text('a')), 'FORMAT', /got the text "a"/);
  });

  test(`random bytes as a pickle, ${RANDOM} times → a typed error or a value`, () => {
    const next = seededRandom(99);
    const opcodes = '(.0NRQX]abceehqstu}\x80\x85\x86\x87\x88\x8a\x8c\x93\x94KMJG)';
    for (let round = 0; round < RANDOM; round++) {
      let body = '';
      for (let i = 0; i < 30; i++) {
        const isOpcode = next() < 0.8;
        const byte = Math.floor(next() * 4);
        body += isOpcode ? opcodes[Math.floor(next() * opcodes.length)] : String.fromCharCode(byte);
      }
      expectTypedOr(fileOf('}](', body), () => {});
    }
  });
});

describe('readTorch: archives', () => {
  const DATA = pickle(dict(['w', tensor(PLAIN)]));
  const withOthers = (others: Record<string, string>) => torchFile(DATA, [STORED.bytes], others);

  test('torch 1’s entries, extra entries → read', () => {
    for (const others of [{ version: '3\n' }, { version: '3' }, { ...TORCH_2, more: 'x' }]) {
      expect(readAll(withOthers(others))).toMatchObject([{ bytes: STORED.bytes }]);
    }
  });

  test('version and byteorder that are not torch’s → FORMAT, UNSUPPORTED', () => {
    refused(withOthers({}), 'FORMAT', /"version of the archive" expected an entry FOLDER\/version/);
    refused(withOthers({ version: '999' }), 'UNSUPPORTED', /expected 1 to 10, got 999/);
    refused(
      withOthers({ ...TORCH_2, byteorder: 'big' }),
      'UNSUPPORTED',
      /expected little, got big/,
    );
    refused(withOthers({ ...TORCH_2, byteorder: 'middle' }), 'FORMAT', /got middle/);
    refused(withOthers({ version: '3'.repeat(65) }), 'FORMAT', /expected at most 64 bytes, got 65/);
  });

  test('no folder, two folders, no pickle, TorchScript → typed errors', () => {
    const entries = { 'data.pkl': DATA, 'data/0': STORED.bytes, version: '3' };
    refused(archive(entries, ''), 'FORMAT', /expected one FOLDER\/data\.pkl.*got data\.pkl/);
    refused(archive(entries, 'a/b'), 'FORMAT', /got a\/b\/data\.pkl/);
    const { 'data.pkl': first } = entries;
    refused(
      archive({ 'a/data.pkl': first, 'b/data.pkl': first }, ''),
      'UNSAFE',
      /got a\/data\.pkl and b\/data\.pkl/,
    );
    refused(
      archive({ 'a/data.pkl': first, 'a/version': '3', 'b/x': '' }, ''),
      'FORMAT',
      /expected all entries in the folder a, got b\/x/,
    );
    refused(archive({ 'latents.npy': 'x' }, ''), 'FORMAT', /a \.npz of numpy\?/);
    refused(archive({ ...entries, 'constants.pkl': 'x' }), 'UNSUPPORTED', /a TorchScript program/);
    refused(archive({ ...entries, 'code/a.py': 'x' }), 'UNSUPPORTED', /torch\.jit\.load/);
  });

  test('other kinds of files → a sentence that helps', () => {
    const legacy = '\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.';
    const convert = /torch\.save\(torch\.load\("old\.pt", weights_only=True\), "new\.pt"\)/;
    refused(latin1(legacy), 'UNSUPPORTED', convert);
    refused(latin1(legacy), 'UNSUPPORTED', /got a file in the format before torch 1\.6/);
    refused(latin1('\x80\x02}.'), 'UNSUPPORTED', /got a Python pickle without torch's archive/);
    refused(latin1(`${'a'.repeat(257)}ustar`), 'UNSUPPORTED', /got a tar/);
    refused(
      latin1('\x1f\x8b\x08\0'),
      'UNSUPPORTED',
      /got a gzipped file \(unpack it with gunzip\)/,
    );
    refused(latin1('\n<!DOCTYPE html>'), 'FORMAT', /got HTML \(the address is wrong/);
    refused(latin1('version https://git-lfs.github.com'), 'FORMAT', /run `git lfs pull`/);
    refused(latin1('\x02\0\0\0\0\0\0\0{}'), 'UNSUPPORTED', /got a safetensors file/);
    refused(latin1(''), 'TRUNCATED', /got 0 bytes/);
    refused(latin1('abcdef'), 'FORMAT', /got bytes 61 62 63 64 65 66/);
  });

  test('first bytes → the recognisers', () => {
    expect(isTorch(GOOD)).toBe(true);
    expect(isTorch(GOOD.subarray(0, 100))).toBe(true);
    expect(isTorch(archive({ version: '3', 'data.pkl': DATA }))).toBe(true);
    expect(isTorch(archive({ 'latents.npy': 'x' }, ''))).toBe(false);
    expect(isTorch(latin1('PK\x03\x04'))).toBe(false);
    expect(isPickle(latin1('\x80\x02}.'))).toBe(true);
    expect(isPickle(latin1('\x80\x06}.'))).toBe(false);
    expect(isLegacyTorch(latin1('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'))).toBe(true);
    expect(isLegacyTorch(latin1('\x80\x02}.'))).toBe(false);
    expect(isTar(GOOD)).toBe(false);
  });

  test('not bytes, detached bytes → ARG', () => {
    const not = thrownBy(() => readTorch('a' as unknown as Uint8Array));
    expect(not).toMatchObject({
      code: 'ARG',
      sentence: '"bytes" expected a Uint8Array or ArrayBuffer, got "a"',
    });
    const bytes = GOOD.slice();
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(thrownBy(() => readTorch(bytes))).toMatchObject({ code: 'ARG' });
  });
});

/** Reads a file. Checks that it throws a typed error, or hands the tensors on. */
function expectTypedOr(bytes: Uint8Array, then: (tensors: ReturnType<typeof readAll>) => void) {
  let tensors: ReturnType<typeof readAll>;
  try {
    tensors = readAll(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(TaesdError);
    return;
  }
  then(tensors);
}

describe('readTorch: damaged files', () => {
  test('cut at every byte → a typed error', () => {
    for (let length = 0; length < GOOD.length; length++) {
      const error = thrownBy(() => readAll(GOOD.subarray(0, length)));
      expect(['TRUNCATED', 'FORMAT']).toContain(error.code);
    }
    expect(readAll(GOOD)).toEqual(GOOD_TENSORS);
  });

  test('every byte changed in three ways → a typed error or the right tensors', () => {
    const bytes = GOOD.slice();
    for (let at = 0; at < bytes.length; at++) {
      for (const change of [0x01, 0x80, 0xff]) {
        bytes[at] ^= change;
        expectTypedOr(bytes, (tensors) => expect(tensors).toEqual(GOOD_TENSORS));
        bytes[at] ^= change;
      }
    }
    expect(readAll(bytes)).toEqual(GOOD_TENSORS);
  });
});
