import { describe, expect, test } from 'vitest';
import type { Span } from '../../src/backend/backend.ts';
import { planNetwork } from '../../src/backend/plan.ts';
import { WASM_RULES } from '../../src/backend/wasm/plan-rules.ts';
import { workFor } from '../../src/backend/wasm/schedule.ts';
import { divideRows, spansOf } from '../../src/backend/wasm/spans.ts';
import { decoder } from '../../src/model/decoder.ts';
import { encoder } from '../../src/model/encoder.ts';

/*
 * How rows are divided among workers.
 */

/**
 * How many rows of the output a tile of the coarsest level is, and how high one of its rows is at
 * full height.
 */
const CASES = {
  // `most`: rows of the output in one span, the bound on what waits for its turn.
  decoder: { network: decoder(4), channels: 4, grid: 32, most: 512 },
  encoder: { network: encoder(4), channels: 3, grid: 4, most: 256 },
};

/** What is wrong with a division. */
function fault(spans: readonly Span[], wanted: Span, grid: number): string | undefined {
  let at = wanted.first;
  for (const { first, end } of spans) {
    if (first !== at) return `a span from ${first} after ${at}`;
    if (end <= first) return `an empty span at ${first}`;
    if (end % grid !== 0 && end !== wanted.end) return `an end off the grid: ${end}`;
    at = end;
  }
  return at === wanted.end ? undefined : `an end at ${at}`;
}

describe.each(Object.entries(CASES))('spansOf: %s', (name, { network, channels, grid, most }) => {
  const plan = planNetwork(network, WASM_RULES);
  const divide = (height: number, workers: number, wanted?: Span) => {
    const shapes = plan.shapes([channels, height, 64]);
    const rows = shapes[shapes.length - 1][1];
    const span = wanted ?? { first: 0, end: rows };
    return { spans: spansOf(shapes, span, workers), rows };
  };
  const heights = Array.from({ length: 60 }, (_, n) => n + 1).concat(
    name === 'decoder'
      ? [64, 65, 128, 511, 512, 4097]
      : [500, 511, 512, 513, 4095, 4096, 4097, 30_000],
  );

  test(`spansOf: ${name}, heights 1 to ${Math.max(...heights)}, 1 to 8 workers → all rows once, in order, cut at lines of ${grid}`, () => {
    for (const height of heights) {
      for (let workers = 1; workers <= 8; workers++) {
        const { spans, rows } = divide(height, workers);
        const found = fault(spans, { first: 0, end: rows }, grid);
        expect(found, `${height} high, ${workers} workers`).toBe(undefined);
      }
    }
  });

  test(`spansOf: ${name}, the same → no span of more than ${most} rows`, () => {
    for (const height of heights) {
      for (let workers = 1; workers <= 8; workers++) {
        for (const { first, end } of divide(height, workers).spans) {
          const where = `${height} high, ${workers} workers`;
          expect(end - first, where).toBeLessThanOrEqual(most);
        }
      }
    }
  });

  test(`spansOf: ${name}, the same → in as few rounds as that allows, spans equal but for the last`, () => {
    for (const height of heights) {
      for (let workers = 1; workers <= 8; workers++) {
        const { spans, rows } = divide(height, workers);
        const rounds = Math.ceil(rows / (workers * most));
        const where = `${height} high, ${workers} workers`;
        expect(Math.ceil(spans.length / workers), where).toBe(rounds);
        const lengths = spans.map(({ first, end }) => end - first);
        expect(new Set(lengths.slice(0, -1)).size, where).toBeLessThanOrEqual(1);
        expect(lengths.at(-1), where).toBeLessThanOrEqual(lengths[0]);
        // As many for each worker, and no longer than a division by them makes them on that grid or
        // one twice as coarse.
        const fair = Math.ceil(rows / (workers * rounds) / (2 * grid)) * 2 * grid;
        expect(lengths[0], where).toBeLessThanOrEqual(fair);
      }
    }
  });

  test(`spansOf: ${name}, rows from the middle on → those rows once, in order, cut at lines of ${grid}`, () => {
    for (const height of [40, 77, 700]) {
      const { rows } = divide(height, 1);
      for (let workers = 1; workers <= 8; workers++) {
        for (const [first, end] of [
          [1, rows],
          [0, rows - 1],
          [rows >> 1, (rows >> 1) + 1],
          [rows >> 2, rows - 2],
        ]) {
          const { spans } = divide(height, workers, { first, end });
          expect(fault(spans, { first, end }, grid), `${first} … ${end}`).toBe(undefined);
        }
      }
    }
  });
});

test('spansOf: decoder, 512 and 1024 rows on 2 and 4 workers → a span for each', () => {
  const plan = planNetwork(decoder(4), WASM_RULES);
  const lengths = (latentHeight: number, workers: number) => {
    const shapes = plan.shapes([4, latentHeight, 64]);
    const spans = spansOf(shapes, { first: 0, end: 8 * latentHeight }, workers);
    return spans.map(({ first, end }) => end - first);
  };
  expect(lengths(64, 2)).toEqual([256, 256]);
  expect(lengths(64, 4)).toEqual([128, 128, 128, 128]);
  expect(lengths(128, 2)).toEqual([512, 512]);
  expect(lengths(128, 4)).toEqual([256, 256, 256, 256]);
  expect(lengths(256, 2)).toEqual([512, 512, 512, 512]);
});

test('divideRows: as many workers as make the busiest a tenth faster → decoder by 2 and 4, encoder once it is high enough', () => {
  const spanCount = (part: 'decoder' | 'encoder', height: number, workers: number) => {
    const { network, channels } = CASES[part];
    const plan = planNetwork(network, WASM_RULES);
    const shapes = plan.shapes([channels, part === 'decoder' ? height / 8 : height, 1024]);
    const wanted = { first: 0, end: shapes[shapes.length - 1][1] };
    const { spans } = divideRows(plan, shapes, wanted, { workers });
    expect(fault(spans, wanted, CASES[part].grid)).toBe(undefined);
    return spans.length;
  };
  expect([1, 2, 4].map((workers) => spanCount('decoder', 1024, workers))).toEqual([1, 2, 4]);
  // Alone, a worker hands its rows on as they come: nothing waits, nothing is divided.
  expect(spanCount('decoder', 8192, 1)).toBe(1);
  expect([512, 1024, 2048, 4096].map((height) => spanCount('encoder', height, 2))).toEqual([
    1, 1, 2, 2,
  ]);
});

test('workFor: halves of a decode and of an encode of 1024 rows → their share of the work', () => {
  const share = (part: 'decoder' | 'encoder') => {
    const { network, channels } = CASES[part];
    const plan = planNetwork(network, WASM_RULES);
    const height = part === 'decoder' ? 128 : 1024;
    const shapes = plan.shapes([channels, height, height]);
    const [, end] = shapes[shapes.length - 1];
    const [first, second, whole] = [
      [0, end / 2],
      [end / 2, end],
      [0, end],
    ].map(([from, to]) => workFor(plan, shapes, { first: from, end: to }));
    return [first / whole, second / whole];
  };
  for (const half of share('decoder')) expect(half).toBeCloseTo(0.566, 2);
  for (const half of share('encoder')) expect(half).toBeCloseTo(0.984, 2);
});
