import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { readSafetensors, toTensor } from '../../src/weights/safetensors.ts';
import { entry, expectError, rawFile } from './raw-file.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const data = (length: number): Uint8Array => new Uint8Array(length).fill(1);

const GOOD = rawFile(`{${entry('a', 'F32', [2], [0, 8])}}`, data(8));

/** The bytes are refused with this code and message, and a good file is read all the same after it. */
function refused(bytes: Uint8Array, code: ErrorCode, message: string): void {
  expectError(() => readSafetensors(bytes), code, `readSafetensors: ${message}`);
  expect([...readSafetensors(GOOD).tensors.keys()]).toEqual(['a']);
}

/** One tensor `a` whose entry is this text. */
const withEntry = (text: string, length = 8): Uint8Array => rawFile(`{"a":${text}}`, data(length));

const WHOLE = 'a whole number from 0 to 2^53 − 1';

describe('safetensors: length and header (trust 20–25)', () => {
  test('20: fewer than 8 bytes → TRUNCATED', () => {
    for (const length of [0, 1, 7]) {
      const message = `"header length" expected at least 8 bytes, got ${length}`;
      refused(GOOD.subarray(0, length), 'TRUNCATED', message);
    }
  });

  test('20: header past the end → TRUNCATED', () => {
    const rule = '"header" expected 54 bytes, got';
    refused(GOOD.subarray(0, 61), 'TRUNCATED', `${rule} 53 (is the download complete?)`);
    refused(GOOD.subarray(0, 8), 'TRUNCATED', `${rule} 0 (is the download complete?)`);
  });

  test.each([
    ['100000001', 100_000_001n],
    ['9007199254740992', 2n ** 53n],
    ['18446744073709551615', 2n ** 64n - 1n],
  ])('21: header of %s bytes → LIMIT', (text, length) => {
    const bytes = GOOD.slice();
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    const rule = '"header length" expected at most 100000000 bytes, got';
    refused(bytes, 'LIMIT', `${rule} ${text} (not a safetensors file?)`);
  });

  test('21: header of exactly 100,000,000 bytes that are not there → TRUNCATED', () => {
    const bytes = GOOD.slice();
    new DataView(bytes.buffer).setBigUint64(0, 100_000_000n, true);
    const got = 'got 62 (is the download complete?)';
    refused(bytes, 'TRUNCATED', `"header" expected 100000000 bytes, ${got}`);
  });

  test('22: not UTF-8 → FORMAT', () => {
    const header = new Uint8Array([...ascii('{"'), 0xc3, 0x28, ...ascii('":0}')]);
    const message = '"header" expected UTF-8 text, got bytes that are not UTF-8';
    refused(rawFile(header), 'FORMAT', message);
  });

  test('22: not an object → FORMAT', () => {
    const rule = '"header" expected JSON that begins with "{", got';
    refused(rawFile(''), 'FORMAT', `${rule} an empty header`);
    refused(rawFile('[]'), 'FORMAT', `${rule} 0x5b`);
    refused(rawFile(' {}'), 'FORMAT', `${rule} 0x20`);
    refused(rawFile('\ufeff{}'), 'FORMAT', `${rule} 0xef`);
  });

  test.each([
    ['{', '"header" expected a quoted key, got the header\'s end at character 1 of the header'],
    ['{a:1}', '"header" expected a quoted key, got a at character 1 of the header'],
    ['{"a"}', '"header" expected ":" after "a", got } at character 4 of the header'],
    ['{"a" 1', '"header" expected ":" after "a", got 1 at character 5 of the header'],
    ['{"a":1}', '"tensor a" expected an object, got 1 at character 5 of the header'],
    ['{"a":"x"}', '"tensor a" expected an object, got a string at character 5 of the header'],
    ['{"a":[]}', '"tensor a" expected an object, got an array at character 5 of the header'],
    ['{"a":null}', '"tensor a" expected an object, got null at character 5 of the header'],
    ['{"a":\u001b}', '"tensor a" expected an object, got \\u001b at character 5 of the header'],
    ['{"a":😀}', '"tensor a" expected an object, got 😀 at character 5 of the header'],
    [
      '{"a\n":1}',
      '"header" expected no control character in a string, got code 10 at character 4 of the header',
    ],
    [
      '{"a',
      '"header" expected a closing quote, got the header\'s end at character 3 of the header',
    ],
    [
      '{"a\\',
      '"header" expected a closing quote, got the header\'s end at character 5 of the header',
    ],
    ['{"\\x":1}', '"header" expected JSON escapes, got \\"\\\\x\\"'],
    [
      '{"\\ud800":1}',
      '"header" expected whole characters, got half a surrogate pair in \\"\\\\ud800\\" at character 9 of the header',
    ],
    [
      '{}{}',
      '"header" expected nothing but spaces after the last "}", got an object at character 2 of the header',
    ],
    [
      '{}\0',
      '"header" expected nothing but spaces after the last "}", got \\u0000 at character 2 of the header',
    ],
    ['{"__metadata__":{},}', '"header" expected a quoted key, got } at character 19 of the header'],
    ['{"__metadata__":{} 7}', '"header" expected "," or "}", got 7 at character 19 of the header'],
  ])('22: not JSON: %j → FORMAT', (header, message) => {
    refused(rawFile(header), 'FORMAT', message);
  });

  test('22: white space between tokens and after the header → reads', () => {
    const header =
      ' { "a" : {"shape":[ 1 , 2 ], "data_offsets":[0,\t2],\r\n"dtype": "U8"} } \n  '.trimStart();
    const { tensors } = readSafetensors(rawFile(header, data(2)));
    expect(tensors.get('a')).toEqual({ dtype: 'U8', shape: [1, 2], bytes: data(2) });
  });

  test('23: duplicate tensor names, also after unescaping → FORMAT', () => {
    const first = entry('a', 'U8', [1], [0, 1]);
    const second = entry('a', 'U8', [1], [1, 2]);
    const rule = '"header" expected each key once, got "a" twice at character';
    refused(rawFile(`{${first},${second}}`, data(2)), 'FORMAT', `${rule} 56 of the header`);
    const escaped = second.replace('"a"', '"\\u0061"');
    refused(rawFile(`{${first},${escaped}}`, data(2)), 'FORMAT', `${rule} 61 of the header`);
  });

  test('23: duplicate fields of a tensor, also after unescaping → FORMAT', () => {
    const rule = '"tensor a" expected each key once, got "dtype" twice at character';
    refused(withEntry('{"dtype":"U8","dtype":"F32"}'), 'FORMAT', `${rule} 26 of the header`);
    refused(withEntry('{"dtype":"U8","\\u0064type":"F32"}'), 'FORMAT', `${rule} 31 of the header`);
  });

  test('23: duplicate metadata keys, and metadata twice → FORMAT', () => {
    const keys =
      '"__metadata__" expected each key once, got "k" twice at character 27 of the header';
    refused(rawFile('{"__metadata__":{"k":"","k":""}}'), 'FORMAT', keys);
    const whole =
      '"header" expected each key once, got "__metadata__" twice at character 33 of the header';
    refused(rawFile('{"__metadata__":{},"__metadata__":{}}'), 'FORMAT', whole);
  });

  test('24: `__proto__` and `constructor` as names → just names', () => {
    const header = `{"__metadata__":{"__proto__":"x"},${entry('__proto__', 'U8', [1], [0, 1])},${entry('constructor', 'U8', [1], [1, 2])}}`;
    const { tensors, metadata } = readSafetensors(rawFile(header, data(2)));
    expect([...tensors.keys()]).toEqual(['__proto__', 'constructor']);
    expect([...metadata]).toEqual([['__proto__', 'x']]);
    expect(tensors.get('toString')).toBeUndefined();
    expect(Object.hasOwn(Object.prototype, 'dtype')).toBe(false);
  });

  test('24: `__proto__` as a field of a tensor → FORMAT', () => {
    const message = '"tensor a" expected only dtype, shape and data_offsets, got "__proto__"';
    refused(withEntry('{"__proto__":{"dtype":"U8"}}'), 'FORMAT', message);
  });

  test.each([
    [
      'arrays',
      '{"a":',
      '[',
      '"tensor a" expected an object, got an array at character 5 of the header',
    ],
    [
      'arrays in a shape',
      '{"a":{"shape":',
      '[',
      `"tensor a shape" expected ${WHOLE}, got an array at character 15 of the header`,
    ],
    ['objects', '', '{"a":', '"tensor a" expected only dtype, shape and data_offsets, got "a"'],
    [
      'metadata',
      '',
      '{"__metadata__":',
      '"__metadata__ __metadata__" expected a string, got an object at character 32 of the header',
    ],
  ])('25: 10⁵ levels of %s → FORMAT, no stack overflow', (_, start, level, message) => {
    refused(rawFile(start + level.repeat(100_000)), 'FORMAT', message);
  });

  test('more than 2²⁰ keys, or 64 dimensions → LIMIT', () => {
    const pairs = Array.from({ length: 2 ** 20 + 1 }, (_, i) => `"${i}":""`).join(',');
    const header = `{"__metadata__":{${pairs}}}`;
    const at = header.lastIndexOf(':');
    const keys = `"__metadata__" expected at most 1048576 keys, got more at character ${at} of the header`;
    refused(rawFile(header), 'LIMIT', keys);
    const shape =
      '"tensor a shape" expected at most 64 numbers, got more at character 143 of the header';
    refused(withEntry(`{"shape":[${'1,'.repeat(64)}1]}`), 'LIMIT', shape);
  });
});

