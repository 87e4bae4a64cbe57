import { describe, expect, test } from 'vitest';
import { planNetwork } from '../../src/backend/plan.ts';
import { type Layout, type Limits, layOut } from '../../src/backend/webgpu/bands.ts';
import { WEBGPU_RULES } from '../../src/backend/webgpu/plan-rules.ts';
import { TUNING } from '../../src/backend/webgpu/tuning.ts';
import type { Half } from '../../src/model/layers.ts';
import type { Chw } from '../../src/model/measure.ts';
import { type ModelName, VARIANTS } from '../../src/model/variants.ts';
import { sampled } from '../full-length.ts';

/*
 * How pictures are divided where an adapter's limits are too small for them: nothing here needs a
 * device.
 */

const MB = 2 ** 20;
const GROUPS = 65535;
/** What every adapter promises, and what a card's device is asked for. */
const { pointsBytes } = TUNING;
const LEAST: Limits = { mapBytes: 128 * MB, allBytes: 2048 * MB, groups: GROUPS, pointsBytes };
const CARD: Limits = { mapBytes: 1024 * MB, allBytes: 2048 * MB, groups: GROUPS, pointsBytes };

function layoutOf(model: ModelName, part: Half, side: number, limits: Limits) {
  const plan = planNetwork(VARIANTS[model].networks[part], WEBGPU_RULES);
  const { pictureChannels, latentChannels, downscale } = VARIANTS[model];
  const input: Chw =
    part === 'encoder'
      ? [pictureChannels, side, side]
      : [latentChannels, side / downscale, side / downscale];
  const shapes = plan.shapes(input);
  const stored = shapes.map(() => 'f32' as const);
  const [, height] = shapes[plan.stages.length];
  const layout = layOut({ plan, shapes, stored, span: { first: 0, end: height }, limits });
  return { plan, shapes, height, layout };
}

/** Multiply-adds with bands for each without: rows that several bands make count each time. */
function overhead({ plan, shapes, layout }: ReturnType<typeof layoutOf>): number {
  let [made, needed] = [0, 0];
  for (const { stages, rows } of layout.bands) {
    for (const { output } of plan.stages.slice(stages.first, stages.end)) {
      const [channels, , width] = shapes[output];
      made += (rows[output].end - rows[output].first) * width * channels;
    }
  }
  for (const { output } of plan.stages) {
    const [channels, height, width] = shapes[output];
    needed += height * width * channels;
  }
  return made / needed;
}

const bytes = ({ slotBytes }: Layout) => slotBytes.reduce((sum, size) => sum + size, 0);

describe('bands', () => {
  for (const part of ['decoder', 'encoder'] as const) {
    test(`layOut: taesd ${part}, 512×512 within any adapter’s limits → one band`, () => {
      expect(layoutOf('taesd', part, 512, LEAST).layout.bands.length).toBe(1);
    });

    test.each([
      ['128 MB a map', 1024, LEAST],
      ['128 MB a map', 2048, LEAST],
      ['2 GB in all', 2048, CARD],
      ['2 GB in all', 4096, CARD],
    ])(
      `layOut: taesd ${part}, %s, %i² → bands that join, within the limits, at most 2.5 times the work`,
      (_, side, limits) => {
        const found = layoutOf('taesd', part, side, limits);
        const { layout, height } = found;
        expect(layout.bands.length).toBeGreaterThan(1);
        expect(Math.max(...layout.slotBytes)).toBeLessThanOrEqual(limits.mapBytes);
        expect(bytes(layout)).toBeLessThanOrEqual(limits.allBytes);
        let end = 0;
        for (const { span } of layout.bands) {
          if (span === undefined) continue;
          expect(span.first).toBe(end);
          end = span.end;
        }
        expect(end).toBe(height);
        expect(overhead(found)).toBeLessThan(2.5);
      },
    );
  }

  // The widest maps lie where pictures are smallest. Those of 64 channels at full size are the
  // largest: 256 MB of 1024².
  test.each([
    ['taesana', 'decoder', 4],
    ['taesana', 'encoder', 1],
    ['taeqi2_1', 'decoder', 1],
    ['taeqi2_1', 'encoder', 1],
    ['taew2_1', 'decoder', 4],
    ['taew2_1', 'encoder', 4],
  ] as const)(
    'layOut: %s %s, within any adapter’s limits → one band for 512², %i for 1024², at most 1.02 times the work',
    (model, part, count) => {
      for (const [side, bands] of [
        [512, 1],
        [1024, count],
      ]) {
        const found = layoutOf(model, part, side, LEAST);
        expect(found.layout.bands).toHaveLength(bands);
        expect(Math.max(...found.layout.slotBytes)).toBeLessThanOrEqual(LEAST.mapBytes);
        expect(bytes(found.layout)).toBeLessThanOrEqual(384 * MB);
        expect(overhead(found)).toBeLessThan(1.02);
      }
    },
  );

  test('layOut: a picture of which no row fits → LIMIT naming what there is', () => {
    expect(() => layoutOf('taesd', 'decoder', 4096, { ...LEAST, mapBytes: MB })).toThrow(
      /^"maps" expected at most 1048576 bytes for one and \d+ for all, got \d+ and \d+ for single rows of an output 4096 wide \(maxMemory is the second limit\)$/,
    );
  });

  // Rows that lie otherwise on the grid of tiles than the first, the middle and the last need more.
  const tooLittle = [
    ['decoder', { ...LEAST, mapBytes: 11_264_000 }],
    ['decoder', { ...LEAST, allBytes: 40e6 }],
    ['decoder', { ...LEAST, allBytes: 42e6 }],
  ] as const;
  test.each(sampled<(typeof tooLittle)[number]>([tooLittle[2]], tooLittle))(
    'layOut: taesd %s, 1000², less than some row takes → LIMIT: %o',
    (part, limits) => {
      expect(() => layoutOf('taesd', part, 1000, limits)).toThrow(
        expect.objectContaining({ code: 'LIMIT' }),
      );
    },
  );

  const justEnough = [
    ['encoder', { ...LEAST, mapBytes: 255_500_000 }, 3],
    ['decoder', { ...LEAST, allBytes: 46e6 }, 75],
  ] as const;
  test.each(sampled<(typeof justEnough)[number]>([justEnough[0]], justEnough))(
    'layOut: taesd %s, 1000², little more than a row takes → bands within the limits: %o, %i',
    (part, limits, count) => {
      const { layout } = layoutOf('taesd', part, 1000, limits);
      expect(layout.bands).toHaveLength(count);
      expect(Math.max(...layout.slotBytes)).toBeLessThanOrEqual(limits.mapBytes);
      expect(bytes(layout)).toBeLessThanOrEqual(limits.allBytes);
    },
  );
});
