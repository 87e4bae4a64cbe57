import { describe, expect, test } from 'vitest';
import { readSafetensors, toTensor } from '../../src/safetensors/read.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import type { Tensor } from '../../src/tensor.ts';
import { testAtFullLength } from '../full-length.ts';
import { expectError, thrownBy } from '../thrown-by.ts';
import { withoutMemory } from '../without-memory.ts';

const tensor = (shape: readonly number[], ...values: number[]): Tensor => ({
  shape,
  data: Float32Array.from(values),
});

/** Writes tensors and reads them back: names, shapes, numbers. */
function roundTrip(list: readonly (readonly [string, Tensor])[]): [string, Tensor][] {
  const { tensors } = readSafetensors(writeSafetensors(list));
  return [...tensors].map(([name, stored]) => [name, toTensor(stored, name)]);
}

describe('safetensors, written', () => {
  test('writeSafetensors: names, shapes, numbers and order → read back the same', () => {
    const list: [string, Tensor][] = [
      ['z', tensor([2, 1], 1.5, -0)],
      ['__proto__', tensor([], 2 ** -149)],
      ['10', tensor([1], Infinity)],
      ['2', tensor([1], NaN)],
      ['', tensor([0, 3])],
      ['größe 大 😀 "quoted" \\ \n \u0000 \u2028', tensor([1, 1, 2], 3, 4)],
    ];
    expect(roundTrip(list)).toEqual(list);
  });

  test('writeSafetensors: metadata → read back the same, `__proto__` included', () => {
    const metadata = Object.fromEntries([
      ['__proto__', 'x'],
      ['größe', '大 😀 " \\ \n'],
      ['', ''],
    ]);
    expect(Object.keys(metadata)).toContain('__proto__');
    const file = readSafetensors(writeSafetensors([], metadata));
    expect([...file.metadata]).toEqual(Object.entries(metadata));
    expect(readSafetensors(writeSafetensors([])).metadata.size).toBe(0);
  });

  test('writeSafetensors: the bytes of a small file → as the format says, data at a multiple of 8', () => {
    const file = writeSafetensors([['a', tensor([1], 1)]], { k: 'v' });
    const header =
      '{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    expect(file[0]).toBe(80);
    expect(new TextDecoder().decode(file.subarray(8, 88))).toBe(header.padEnd(80));
    expect([...file.subarray(88)]).toEqual([0, 0, 0x80, 0x3f]);
    for (let length = 0; length < 9; length++) {
      const { tensors } = readSafetensors(writeSafetensors([['n'.repeat(length), tensor([1], 1)]]));
      const [stored] = tensors.values();
      expect(stored.bytes.byteOffset % 8).toBe(0);
    }
  });

  test('writeSafetensors: a subarray at an offset → only its own numbers', () => {
    const data = Float32Array.of(0, 1, 2, 3).subarray(1, 3);
    expect(roundTrip([['a', { shape: [2], data }]])).toEqual([['a', tensor([2], 1, 2)]]);
  });

  test('writeSafetensors: a map → its entries, in order', () => {
    const map = new Map([
      ['b', tensor([1], 1)],
      ['a', tensor([1], 2)],
    ]);
    expect(roundTrip([...map])).toEqual([...map]);
  });

  test('writeSafetensors: a name twice, reserved, or not whole characters → ARG', () => {
    const one = tensor([1], 1);
    const write =
      (...names: string[]) =>
      () =>
        writeSafetensors(names.map((name) => [name, one]));
    const rule = 'expected a name that is not taken, got';
    expectError(write('a', 'a'), 'ARG', `writeSafetensors: "tensor a" ${rule} it twice`);
    const reserved = `writeSafetensors: "tensor __metadata__" ${rule} the reserved name`;
    expectError(write('__metadata__'), 'ARG', reserved);
    const half =
      'writeSafetensors: "tensor name" expected a string of whole characters, got "\\ud800"';
    expectError(write('\ud800'), 'ARG', half);
  });

  test('writeSafetensors: metadata that is no text → ARG', () => {
    const number = { k: 1 } as unknown as Record<string, string>;
    const rule = 'expected a string of whole characters, got';
    const message = `writeSafetensors: "metadata k" ${rule} 1`;
    expectError(() => writeSafetensors([], number), 'ARG', message);
    const key = `writeSafetensors: "metadata key" ${rule} "\\udc00"`;
    expectError(() => writeSafetensors([], { '\udc00': '' }), 'ARG', key);
  });

  test('writeSafetensors: shape and data that disagree → SHAPE', () => {
    const write = (shape: number[]) => () => writeSafetensors([['a', tensor(shape, 1)]]);
    const count = 'writeSafetensors: "tensor a" expected 2 elements for shape [2], got 1';
    expectError(write([2]), 'SHAPE', count);
    const rule = 'writeSafetensors: "tensor a" expected whole sizes of at least 0, got';
    expectError(write([-1, -1]), 'SHAPE', `${rule} [-1,-1]`);
    expectError(write([0.5, 2]), 'SHAPE', `${rule} [0.5,2]`);
  });

  test('writeSafetensors: a header over the limit → LIMIT', () => {
    const metadata = { k: 'x'.repeat(100_000_000) };
    const message = 'writeSafetensors: "header" expected at most 100000000 bytes, got more';
    expectError(() => writeSafetensors([], metadata), 'LIMIT', message);
  });

  test('writeSafetensors: metadata as a map or pairs → as the object; what was read can be written', () => {
    const pairs: [string, string][] = [
      ['a', '1'],
      ['__proto__', '2'],
    ];
    const want = writeSafetensors([], Object.fromEntries(pairs));
    expect(writeSafetensors([], new Map(pairs))).toEqual(want);
    expect(writeSafetensors([], pairs)).toEqual(want);
    expect(writeSafetensors([], readSafetensors(want).metadata)).toEqual(want);
  });

  test('writeSafetensors: metadata that is none, a key twice → ARG', () => {
    const rule = 'writeSafetensors: "metadata" expected an object or pairs of strings, got';
    for (const [metadata, got] of [
      [null, 'null'],
      [5, '5'],
      ['text', '"text"'],
      [[['a']], 'an array of 1 in it'],
      [[null], 'null in it'],
    ] as const) {
      expectError(() => writeSafetensors([], metadata as never), 'ARG', `${rule} ${got}`);
    }
    const pairs = [
      ['a', '1'],
      ['a', '2'],
    ] as const;
    const twice = 'writeSafetensors: "metadata a" expected a key that is not taken, got it twice';
    expectError(() => writeSafetensors([], pairs), 'ARG', twice);
  });

  test('writeSafetensors: tensors that are no pairs → ARG', () => {
    const rule = 'writeSafetensors: "tensors" expected pairs [name, tensor], such as a Map, got';
    for (const [tensors, got] of [
      [undefined, 'undefined'],
      [null, 'null'],
      ['ab', '"ab"'],
      [{ a: 1 }, '{ a }'],
      [[null], 'null in it'],
      [[['a']], 'an array of 1 in it'],
      // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested.
      [[,], 'undefined in it'],
      [['ab'], '"ab" in it'],
    ] as const) {
      expectError(() => writeSafetensors(tensors as never), 'ARG', `${rule} ${got}`);
    }
  });

  test('writeSafetensors: no tensor, other numbers than float32, transferred data → ARG', () => {
    const write = (value: unknown) => () => writeSafetensors([['a', value as Tensor]]);
    const rule =
      'writeSafetensors: "tensor a" expected a tensor { shape, data: Float32Array }, got';
    for (const [value, got] of [
      [null, 'null'],
      [1, '1'],
      [{ shape: [1], data: '1' }, '{ shape, data: "1" }'],
      [{ shape: [1], data: [1] }, '{ shape, data: Array }'],
      [{ shape: [1], data: new Float64Array(1) }, '{ shape, data: Float64Array }'],
      [{ shape: [1], data: new BigInt64Array(1) }, '{ shape, data: BigInt64Array }'],
      [{ shape: 1, data: new Float32Array(1) }, '{ shape: 1, data }'],
    ]) {
      expectError(write(value), 'ARG', `${rule} ${got}`);
    }
    const data = new Float32Array(1);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    const detached =
      'writeSafetensors: "tensor a" expected live data, got a detached buffer (transferred to a worker?)';
    expectError(write({ shape: [0], data }), 'ARG', detached);
  });

  test("writeSafetensors: a shape that readSafetensors would refuse → SHAPE, LIMIT; the reader's most → read", () => {
    const write = (shape: readonly unknown[], length: number) => () =>
      writeSafetensors([['a', { shape: shape as number[], data: new Float32Array(length) }]]);
    const what = 'writeSafetensors: "tensor a" expected';
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested.
    const hole = write([, 1], 1);
    expectError(hole, 'SHAPE', `${what} whole sizes of at least 0, got [undefined,1]`);
    const huge = `${what} a shape of less than 2^53 bytes, got [1099511627776,1099511627776,0]`;
    expectError(write([2 ** 40, 2 ** 40, 0], 0), 'SHAPE', huge);
    const rank = `${what} at most 64 dimensions, got 65`;
    expectError(write(Array(65).fill(1), 1), 'LIMIT', rank);
    expect(readSafetensors(write(Array(64).fill(1), 1)()).tensors.size).toBe(1);
  });

  testAtFullLength('writeSafetensors: texts longer together than a string can be → LIMIT', () => {
    const message = 'writeSafetensors: "header" expected at most 100000000 bytes, got more';
    const text = 'x'.repeat(2 ** 26);
    const pairs = Array.from({ length: 10 }, (_, i): [string, string] => [`${i}`, text]);
    expectError(() => writeSafetensors([], pairs), 'LIMIT', message);
    const escaped = '\u0001'.repeat(99_999_999);
    expectError(() => writeSafetensors([], { escaped }), 'LIMIT', message);
  });

  test('writeSafetensors: without the memory → OOM; then it works', () => {
    const write = () => writeSafetensors([['a', tensor([1], 1)]]);
    const error = withoutMemory('Uint8Array', () => thrownBy(write));
    expect(error.code).toBe('OOM');
    expect(error.message).toMatch(/^writeSafetensors: out of memory for "header": \d+ \w+$/);
    expect(write().length).toBe(68);
  });
});
