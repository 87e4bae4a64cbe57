import { describe, expect, test } from 'vitest';
import { readSafetensors } from '../../src/safetensors/read.ts';
import { utf8 } from '../bytes.ts';
import { testAtFullLength } from '../full-length.ts';
import { entry, GOOD, ones, rawFile, refused, withEntry } from './raw-file.ts';

const WHOLE = 'a whole number from 0 to 2^53 − 1';

describe('safetensors: length and header', () => {
  test('readSafetensors: fewer than 8 bytes → TRUNCATED', () => {
    for (const length of [0, 1, 7]) {
      const hint = length === 0 ? ' (empty file?)' : '';
      const message = `"header length" expected at least 8 bytes, got ${length}${hint}`;
      refused(GOOD.subarray(0, length), 'TRUNCATED', message);
    }
  });

  test('readSafetensors: header past the end → TRUNCATED', () => {
    const rule = '"header" expected 54 bytes, got';
    refused(GOOD.subarray(0, 61), 'TRUNCATED', `${rule} 53 (is the download complete?)`);
    refused(GOOD.subarray(0, 8), 'TRUNCATED', `${rule} 0 (is the download complete?)`);
  });

  test.each([
    ['100000001', 100_000_001n],
    ['9007199254740992', 2n ** 53n],
    ['18446744073709551615', 2n ** 64n - 1n],
  ])('readSafetensors: header of %s bytes → LIMIT', (text, length) => {
    const bytes = GOOD.slice();
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    const rule = '"header length" expected at most 100000000 bytes, got';
    refused(bytes, 'LIMIT', `${rule} ${text} (not a safetensors file?)`);
  });

  test('readSafetensors: header of exactly 100,000,000 bytes that are not there → TRUNCATED', () => {
    const bytes = GOOD.slice();
    new DataView(bytes.buffer).setBigUint64(0, 100_000_000n, true);
    const got = 'got 62 (is the download complete?)';
    refused(bytes, 'TRUNCATED', `"header" expected 100000000 bytes, ${got}`);
  });

  test('readSafetensors: not UTF-8 → FORMAT', () => {
    const header = new Uint8Array([...utf8('{"'), 0xc3, 0x28, ...utf8('":0}')]);
    const message = '"header" expected UTF-8 text, got bytes that are not UTF-8';
    refused(rawFile(header), 'FORMAT', message);
  });

  test('readSafetensors: not an object → FORMAT', () => {
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
  ])('readSafetensors: not JSON: %j → FORMAT', (header, message) => {
    refused(rawFile(header), 'FORMAT', message);
  });

  test('readSafetensors: white space between tokens and after the header → reads', () => {
    const header =
      ' { "a" : {"shape":[ 1 , 2 ], "data_offsets":[0,\t2],\r\n"dtype": "U8"} } \n  '.trimStart();
    const { tensors } = readSafetensors(rawFile(header, ones(2)));
    expect(tensors.get('a')).toEqual({ dtype: 'U8', shape: [1, 2], bytes: ones(2) });
  });

  test('readSafetensors: duplicate tensor names, also after unescaping → FORMAT', () => {
    const first = entry('a', 'U8', [1], [0, 1]);
    const second = entry('a', 'U8', [1], [1, 2]);
    const rule = '"header" expected each key once, got "a" twice at character';
    refused(rawFile(`{${first},${second}}`, ones(2)), 'FORMAT', `${rule} 56 of the header`);
    const escaped = second.replace('"a"', '"\\u0061"');
    refused(rawFile(`{${first},${escaped}}`, ones(2)), 'FORMAT', `${rule} 61 of the header`);
  });

  test('readSafetensors: duplicate fields of a tensor, also after unescaping → FORMAT', () => {
    const rule = '"tensor a" expected each key once, got "dtype" twice at character';
    refused(withEntry('{"dtype":"U8","dtype":"F32"}'), 'FORMAT', `${rule} 26 of the header`);
    refused(withEntry('{"dtype":"U8","\\u0064type":"F32"}'), 'FORMAT', `${rule} 31 of the header`);
  });

  test('readSafetensors: duplicate metadata keys, and metadata twice → FORMAT', () => {
    const keys =
      '"__metadata__" expected each key once, got "k" twice at character 27 of the header';
    refused(rawFile('{"__metadata__":{"k":"","k":""}}'), 'FORMAT', keys);
    const whole =
      '"header" expected each key once, got "__metadata__" twice at character 33 of the header';
    refused(rawFile('{"__metadata__":{},"__metadata__":{}}'), 'FORMAT', whole);
  });

  test('readSafetensors: `__proto__` and `constructor` as names → just names', () => {
    const header = `{"__metadata__":{"__proto__":"x"},${entry('__proto__', 'U8', [1], [0, 1])},${entry('constructor', 'U8', [1], [1, 2])}}`;
    const { tensors, metadata } = readSafetensors(rawFile(header, ones(2)));
    expect([...tensors.keys()]).toEqual(['__proto__', 'constructor']);
    expect([...metadata]).toEqual([['__proto__', 'x']]);
    expect(tensors.get('toString')).toBeUndefined();
    expect(Object.hasOwn(Object.prototype, 'dtype')).toBe(false);
  });

  test('readSafetensors: `__proto__` as a field of a tensor → FORMAT', () => {
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
  ])(
    'readSafetensors: 10⁵ levels of %s → FORMAT, no stack overflow',
    (_, start, level, message) => {
      refused(rawFile(start + level.repeat(100_000)), 'FORMAT', message);
    },
  );

  testAtFullLength('readSafetensors: more than 2²⁰ keys, or 64 dimensions → LIMIT', () => {
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
