import { describe, expect, test } from 'vitest';
import { bf16BytesToF32, f16BytesToF32 } from '../../src/numbers/half.ts';
import { narrowTo } from '../../src/numbers/narrow.ts';

/** The nearest of all finite values of a 16-bit type, ties to the even bits, by search. */
function nearest(value: number, values: Float32Array): number {
  let [best, distance] = [0, Infinity];
  for (let bits = 0; bits < 0x8000; bits++) {
    const found = Math.abs(values[bits] - Math.abs(value));
    if (!(found < distance || (found === distance && bits % 2 === 0))) continue;
    [best, distance] = [bits, found];
  }
  return best | (Object.is(Math.sign(value), -1) || Object.is(value, -0) ? 0x8000 : 0);
}

const allBits = () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  return new Uint8Array(bits.buffer);
};

describe('narrowTo', () => {
  for (const [dtype, widen] of [
    ['F16', f16BytesToF32],
    ['BF16', bf16BytesToF32],
  ] as const) {
    test(`${dtype}: every value widened → its own bits; NaN → NaN`, () => {
      const values = widen(allBits());
      const bits = new Uint16Array(narrowTo(dtype, values).buffer);
      for (let i = 0; i < 65536; i++) {
        if (Number.isNaN(values[i]))
          expect(widen(narrowTo(dtype, values.slice(i, i + 1)))[0]).toBeNaN();
        else if (bits[i] !== i) expect(`${bits[i]} for ${i}`).toBe('its own bits');
      }
    });

    test(`${dtype}: numbers between two values, and halfway → the nearest, ties to even`, () => {
      const values = widen(allBits());
      const samples: number[] = [];
      for (let bits = 0; bits < 0x7c00; bits += 997) {
        const [low, high] = [values[bits], values[bits + 1]];
        if (!Number.isFinite(high)) continue;
        for (const share of [0.25, 0.5, 0.75]) samples.push(low + share * (high - low));
      }
      samples.push(-1.2345, 2 ** -25, -(2 ** -26));
      const data = Float32Array.from(samples);
      const bits = new Uint16Array(narrowTo(dtype, data).buffer);
      expect([...bits]).toEqual([...data].map((value) => nearest(value, values)));
    });
  }

  test('F16: 65519.99 → 65504; 65520 → infinity', () => {
    const data = Float32Array.of(65519.9, 65520, -65520);
    expect([...f16BytesToF32(narrowTo('F16', data))]).toEqual([65504, Infinity, -Infinity]);
  });

  test('F32, a subarray → its little-endian bytes', () => {
    const bytes = narrowTo('F32', Float32Array.of(9, 1, -2).subarray(1));
    expect([...bytes]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });
});
