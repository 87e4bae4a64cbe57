import { describe, expect, test } from 'vitest';
import { bf16BytesToF32, f8BytesToF32, f16BytesToF32 } from '../../src/numbers/half.ts';

const ALL = Array.from({ length: 65536 }, (_, bits) => bits);

/**
 * Evaluates IEEE 754 binary16 by its definition: sign · 2^e · (1 + m/1024), or m/1024 · 2^-14 below
 * that.
 */
function halfByDefinition(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = Math.floor(bits / 1024) % 32;
  const fraction = bits % 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return (sign * fraction * 2 ** -14) / 1024;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

/** Reads bits as the upper half of a float32, by the platform's own means. */
function bfloatByDataView(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, bits);
  return view.getFloat32(0);
}

/** Returns 16-bit patterns as bytes at an odd address. */
function littleEndian(patterns: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(1 + 2 * patterns.length).subarray(1);
  for (const [i, bits] of patterns.entries()) bytes.set([bits & 255, bits >> 8], 2 * i);
  return bytes;
}

/** Returns the first pattern whose value differs. `Object.is` distinguishes −0 and knows NaN. */
const firstWrong = (got: Float32Array, want: (bits: number) => number) =>
  ALL.filter((bits) => !Object.is(got[bits], want(bits)))
    .slice(0, 1)
    .map((bits) => `0x${bits.toString(16)}: ${got[bits]}, not ${want(bits)}`);

describe('half floats', () => {
  test('f8BytesToF32: all 256 patterns of both types → the definitions, exactly', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, bits) => bits);
    // E5M2 has the exponent of an f16. E4M3 has a bias of 7 and NaN in place of the largest.
    const e4m3 = (bits: number) => {
      const sign = bits >= 128 ? -1 : 1;
      const [exponent, fraction] = [(bits >> 3) % 16, bits % 8];
      if (exponent === 15 && fraction === 7) return NaN;
      if (exponent === 0) return sign * (fraction / 8) * 2 ** -6;
      return sign * 2 ** (exponent - 7) * (1 + fraction / 8);
    };
    for (const [dtype, want] of [
      ['F8_E4M3', e4m3],
      ['F8_E5M2', (bits: number) => halfByDefinition(bits << 8)],
    ] as const) {
      expect([...f8BytesToF32(dtype, bytes)], dtype).toEqual([...bytes].map(want));
    }
    expect(Math.max(...f8BytesToF32('F8_E4M3', bytes.subarray(0, 127)))).toBe(448);
  });

  test('f16BytesToF32: all 65,536 patterns at an odd address → the definition, exactly', () => {
    const values = f16BytesToF32(littleEndian(ALL));
    expect(values.length).toBe(65536);
    expect(firstWrong(values, halfByDefinition)).toEqual([]);
  });

  test('bf16BytesToF32: all 65,536 patterns at an odd address → DataView, exactly', () => {
    const values = bf16BytesToF32(littleEndian(ALL));
    expect(values.length).toBe(65536);
    expect(firstWrong(values, bfloatByDataView)).toEqual([]);
  });

  test('f16BytesToF32, bf16BytesToF32: known values → 1, −2, the largest, the least, −0', () => {
    const f16 = [0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000];
    expect([...f16BytesToF32(littleEndian(f16))]).toEqual([1, -2, 65504, 2 ** -24, -0]);
    const bf16 = [0x3f80, 0xc000, 0x7f7f, 0x0001, 0x8000];
    const largest = (2 - 2 ** -7) * 2 ** 127;
    expect([...bf16BytesToF32(littleEndian(bf16))]).toEqual([1, -2, largest, 2 ** -133, -0]);
  });

  test('f16BytesToF32, bf16BytesToF32: no bytes → no values; an odd number of bytes → ARG', () => {
    expect(f16BytesToF32(new Uint8Array(0)).length).toBe(0);
    expect(() => f16BytesToF32(new Uint8Array(3))).toThrow(
      expect.objectContaining({
        code: 'ARG',
        message: '"bytes" expected an even number of bytes, got 3',
      }),
    );
    expect(() => bf16BytesToF32(new Uint8Array(1))).toThrow(
      expect.objectContaining({
        code: 'ARG',
        message: '"bytes" expected an even number of bytes, got 1',
      }),
    );
  });
});
