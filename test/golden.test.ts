import { expect, test } from 'vitest';
import { quantizeLatents } from '../src/latent.ts';
import { Taesd } from '../src/taesd.ts';
import type { Tensor } from '../src/tensor.ts';
import { expectClose, largestDifference } from './compare.ts';
import { isFullLength } from './full-length.ts';
import { realWeights } from './golden.ts';
import { BOUND, measured, planes, TRIPS, testGolden, trip } from './golden-trips.ts';
import { testShared } from './shared.ts';

testGolden('wasm');

/** Of each byte of the pictures that fast and f32 make, how many are equal. */
function equalShare(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let equal = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) equal++;
  return equal / a.length;
}

/** Peak signal to noise ratio of pictures in 0 … 1, in dB. */
function psnr(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  const clamped = (value: number) => Math.min(Math.max(value, 0), 1);
  for (let i = 0; i < a.length; i++) sum += (clamped(a[i]) - clamped(b[i])) ** 2;
  return 10 * Math.log10(a.length / sum);
}

for (const { file, model, large, slow } of TRIPS) {
  // The quick suite has one.
  const isQuick = !large && !slow && model === 'taef1';
  if (!isQuick && !isFullLength) continue;
  testShared(
    `Taesd [wasm, fast]: ${file} → 62 dB and 85 % of bytes equal to f32, latents within one step`,
    async () => {
      const weights = realWeights(model);
      const f32 = await Taesd.load({ model, weights });
      const fast = await Taesd.load({ model, weights, precision: 'fast' });
      const [wanted, got] = [await trip(f32, file), await trip(fast, file)];

      const [a, b] = [wanted, got].map(({ latents }) => quantizeLatents(latents.data));
      expect(largestDifference(a, b)).toBeLessThanOrEqual(1);
      const latentBytes = equalShare(a, b);
      expect(latentBytes).toBeGreaterThanOrEqual(0.85);

      const decibels = psnr(got.decoded.data, wanted.decoded.data);
      expect(decibels).toBeGreaterThanOrEqual(62);
      const [wantedBytes, gotBytes] = [wanted, got].map(({ picture }) => planes(picture));
      const bytes = equalShare(gotBytes, wantedBytes);
      expect(bytes).toBeGreaterThanOrEqual(0.85);
      measured.push(
        `  fast      ${file.padEnd(26)} ${decibels.toFixed(1)} dB   bytes equal ${(100 * bytes).toFixed(1)} %   latent bytes equal ${(100 * latentBytes).toFixed(1)} %`,
      );
    },
  );
}

test('the golden bound: values off by 2e-4 → fail', () => {
  const tensor = (value: number): Tensor => ({ shape: [1], data: Float32Array.of(value) });
  expect(() => expectClose(tensor(0.5), tensor(0.5002), BOUND)).toThrow(
    /first element off by more than 0.0001/,
  );
});
