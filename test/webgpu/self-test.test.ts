import { expect, test } from 'vitest';
import { distance } from '../../src/backend/webgpu/self-test.ts';

test('distance: the worst in f32, the root mean square in f16, of the largest right number', () => {
  const wanted = Float32Array.of(1, -4, 2, 0);
  const got = Float32Array.of(1, -4, 4, 0);
  expect(distance(got, wanted, 'f32')).toBe(0.5);
  expect(distance(got, wanted, 'f16')).toBe(0.25);
});

test('distance: NaN anywhere, or too few numbers → NaN, which is never near enough', () => {
  const wanted = new Float32Array(5).fill(0.5);
  for (const stored of ['f32', 'f16'] as const) {
    for (let i = 0; i < wanted.length; i++) {
      const got = wanted.slice();
      got[i] = NaN;
      expect(distance(got, wanted, stored)).toBeNaN();
    }
    expect(distance(wanted.slice(1), wanted, stored)).toBeNaN();
  }
});
