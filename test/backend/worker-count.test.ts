import { describe, expect, test } from 'vitest';
import { planNetwork } from '../../src/backend/plan.ts';
import { WASM_RULES } from '../../src/backend/wasm/plan-rules.ts';
import { workFor } from '../../src/backend/wasm/schedule.ts';
import { divideRows, spansOf } from '../../src/backend/wasm/spans.ts';
import { busiestWork, doesPay } from '../../src/backend/wasm/worker-count.ts';
import type { Half } from '../../src/model/layers.ts';
import { VARIANTS } from '../../src/model/variants.ts';

/*
 * The number of workers that a run uses.
 */

/** The work until a run is finished by doing it: a span at a time, on workers that wait in turn. */
function busiestBySteps(loads: readonly number[], workers: number): number {
  const free = Array.from({ length: workers }, () => 0);
  const ends: number[] = [];
  for (const [n, load] of loads.entries()) {
    const [earliest] = free.sort((a, b) => a - b);
    const above = ends.slice(0, Math.max(0, n - workers + 1));
    ends.push(Math.max(earliest, ...above) + load);
    free[0] = ends[n];
  }
  return Math.max(...ends);
}

test('busiestWork: one round, several rounds, a late span → until the last span is finished', () => {
  expect(busiestWork([5], 1)).toBe(5);
  expect(busiestWork([3, 4, 3], 3)).toBe(4);
  expect(busiestWork([3, 4, 5], 1)).toBe(12);
  // The third span follows the first, the fourth both of them.
  expect(busiestWork([3, 4, 4, 3], 2)).toBe(7);
  expect(busiestWork([9, 1, 1, 1], 2), 'no span is begun two below one at work').toBe(10);
  const loads = Array.from({ length: 23 }, (_, n) => 5 + ((n * 7) % 11));
  for (let workers = 1; workers <= 8; workers++) {
    expect(busiestWork(loads, workers), `${workers} workers`).toBe(busiestBySteps(loads, workers));
  }
});

test('doesPay: 1.1 × in all if workers were given; for each that is added by default, and 0.4 · 10⁹ multiply-adds', () => {
  const four = { workers: 4, busiest: 100e9 };
  const choice = (workers: number, busiest: number) => ({ workers, busiest: busiest * 1e9 });
  expect([90, 91].map((busiest) => doesPay(choice(8, busiest), four, false))).toEqual([
    true,
    false,
  ]);
  expect([90, 91].map((busiest) => doesPay(choice(5, busiest), four, true))).toEqual([true, false]);
  // 100 / 1.1⁴ = 68.3
  expect([68, 69].map((busiest) => doesPay(choice(8, busiest), four, true))).toEqual([true, false]);
  const little = { workers: 1, busiest: 1e9 };
  expect(doesPay(choice(2, 0.61), little, true)).toBe(false);
  expect(doesPay(choice(2, 0.59), little, true)).toBe(true);
  expect(doesPay(choice(2, 0.61), little, false)).toBe(true);
});

describe('divideRows', () => {
  const divide = (
    name: 'taesd' | 'nano' | 'taesana' | 'taew2_1',
    half: Half,
    size: number,
    isDefault: boolean,
  ) => {
    const { networks, latentChannels, downscale } = VARIANTS[name];
    const plan = planNetwork(networks[half], WASM_RULES);
    const side = half === 'decoder' ? size / downscale : size;
    const shapes = plan.shapes([half === 'decoder' ? latentChannels : 3, side, side]);
    const wanted = { first: 0, end: shapes[shapes.length - 1][1] };
    const busiest = (workers: number) => {
      const spans = workers === 1 ? [wanted] : spansOf(shapes, wanted, workers);
      return busiestWork(
        spans.map((span) => workFor(plan, shapes, span)),
        workers,
      );
    };
    const { spans, workers } = divideRows(plan, shapes, wanted, { workers: 8, isDefault });
    return { spans, workers, gain: busiest(1) / busiest(workers), busiest };
  };

  const NAMES = ['taesd', 'nano', 'taesana', 'taew2_1'] as const;
  test.each(NAMES)(
    '%s, 256² to 4096², 8 cores → each worker gains a tenth, more than given',
    (name) => {
      for (const half of ['decoder', 'encoder'] as const) {
        for (const size of [256, 384, 512, 1024, 2048, 4096]) {
          const where = `${half} ${size}²`;
          const own = divide(name, half, size, true);
          expect(own.gain, where).toBeGreaterThanOrEqual(1.1 ** (own.workers - 1) - 1e-9);
          expect(own.spans.length, where).toBeGreaterThanOrEqual(own.workers);
          const given = divide(name, half, size, false);
          expect(given.workers, where).toBeGreaterThanOrEqual(own.workers);
          // No other number is faster by a tenth.
          for (let workers = 1; workers <= 8; workers++) {
            const faster = given.busiest(given.workers) / given.busiest(workers);
            expect(faster, `${where}, ${workers} workers`).toBeLessThanOrEqual(1.1 ** 2);
          }
        }
      }
    },
  );

  test('8 cores, no number of workers given → decodes of taesd: four or more from 1024² on; encodes of 512²: one', () => {
    const count = (...what: [name: (typeof NAMES)[number], half: Half, size: number]) =>
      divide(...what, true).workers;
    expect(count('taesd', 'encoder', 512)).toBe(1);
    expect(count('taesd', 'decoder', 1024)).toBeGreaterThanOrEqual(4);
    expect(count('taesd', 'decoder', 2048)).toBe(8);
    expect(count('nano', 'decoder', 512)).toBeLessThan(count('nano', 'decoder', 2048));
  });
});
