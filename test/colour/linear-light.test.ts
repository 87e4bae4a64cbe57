import { describe, expect, test } from 'vitest';
import { fromLinear, LinearTable, toLinear } from '../../src/colour/linear-light.ts';

describe('light', () => {
  test('sRGB values → light, and back', () => {
    expect([0, 0.04045, 0.5, 1].map(toLinear).map((v) => v.toFixed(6))).toEqual([
      '0.000000',
      '0.003131',
      '0.214041',
      '1.000000',
    ]);
    for (const value of [-0.5, 0, 0.01, 0.04045, 0.2, 0.9, 1, 1.7]) {
      expect(fromLinear(toLinear(value))).toBeCloseTo(value, 7);
    }
    expect(toLinear(-0.5)).toBe(-toLinear(0.5));
  });

  test('the table → the curve within 3e-8, bytes to the bit', () => {
    const values = Float32Array.from({ length: 9999 }, (_, i) => -0.2 + i / 7000);
    const bytes = Float32Array.from({ length: 256 }, (_, i) => i / 255);
    for (const [row, bound] of [
      [values, 6e-8],
      [bytes, 3e-8],
    ] as const) {
      const light = Float32Array.from(row);
      new LinearTable().toLinear(light);
      const off = row.map(
        (value, i) => Math.abs(light[i] - toLinear(value)) / Math.max(1, light[i]),
      );
      expect(Math.max(...off)).toBeLessThan(bound);
    }
  });
});
