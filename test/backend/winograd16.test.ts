import { beforeAll, describe, expect, test } from 'vitest';
import { everySecond, isFullLength, sampled } from '../full-length.ts';
import { GEOMETRIES, V_CHANNELS, WEIGHT_POINTS, weightIndex } from './winograd-block.ts';
import { type Machine, startMachine } from './winograd-run.ts';
import { testNotFinite16, testSaturation, testTransformInput16 } from './winograd16-checks.ts';
import { BLOCKS, INPUT_MAX, index16, roundWeights, unitIndex, WEIGHTS } from './winograd16-run.ts';

/*
 * The 16-bit Winograd kernels of assembly/winograd16.ts: rounding, scales, and that no sum leaves
 * 32 bits.
 */

const SMALL = GEOMETRIES.filter(({ cout }) => cout === 16);

let machine: Machine;
beforeAll(async () => {
  machine = await startMachine();
});
const start = () => machine;

describe.each(Object.entries(WEIGHTS))('weights: %s', (name, make) => {
  for (const [cin, cout] of [
    [16, 16],
    [32, 48],
    [64, 64],
    [144, 16],
  ]) {
    test(`winogradRoundWeights [wasm]: ${name}, ${cin}→${cout} → to nearest, at most 32767, ${INPUT_MAX} times their sum below 2³¹`, () => {
      const { u, u16, units } = roundWeights(machine, cin, cout, make(cin));
      for (let p = 0; p < WEIGHT_POINTS; p++) {
        for (let o = 0; o < cout; o++) {
          let sum = 0;
          let far: string | undefined;
          for (let i = 0; i < cin; i++) {
            const unit = units[unitIndex(cin, p, o, i)];
            // A chunk's products are summed in 32 bits.
            if (i % V_CHANNELS === 0) sum = 0;
            const rounded = u16[index16(cin, p, o, i)];
            const value = u[weightIndex(cin, p, o, i)];
            sum += Math.abs(rounded);
            // To nearest by an f32 quotient; what is below the smallest unit of all is 0.
            const bound = unit * (0.5 + 32767 * 2 ** -24) + (unit < 2 ** -126 ? 2 ** -126 : 0);
            if (!(Math.abs(rounded * unit - value) <= bound)) {
              far ??= `input ${i}: ${rounded} · ${unit} for ${value}`;
            }
            if (!(sum * INPUT_MAX < 2 ** 31)) far ??= `input ${i}: the sum ${sum}`;
          }
          if (far !== undefined) expect(far, `point ${p}, output ${o}`).toBe(undefined);
        }
      }
    });
  }

  testSaturation(start, [name, make], { stride: 1 });
  if (isFullLength || name === 'random') testSaturation(start, [name, make], { stride: 1 }, 144);
});

test('winogradRoundWeights [wasm]: weights whose sum is past the range of f32 → no trap, a unit that is not finite', () => {
  const { units } = roundWeights(machine, 64, 16, () => 1e38);
  expect(units.every((unit) => unit === Infinity)).toBe(true);
});

describe.each(Object.entries(BLOCKS))('input: %s', (name, make) => {
  for (const geometry of sampled(everySecond(SMALL), SMALL)) {
    testTransformInput16(start, 'winogradTransformInput16', [name, make], geometry);
  }
});

for (const upsample of [0, 1] as const) {
  for (const value of [NaN, Infinity, -Infinity]) {
    // In one tile alone: upsampled, column 0, else in the second tile's middle.
    const place = upsample === 1 ? ([1, 0] as const) : ([2, 4 + 3] as const);
    testNotFinite16(start, value, { tiles: 4, cin: 32, cout: 16, upsample, stride: 1 }, place);
    testNotFinite16(start, value, { tiles: 2, cin: 80, cout: 16, upsample, stride: 1 }, place);
  }
}
