import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { readSafetensors, toTensor } from '../../src/safetensors/read.ts';
import { expectError, thrownBy } from '../thrown-by.ts';
import { withoutMemory } from '../without-memory.ts';
import { entry, ones, rawFile, refused, withEntry } from './raw-file.ts';

const WHOLE = 'a whole number from 0 to 2^53 − 1';

describe('safetensors: tensors', () => {
  const a = entry('a', 'U8', [4], [0, 4]);

  test('readSafetensors: overlap → FORMAT naming both tensors and the offsets', () => {
    const rule = '"tensor b" expected data from offset 4, where tensor a ends, got';
    const inside = rawFile(`{${a},${entry('b', 'U8', [4], [3, 7])}}`, ones(7));
    refused(inside, 'FORMAT', `${rule} 3, an overlap`);
    const empty = rawFile(`{${a},${entry('b', 'U8', [0], [2, 2])}}`, ones(4));
    refused(empty, 'FORMAT', `${rule} 2, an overlap`);
    const same = rawFile(`{${a},${entry('b', 'U8', [4], [0, 4])}}`, ones(4));
    refused(same, 'FORMAT', `${rule} 0, an overlap`);
  });

  test('readSafetensors: hole → FORMAT', () => {
    const between = rawFile(`{${a},${entry('b', 'U8', [4], [5, 9])}}`, ones(9));
    const rule = '"tensor b" expected data from offset';
    refused(between, 'FORMAT', `${rule} 4, where tensor a ends, got 5, a hole`);
    const before = rawFile(`{${entry('b', 'U8', [4], [1, 5])}}`, ones(5));
    refused(before, 'FORMAT', `${rule} 0, where the header ends, got 1, a hole`);
  });

  test('readSafetensors: trailing bytes → FORMAT', () => {
    const rule = '"data" expected the end of the file at data offset';
    refused(
      rawFile(`{${a}}`, ones(5)),
      'FORMAT',
      `${rule} 4, where tensor a ends, got 1 more bytes`,
    );
    refused(rawFile('{}', ones(3)), 'FORMAT', `${rule} 0, where the header ends, got 3 more bytes`);
  });

  test('readSafetensors: data past the end of the file → TRUNCATED', () => {
    const message = '"tensor a" expected data up to offset 4, got 3 (is the download complete?)';
    refused(rawFile(`{${a}}`, ones(3)), 'TRUNCATED', message);
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
  ])('readSafetensors: offsets %s → FORMAT', (offsets, rest, code: ErrorCode = 'FORMAT') => {
    const bytes = withEntry(`{"dtype":"F32","shape":[2],"data_offsets":${offsets}}`);
    refused(bytes, code, `"tensor a data_offsets" expected ${rest}`);
  });

  test.each(['[8,0]', '[0]', '[]'])(
    'readSafetensors: reversed or missing offsets %s → FORMAT',
    (offsets) => {
      const bytes = withEntry(`{"dtype":"F32","shape":[2],"data_offsets":${offsets}}`);
      const rule = '"tensor a" expected data_offsets [begin, end] with begin ≤ end, got';
      refused(bytes, 'FORMAT', `${rule} ${offsets}`);
    },
  );

  test.each([
    [[2 ** 53 - 1], 'F32'],
    [[2 ** 27, 2 ** 27], 'U8'],
    [[2 ** 40, 2 ** 40, 0], 'U8'],
    [Array<number>(11).fill(2 ** 52), 'U8'],
  ])('readSafetensors: the product of %j overflows → FORMAT', (shape, dtype) => {
    const bytes = rawFile(`{${entry('a', dtype, shape, [0, 8])}}`, ones(8));
    const rule = '"tensor a" expected a shape of less than 2^53 bytes, got';
    refused(bytes, 'FORMAT', `${rule} [${shape.join(',')}]`);
  });

  test('readSafetensors: size ≠ span → FORMAT', () => {
    const short = rawFile(`{${entry('a', 'F32', [2], [0, 7])}}`, ones(7));
    refused(short, 'FORMAT', '"tensor a" expected 8 bytes for F32 [2], got 7 in [0,7]');
    const long = rawFile(`{${entry('a', 'F16', [], [0, 4])}}`, ones(4));
    refused(long, 'FORMAT', '"tensor a" expected 2 bytes for F16 [], got 4 in [0,4]');
  });

  test('readSafetensors: zero-size and rank 0 → read, and a file with no tensors too', () => {
    const header = [
      entry('full', 'U8', [4], [0, 4]),
      entry('after', 'F32', [0], [4, 4]),
      entry('number', 'F32', [], [4, 8]),
      entry('before', 'F32', [3, 0, 2], [0, 0]),
    ];
    const { tensors } = readSafetensors(rawFile(`{${header.join(',')}}`, ones(8)));
    expect([...tensors.keys()]).toEqual(['full', 'after', 'number', 'before']);
    expect(tensors.get('before')).toEqual({ dtype: 'F32', shape: [3, 0, 2], bytes: ones(0) });
    expect(tensors.get('number')?.bytes.length).toBe(4);
    expect(toTensor(tensors.get('after')!, 'after').data.length).toBe(0);
    expect(readSafetensors(rawFile('{}')).tensors.size).toBe(0);
  });

  test('readSafetensors: a tensor of an unknown dtype → read; toTensor → UNSUPPORTED naming it', () => {
    const rule =
      'toTensor: "tensor a" expected a dtype of F32, F16, BF16, F64, F8_E4M3, F8_E5M2, got';
    for (const dtype of ['F4', 'F6_E2M3', 'F6_E3M2', 'float32', 'f32', '', '__proto__']) {
      const header = `{${entry('a', dtype, [2], [0, 8])},${entry('b', 'U8', [1], [8, 9])}}`;
      const { tensors } = readSafetensors(rawFile(header, ones(9)));
      expect(tensors.get('a')).toEqual({ dtype, shape: [2], bytes: ones(8) });
      expect(tensors.get('b')?.bytes).toEqual(ones(1));
      expectError(() => toTensor(tensors.get('a')!, 'a'), 'UNSUPPORTED', `${rule} "${dtype}"`);
    }
    // Its place among the others is checked.
    const hole = rawFile(`{${entry('a', 'F4', [2], [1, 8])}}`, ones(8));
    const message = '"tensor a" expected data from offset 0, where the header ends, got 1, a hole';
    refused(hole, 'FORMAT', message);
  });

  test('readSafetensors: every dtype of the format → its width', () => {
    const widths = {
      1: 'BOOL U8 I8 F8_E4M3 F8_E5M2 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ',
      2: 'I16 U16 F16 BF16',
      4: 'I32 U32 F32',
      8: 'I64 U64 F64 C64',
    };
    for (const [width, dtypes] of Object.entries(widths)) {
      const length = 3 * Number(width);
      for (const dtype of dtypes.split(' ')) {
        const { tensors } = readSafetensors(
          rawFile(`{${entry('a', dtype, [3], [0, length])}}`, ones(length)),
        );
        expect(tensors.get('a')).toEqual({ dtype, shape: [3], bytes: ones(length) });
      }
    }
  });

  test('readSafetensors: an unknown or missing field of a tensor → FORMAT', () => {
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
  ])('readSafetensors: metadata %s → FORMAT', (metadata, message) => {
    refused(rawFile(`{"__metadata__":${metadata}}`), 'FORMAT', message);
  });

  test('readSafetensors: F32 at every alignment of file and data → the same numbers, nothing copied', () => {
    const numbers = Float32Array.of(1.5, -0, 2 ** -149, Infinity);
    for (let padding = 0; padding < 4; padding++) {
      const header = `{${entry('a', 'F32', [4], [0, 16])}}${' '.repeat(padding)}`;
      const file = rawFile(header, new Uint8Array(numbers.buffer));
      for (let offset = 0; offset < 4; offset++) {
        const moved = new Uint8Array(file.length + offset).subarray(offset);
        moved.set(file);
        const stored = readSafetensors(moved).tensors.get('a')!;
        expect(stored.bytes.buffer).toBe(moved.buffer);
        expect(toTensor(stored, 'a')).toEqual({ shape: [4], data: numbers });
      }
    }
  });

  test('readSafetensors: control characters in a name → escaped in the message; a long name → cut', () => {
    const bytes = rawFile(
      `{${entry(`\u001b[2J\u202e${'x'.repeat(1000)}`, 'U8', [], [0, 2])}}`,
      ones(2),
    );
    expect(() => readSafetensors(bytes)).toThrow(
      `"tensor \\u001b[2J\\u202e${'x'.repeat(55)}…" expected 1 bytes for U8 []`,
    );
  });
});

describe('safetensors: numbers', () => {
  test('toTensor: F16 and BF16 → the same numbers as float32', () => {
    const bytes = Uint8Array.of(0x00, 0x3c, 0x00, 0xc0, 0x80, 0x3f, 0x00, 0xc0);
    const header = `{${entry('h', 'F16', [2], [0, 4])},${entry('b', 'BF16', [1, 2], [4, 8])}}`;
    const { tensors } = readSafetensors(rawFile(header, bytes));
    expect(toTensor(tensors.get('h')!, 'h')).toEqual({
      shape: [2],
      data: Float32Array.of(1, -2),
    });
    expect(toTensor(tensors.get('b')!, 'b')).toEqual({
      shape: [1, 2],
      data: Float32Array.of(1, -2),
    });
  });

  test('toTensor: another dtype → UNSUPPORTED naming the tensor', () => {
    const stored = { dtype: 'I64', shape: [], bytes: ones(8) };
    const message =
      'toTensor: "tensor a.b" expected a dtype of F32, F16, BF16, F64, F8_E4M3, F8_E5M2, got "I64"';
    expectError(() => toTensor(stored, 'a.b'), 'UNSUPPORTED', message);
  });

  test('toTensor: not a stored tensor → ARG', () => {
    const rule =
      'toTensor: "tensor n" expected a stored tensor { dtype, shape, bytes: Uint8Array }, got';
    for (const [stored, got] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [{ dtype: 'F32', shape: 2, bytes: ones(8) }, '{ dtype, shape, bytes }'],
      [{ dtype: 'F32', shape: [2], data: ones(8) }, '{ dtype, shape, data }'],
    ] as const) {
      expectError(() => toTensor(stored as never, 'n'), 'ARG', `${rule} ${got}`);
      const unnamed = rule.replace('toTensor: "tensor n"', 'toTensor: "tensor"');
      expectError(() => toTensor(stored as never), 'ARG', `${unnamed} ${got}`);
    }
  });

  test('toTensor: a name that is no text → ARG', () => {
    const stored = { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) };
    for (const [name, got] of [
      [Symbol('n'), 'Symbol(n)'],
      [Object.create(null), 'an object'],
      [null, 'null'],
    ] as const) {
      const message = `toTensor: "name" expected a text, got ${got}`;
      expectError(() => toTensor(stored, name as never), 'ARG', message);
    }
  });

  test('toTensor: bytes transferred away → ARG, of size 0 too', () => {
    for (const length of [0, 8]) {
      const bytes = new Uint8Array(length);
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
      const message =
        'toTensor: "tensor n" expected live data, got a detached buffer (transferred to a worker?)';
      const stored = { dtype: 'F32', shape: [length / 4], bytes };
      expectError(() => toTensor(stored, 'n'), 'ARG', message);
    }
  });

  test('toTensor: bytes that are not those of the shape → SHAPE, a shape that is none → SHAPE, LIMIT', () => {
    const run = (dtype: string, shape: readonly unknown[], length: number) => () =>
      toTensor({ dtype, shape: shape as number[], bytes: ones(length) }, 'n');
    const what = 'toTensor: "tensor n" expected';
    for (const length of [0, 7, 9]) {
      const message = `${what} 8 bytes for F32 [2], got ${length}`;
      expectError(run('F32', [2], length), 'SHAPE', message);
    }
    expectError(run('F16', [], 1), 'SHAPE', `${what} 2 bytes for F16 [], got 1`);
    const sizes = `${what} whole sizes of at least 0, got`;
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested.
    expectError(run('F32', [, 1], 4), 'SHAPE', `${sizes} [undefined,1]`);
    expectError(run('F32', [-1, -1], 4), 'SHAPE', `${sizes} [-1,-1]`);
    expectError(run('F32', ['1'], 4), 'SHAPE', `${sizes} ["1"]`);
    const huge = `${what} a shape of less than 2^53 bytes, got [1073741824,1073741824,0]`;
    expectError(run('F32', [2 ** 30, 2 ** 30, 0], 0), 'SHAPE', huge);
    const rank = `${what} at most 64 dimensions, got 65`;
    expectError(run('F32', Array(65).fill(1), 4), 'LIMIT', rank);
  });

  for (const dtype of ['F32', 'F16', 'BF16']) {
    test(`toTensor: ${dtype} without the memory for it → OOM; then it works`, () => {
      const stored = { dtype, shape: [0], bytes: ones(0) };
      const error = withoutMemory('Float32Array', () => thrownBy(() => toTensor(stored, 'n')));
      expect(error.code).toBe('OOM');
      expect(error.message).toMatch(/^toTensor: out of memory for "values": 0 numbers$/);
      expect(toTensor(stored, 'n').data.length).toBe(0);
    });
  }
});
