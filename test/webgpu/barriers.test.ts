import { expect, test } from 'vitest';
import { barriersOf, planNetwork } from '../../src/backend/plan.ts';
import { type Limits, layOut } from '../../src/backend/webgpu/bands.ts';
import { chunksOf, MAX_CHUNKS } from '../../src/backend/webgpu/group-norm.ts';
import { WEBGPU_RULES } from '../../src/backend/webgpu/plan-rules.ts';
import { TUNING } from '../../src/backend/webgpu/tuning.ts';
import { block, clamp, type Half, type Network } from '../../src/model/layers.ts';
import type { Chw } from '../../src/model/measure.ts';
import { VARIANTS } from '../../src/model/variants.ts';

/*
 * How networks that need whole maps are divided: nothing here needs a device.
 */

const MB = 2 ** 20;
const CARD: Limits = {
  mapBytes: 1024 * MB,
  allBytes: 2048 * MB,
  groups: 65535,
  pointsBytes: TUNING.pointsBytes,
};

function layoutOf(network: Network, input: Chw, limits: Limits) {
  const plan = planNetwork(network, WEBGPU_RULES);
  const shapes = plan.shapes(input);
  const stored = shapes.map(() => 'f32' as const);
  const [, height] = shapes[plan.stages.length];
  const layout = layOut({ plan, shapes, stored, span: { first: 0, end: height }, limits });
  return { plan, shapes, height, layout };
}

const inputOf = (half: Half, side: number): Chw =>
  half === 'encoder' ? [3, side, side] : [32, side / 8, side / 8];

for (const half of ['encoder', 'decoder'] as const) {
  const network = VARIANTS.taef2.networks[half];

  test(`layOut: taef2 ${half}, 512×512 → a band up to each whole map and one after, folded once each`, () => {
    const { plan, layout, shapes, height } = layoutOf(network, inputOf(half, 512), CARD);
    const barriers = barriersOf(plan);
    expect(barriers).toHaveLength(3);
    expect(barriers.map((map) => shapes[map])).toEqual(Array(3).fill([64, 64, 64]));
    const { bands } = layout;
    expect(bands.map(({ stages }) => stages.first)).toEqual([0, ...barriers]);
    expect(bands.map(({ folds }) => folds)).toEqual([false, true, true, true]);
    const [, side] = shapes[0];
    const none = undefined;
    expect(bands.map(({ input }) => input)).toEqual([{ first: 0, end: side }, none, none, none]);
    expect(bands.map(({ span }) => span)).toEqual([none, none, none, { first: 0, end: height }]);
    const slots = barriers.map((map) => layout.slotOf[map]);
    expect(new Set(slots).size).toBe(3);
    expect(layout.slotOf.filter((slot) => slots.includes(slot))).toHaveLength(3);
  });

  test(`layOut: taef2 ${half}, 2048×2048 → bands that join, on each side of whole maps, within the limits`, () => {
    const { plan, layout, shapes, height } = layoutOf(network, inputOf(half, 2048), CARD);
    const { bands, slotBytes } = layout;
    expect(bands.length).toBeGreaterThan(4);
    expect(Math.max(...slotBytes)).toBeLessThanOrEqual(CARD.mapBytes);
    expect(slotBytes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(CARD.allBytes);
    for (const map of [...barriersOf(plan), plan.stages.length]) {
      let end = 0;
      for (const { stages, rows } of bands.filter(({ stages }) => stages.end === map)) {
        expect(rows[map].first, `stages ${stages.first} to ${map}`).toBe(end);
        end = rows[map].end;
      }
      expect(end).toBe(map === plan.stages.length ? height : shapes[map][1]);
    }
    const folded = bands.filter(({ folds }) => folds).map(({ stages }) => stages.first);
    expect(folded).toEqual(barriersOf(plan));
  });
}

test('layOut: a block with a pool first, limits of a few rows → the whole input is written once, before', () => {
  const network = [block(16, 16, { pool: true })];
  const limits = { ...CARD, mapBytes: 200_000 };
  const { layout } = layoutOf(network, [16, 96, 32], limits);
  const [first, ...others] = layout.bands;
  expect([first.stages, first.input]).toEqual([
    { first: 0, end: 0 },
    { first: 0, end: 96 },
  ]);
  expect(others.length).toBeGreaterThan(1);
  expect(others.map(({ input }) => input)).toEqual(others.map(() => undefined));
  expect(others.map(({ folds }) => folds)).toEqual(others.map((_, n) => n === 0));
  expect(others.map(({ stored }) => stored[0])).toEqual(others.map(() => ({ first: 0, end: 96 })));
});

test('layOut: a clamp and a block with a pool, little memory → the input comes in bands too', () => {
  const network = [clamp(), block(16, 16, { pool: true })];
  const limits = { ...CARD, allBytes: 540_000 };
  const { bands } = layoutOf(network, [16, 64, 32], limits).layout;
  expect(bands.map(({ input }) => input).slice(0, 4)).toEqual([
    { first: 0, end: 21 },
    { first: 21, end: 42 },
    { first: 42, end: 64 },
    undefined,
  ]);
  expect(bands.map(({ folds }) => folds).indexOf(true)).toBe(3);
  expect(bands).toHaveLength(67);
});

test.each([
  [1, { size: 8, count: 1 }],
  [12, { size: 8, count: 2 }],
  [4096, { size: 16, count: 256 }],
  [5000, { size: 20, count: 250 }],
])('chunksOf: %i pixels → %o', (pixels, chunks) => {
  expect(chunksOf(pixels)).toEqual(chunks);
  expect(chunks.count).toBeLessThanOrEqual(MAX_CHUNKS);
});