describe('safetensors: tensors (trust 26–31, 33)', () => {
  const a = entry('a', 'U8', [4], [0, 4]);

  test('26: overlap → FORMAT naming both tensors and the offsets', () => {
    const rule = '"tensor b" expected data from offset 4, where tensor a ends, got';
    const inside = rawFile(`{${a},${entry('b', 'U8', [4], [3, 7])}}`, data(7));
    refused(inside, 'FORMAT', `${rule} 3, an overlap`);
    const empty = rawFile(`{${a},${entry('b', 'U8', [0], [2, 2])}}`, data(4));
    refused(empty, 'FORMAT', `${rule} 2, an overlap`);
    const same = rawFile(`{${a},${entry('b', 'U8', [4], [0, 4])}}`, data(4));
    refused(same, 'FORMAT', `${rule} 0, an overlap`);
  });

  test('26: hole → FORMAT', () => {
    const between = rawFile(`{${a},${entry('b', 'U8', [4], [5, 9])}}`, data(9));
    const rule = '"tensor b" expected data from offset';
    refused(between, 'FORMAT', `${rule} 4, where tensor a ends, got 5, a hole`);
    const before = rawFile(`{${entry('b', 'U8', [4], [1, 5])}}`, data(5));
    refused(before, 'FORMAT', `${rule} 0, where the header ends, got 1, a hole`);
  });

  test('26: trailing bytes → FORMAT', () => {
    const rule = '"data" expected the end of the file at data offset';
    refused(
      rawFile(`{${a}}`, data(5)),
      'FORMAT',
      `${rule} 4, where tensor a ends, got 1 more bytes`,
    );
    refused(rawFile('{}', data(3)), 'FORMAT', `${rule} 0, where the header ends, got 3 more bytes`);
  });

  test('data past the end of the file → TRUNCATED', () => {
    const message = '"tensor a" expected data up to offset 4, got 3 (is the download complete?)';
    refused(rawFile(`{${a}}`, data(3)), 'TRUNCATED', message);
    const huge = rawFile(`{${entry('a', 'U8', [2 ** 53 - 1], [0, 2 ** 53 - 1])}}`);
    const got =
      '"tensor a" expected data up to offset 9007199254740991, got 0 (is the download complete?)';
    refused(huge, 'TRUNCATED', got);
  });

  test.each([
    ['[0,-8]', `${WHOLE}, got -8 at character 50 of the header`],
    ['[-0,8]', `${WHOLE}, got -0 at character 48 of the header`],
    ['[0,8.0]', `${WHOLE}, got 8.0 at character 50 of the header`],
    ['[0,1.5]', `${WHOLE}, got 1.5 at character 50 of the header`],
    ['[0,8e0]', `${WHOLE}, got 8e0 at character 50 of the header`],
    ['[0,08]', `${WHOLE}, got 08 at character 50 of the header`],
    ['[0,"8"]', `${WHOLE}, got a string at character 50 of the header`],
    ['[0,null]', `${WHOLE}, got null at character 50 of the header`],
    ['[0,]', `${WHOLE}, got ] at character 50 of the header`],
    ['[0,9007199254740992]', `${WHOLE}, got 9007199254740992 at character 50 of the header`],
    [`[0,${'9'.repeat(100)}]`, `${WHOLE}, got ${'9'.repeat(60)}… at character 50 of the header`],
    ['"0-8"', 'an array of whole numbers, got a string at character 47 of the header'],
    ['[0 8]', '"," or "]", got 8 at character 50 of the header'],
    ['[0,1,2]', 'at most 2 numbers, got more at character 52 of the header', 'LIMIT' as const],
  ])('27: offsets %s → FORMAT', (offsets, rest, code: ErrorCode = 'FORMAT') => {
    const bytes = withEntry(`{"dtype":"F32","shape":[2],"data_offsets":${offsets}}`);
    refused(bytes, code, `"tensor a data_offsets" expected ${rest}`);
  });

  test.each(['[8,0]', '[0]', '[]'])('27: reversed or missing offsets %s → FORMAT', (offsets) => {
    const bytes = withEntry(`{"dtype":"F32","shape":[2],"data_offsets":${offsets}}`);
    const rule = '"tensor a" expected data_offsets [begin, end] with begin ≤ end, got';
    refused(bytes, 'FORMAT', `${rule} ${offsets}`);
  });

  test.each([
    [[2 ** 53 - 1], 'F32'],
    [[2 ** 27, 2 ** 27], 'U8'],
    [[2 ** 40, 2 ** 40, 0], 'U8'],
    [Array<number>(20).fill(2 ** 52), 'U8'],
  ])('28: the product of %j overflows → FORMAT', (shape, dtype) => {
    const bytes = rawFile(`{${entry('a', dtype, shape, [0, 8])}}`, data(8));
    const rule = '"tensor a" expected a shape of less than 2^53 bytes, got';
    refused(bytes, 'FORMAT', `${rule} [${shape.join(',')}]`);
  });

  test('28: size ≠ span → FORMAT', () => {
    const short = rawFile(`{${entry('a', 'F32', [2], [0, 7])}}`, data(7));
    refused(short, 'FORMAT', '"tensor a" expected 8 bytes for F32 [2], got 7 in [0,7]');
    const long = rawFile(`{${entry('a', 'F16', [], [0, 4])}}`, data(4));
    refused(long, 'FORMAT', '"tensor a" expected 2 bytes for F16 [], got 4 in [0,4]');
  });

  test('29: zero-size and rank 0 → read, and a file with no tensors too', () => {
    const header = [
      entry('full', 'U8', [4], [0, 4]),
      entry('after', 'F32', [0], [4, 4]),
      entry('number', 'F32', [], [4, 8]),
      entry('before', 'F32', [3, 0, 2], [0, 0]),
    ];
    const { tensors } = readSafetensors(rawFile(`{${header.join(',')}}`, data(8)));
    expect([...tensors.keys()]).toEqual(['full', 'after', 'number', 'before']);
    expect(tensors.get('before')).toEqual({ dtype: 'F32', shape: [3, 0, 2], bytes: data(0) });
    expect(tensors.get('number')?.bytes.length).toBe(4);
    expect(toTensor('test', 'after', tensors.get('after')!).data.length).toBe(0);
    expect(readSafetensors(rawFile('{}')).tensors.size).toBe(0);
  });

  test('30: unknown dtype → UNSUPPORTED naming it', () => {
    const rule =
      '"tensor a" expected a dtype of BOOL, U8, I8, F8_E4M3, F8_E5M2, I16, U16, F16, BF16, I32, U32, F32, I64, U64, F64, got';
    for (const dtype of ['F4', 'float32', 'f32', '', '__proto__']) {
      const bytes = rawFile(`{${entry('a', dtype, [2], [0, 8])}}`, data(8));
      refused(bytes, 'UNSUPPORTED', `${rule} "${dtype}"`);
    }
  });

  test('30: every dtype of the format → its width', () => {
    const widths = {
      1: 'BOOL U8 I8 F8_E4M3 F8_E5M2',
      2: 'I16 U16 F16 BF16',
      4: 'I32 U32 F32',
      8: 'I64 U64 F64',
    };
    for (const [width, dtypes] of Object.entries(widths)) {
      const length = 3 * Number(width);
      for (const dtype of dtypes.split(' ')) {
        const { tensors } = readSafetensors(
          rawFile(`{${entry('a', dtype, [3], [0, length])}}`, data(length)),
        );
        expect(tensors.get('a')).toEqual({ dtype, shape: [3], bytes: data(length) });
      }
    }
  });

  test('an unknown or missing field of a tensor → FORMAT', () => {
    const fields = 'dtype, shape and data_offsets';
    const unknown = withEntry('{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}');
    refused(unknown, 'FORMAT', `"tensor a" expected only ${fields}, got "x"`);
    const rule = `"tensor a" expected ${fields}, got none named`;
    refused(withEntry('{}'), 'FORMAT', `${rule} dtype, shape, data_offsets`);
    refused(withEntry('{"shape":[],"dtype":"U8"}'), 'FORMAT', `${rule} data_offsets`);
    const nodtype = withEntry('{"shape":[],"data_offsets":[0,8]}');
    refused(nodtype, 'FORMAT', `${rule} dtype`);
    const number = '"tensor a dtype" expected a string, got 7 at character 14 of the header';
    refused(withEntry('{"dtype":7}'), 'FORMAT', number);
  });

  test.each([
    ['"x"', '"__metadata__" expected an object, got a string at character 16 of the header'],
    ['null', '"__metadata__" expected an object, got null at character 16 of the header'],
    ['{"k":1}', '"__metadata__ k" expected a string, got 1 at character 21 of the header'],
    ['{"k":null}', '"__metadata__ k" expected a string, got null at character 21 of the header'],
    ['{"k":{}}', '"__metadata__ k" expected a string, got an object at character 21 of the header'],
  ])('31: metadata %s → FORMAT', (metadata, message) => {
    refused(rawFile(`{"__metadata__":${metadata}}`), 'FORMAT', message);
  });

  test('33: F32 at every alignment of file and data → the same numbers, nothing copied', () => {
    const numbers = Float32Array.of(1.5, -0, 2 ** -149, Infinity);
    for (let padding = 0; padding < 4; padding++) {
      const header = `{${entry('a', 'F32', [4], [0, 16])}}${' '.repeat(padding)}`;
      const file = rawFile(header, new Uint8Array(numbers.buffer));
      for (let offset = 0; offset < 4; offset++) {
        const moved = new Uint8Array(file.length + offset).subarray(offset);
        moved.set(file);
        const stored = readSafetensors(moved).tensors.get('a')!;
        expect(stored.bytes.buffer).toBe(moved.buffer);
        expect(toTensor('test', 'a', stored)).toEqual({ shape: [4], data: numbers });
      }
    }
  });

  test('names in messages: control characters escaped, long ones cut', () => {
    const bytes = rawFile(
      `{${entry(`\u001b[2J\u202e${'x'.repeat(1000)}`, 'F4', [], [0, 1])}}`,
      data(1),
    );
    expect(() => readSafetensors(bytes)).toThrow(
      `"tensor \\u001b[2J\\u202e${'x'.repeat(55)}…" expected a dtype of`,
    );
  });
});

describe('toTensor', () => {
  test('F16 and BF16 → the same numbers as float32', () => {
    const bytes = Uint8Array.of(0x00, 0x3c, 0x00, 0xc0, 0x80, 0x3f, 0x00, 0xc0);
    const header = `{${entry('h', 'F16', [2], [0, 4])},${entry('b', 'BF16', [1, 2], [4, 8])}}`;
    const { tensors } = readSafetensors(rawFile(header, bytes));
    expect(toTensor('test', 'h', tensors.get('h')!)).toEqual({
      shape: [2],
      data: Float32Array.of(1, -2),
    });
    expect(toTensor('test', 'b', tensors.get('b')!)).toEqual({
      shape: [1, 2],
      data: Float32Array.of(1, -2),
    });
  });

  test('another dtype → UNSUPPORTED naming the tensor', () => {
    const stored = { dtype: 'F64', shape: [], bytes: data(8) };
    const message = 'loadWeights: "tensor a.b" expected a dtype of F32, F16, BF16, got "F64"';
    expectError(() => toTensor('loadWeights', 'a.b', stored), 'UNSUPPORTED', message);
  });
});

describe('readSafetensors: other things under that name', () => {
  const rule = '"bytes" expected a safetensors file, got';

  test('a zip → UNSUPPORTED, saying .pth', () => {
    const hint = 'a .pth file is not read yet; convert it to safetensors';
    const zip = Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 8, 8, 0, 0, 0, 0);
    refused(zip, 'UNSUPPORTED', `${rule} a zip file (${hint})`);
  });

  test('a pickle → UNSUPPORTED', () => {
    const hint = 'an old .pth or .ckpt file is not read; convert it to safetensors';
    const pickle = Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20);
    refused(pickle, 'UNSUPPORTED', `${rule} a Python pickle (${hint})`);
  });

  test.each(['<!DOCTYPE html><html>', '<!doctype html>', '\ufeff\n <html lang="en">', '<HTML>'])(
    'a web page %j → FORMAT',
    (page) => {
      const hint = 'a web page was saved in place of the file; download the file itself';
      refused(ascii(page), 'FORMAT', `${rule} HTML (${hint})`);
    },
  );

  test('a Git LFS pointer → FORMAT', () => {
    const hint = 'the file itself was not fetched; run `git lfs pull`, or download it';
    const pointer = ascii('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n');
    refused(pointer, 'FORMAT', `${rule} a Git LFS pointer (${hint})`);
  });

  test('a good file whose length spells a pickle (0x0280) → reads; cut short → TRUNCATED', () => {
    const header = `{${entry('a', 'U8', [1], [0, 1])}}`.padEnd(0x280);
    const file = rawFile(header, data(1));
    expect([...file.subarray(0, 2)]).toEqual([0x80, 2]);
    expect(readSafetensors(file).tensors.size).toBe(1);
    const message = '"header length" expected at least 8 bytes, got 5';
    refused(file.subarray(0, 5), 'TRUNCATED', message);
  });

  test('not bytes → ARG; a detached buffer → ARG', () => {
    const text = 'taesd.safetensors' as unknown as Uint8Array;
    const message = 'readSafetensors: "bytes" expected a Uint8Array, got "taesd.safetensors"';
    expectError(() => readSafetensors(text), 'ARG', message);
    const bytes = GOOD.slice();
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    refused(bytes, 'ARG', '"bytes" expected live data, got a detached buffer');
  });

  test('the caller may name itself, for the messages', () => {
    const message = 'loadWeights: "header length" expected at least 8 bytes, got 0';
    expectError(() => readSafetensors(new Uint8Array(0), 'loadWeights'), 'TRUNCATED', message);
  });
});
