import { describe, expect, test } from 'vitest';
import type { StoredTensor } from '../../src/numbers/stored.ts';
import { readSafetensors } from '../../src/safetensors/read.ts';
import { Taesd } from '../../src/taesd.ts';
import { withEightBits } from '../../src/weights/eight-bits.ts';
import { numbersOf } from '../../src/weights/plain-names.ts';
import { expectError } from '../thrown-by.ts';

/** Bytes at an odd address, as a file may have them. */
function unaligned(values: ArrayLike<number> & { buffer: ArrayBufferLike }): Uint8Array {
  const bytes = new Uint8Array(1 + values.buffer.byteLength);
  bytes.set(new Uint8Array(values.buffer), 1);
  return bytes.subarray(1);
}

const i8 = (shape: readonly number[], ...values: number[]): StoredTensor => ({
  dtype: 'I8',
  shape,
  bytes: unaligned(Int8Array.from(values)),
});
const f32 = (shape: readonly number[], ...values: number[]): StoredTensor => ({
  dtype: 'F32',
  shape,
  bytes: unaligned(Float32Array.from(values)),
});

const fileOf = (tensors: Readonly<Record<string, StoredTensor>>) =>
  withEightBits({ tensors: new Map(Object.entries(tensors)), metadata: new Map() });

/** The numbers of a tensor of a file. */
function numbers(tensors: Readonly<Record<string, StoredTensor>>, name: string) {
  const found = fileOf(tensors).tensors.get(name);
  if (found === undefined) throw new Error(`${name}: expected a tensor, got none`);
  return numbersOf(found, name);
}

const WEIGHTS = i8([2, 1, 1, 2], 127, -128, 1, -3);
const SCALES = f32([2], 0.1, 2);

describe('withEightBits', () => {
  test('I8 and its scales → each channel times its scale, rounded once to f32', () => {
    const { shape, data } = numbers({ '1.weight': WEIGHTS, '1.weight_scale': SCALES }, '1.weight');
    const scale = Math.fround(0.1);
    expect(shape).toEqual([2, 1, 1, 2]);
    expect([...data]).toEqual([Math.fround(127 * scale), Math.fround(-128 * scale), 2, -6]);
  });

  test('the scale comes first, or has a prefix → one tensor, beside the others as they are', () => {
    const bias = f32([2], 1, 2);
    const file = fileOf({
      'vae.1.weight_scale': SCALES,
      'vae.1.weight': WEIGHTS,
      'vae.1.bias': bias,
      vae_scale: f32([1], 0.5),
      table_scale: bias,
    });
    expect([...file.tensors.keys()]).toEqual([
      'vae.1.weight',
      'vae.1.bias',
      'vae_scale',
      'table_scale',
    ]);
    expect(file.tensors.get('vae.1.bias')).toBe(bias);
  });

  const rule =
    '"tensor 1.weight_scale" expected F32 [2], a number for each output channel of the I8 weights';
  const remedy = '(write the scale beside the weights, or the weights as F32)';
  test.each<[string, StoredTensor | undefined, string]>([
    ['no scale', undefined, 'no such tensor'],
    ['a number for all', f32([1], 1), 'F32 [1]'],
    ['more', f32([4], 1, 2, 3, 4), 'F32 [4]'],
    ['another shape', f32([2, 1], 1, 2), 'F32 [2,1]'],
    ['another type', { ...SCALES, dtype: 'F64' }, 'F64 [2]'],
  ])('%s → SHAPE with the remedy, when the weights are read', (_, scale, got) => {
    const tensors = scale === undefined ? {} : { '1.weight_scale': scale };
    const read = () => numbers({ '1.weight': WEIGHTS, ...tensors }, '1.weight');
    expectError(read, 'SHAPE', `${rule}, got ${got} ${remedy}`);
    // Weights of another model do no harm.
    expect(fileOf({ '1.weight': WEIGHTS, ...tensors }).tensors.size).toBe(1);
  });

  test.each([NaN, Infinity, -Infinity])('a scale of %d → NONFINITE', (value) => {
    const scales = f32([2], 1, value);
    expectError(
      () => numbers({ '1.weight': WEIGHTS, '1.weight_scale': scales }, '1.weight'),
      'NONFINITE',
      `"tensor 1.weight_scale" expected finite numbers, got ${value} at element 1 (a damaged file?)`,
    );
  });

  test.each<[string, StoredTensor | undefined, string]>([
    ['no weights', undefined, 'none'],
    ['weights of F32', f32([2], 1, 2), 'F32 [2]'],
  ])('a scale with %s → SHAPE with the remedy, when it is read', (_, weights, got) => {
    const others = weights === undefined ? {} : { '1.weight': weights };
    expectError(
      () => numbers({ ...others, '1.weight_scale': SCALES }, '1.weight_scale'),
      'SHAPE',
      `"tensor 1.weight_scale" expected 1.weight beside it, weights of I8, got ${got} ` +
        '(write the weights as I8, or leave the scale out)',
    );
  });
});

describe('Taesd.load with a file of 8 bits', async () => {
  const module = await import(new URL('../../dist/nano-sdxl.js', import.meta.url).href);
  const decoder: Uint8Array = module.nanoSdxl().weights.decoder;

  /** Replaces a name in the header by one as long. */
  function renamed(from: string, to: string): Uint8Array {
    const bytes = decoder.slice();
    const at = Buffer.from(bytes).indexOf(`"${from}"`);
    bytes.set(new TextEncoder().encode(to), at + 1);
    return bytes;
  }
  const load = (bytes: Uint8Array) =>
    Taesd.load({ model: 'nano-sdxl', weights: { decoder: bytes }, only: 'decoder', workers: 0 });

  test('a scale under another name → SHAPE with the remedy', async () => {
    await expect(load(renamed('1.weight_scale', '1.weight_scalE'))).rejects.toMatchObject({
      code: 'SHAPE',
      message:
        'Taesd.load: decoder: "tensor 1.weight_scale" expected F32 [64], a number for each output ' +
        'channel of the I8 weights, got no such tensor (write the scale beside the weights, or ' +
        'the weights as F32)',
    });
  });

  test('weights under another name → SHAPE with the remedy', async () => {
    await expect(load(renamed('1.weight', '1.weighT'))).rejects.toMatchObject({ code: 'SHAPE' });
  });

  test('its types → I8 weights, F32 scales and biases; the names are those of the layers', () => {
    const file = readSafetensors(decoder);
    const names = [...withEightBits(file).tensors.keys()];
    expect(names.filter((name) => name.includes('scale'))).toEqual([]);
    expect(file.tensors.get('1.weight')?.dtype).toBe('I8');
    expect(names).toContain('1.weight');
  });
});
