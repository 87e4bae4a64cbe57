import { describe, expect, test } from 'vitest';
import type { Tensor } from '../../src/tensor.ts';
import { readSafetensors, toTensor, writeSafetensors } from '../../src/weights/safetensors.ts';
import { expectError } from './raw-file.ts';

const tensor = (shape: readonly number[], ...values: number[]): Tensor => ({
  shape,
  data: Float32Array.from(values),
});

/** Written and read back: names, shapes, numbers. */
function roundTrip(list: readonly (readonly [string, Tensor])[]): [string, Tensor][] {
  const { tensors } = readSafetensors(writeSafetensors(list));
  return [...tensors].map(([name, stored]) => [name, toTensor('test', name, stored)]);
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
    const message = 'writeSafetensors: "header" expected at most 100000000 bytes, got 100000032';
    expectError(() => writeSafetensors([], metadata), 'LIMIT', message);
  });
});
