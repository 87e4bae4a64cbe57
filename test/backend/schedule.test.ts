import { describe, expect, test } from 'vitest';
import type { Span } from '../../src/backend/backend.ts';
import { type ConvStage, type Plan, planNetwork, type Stage } from '../../src/backend/plan.ts';
import { inputRows } from '../../src/backend/rows-needed.ts';
import { isWinograd, WASM_RULES } from '../../src/backend/wasm/plan-rules.ts';
import {
  bandFrom,
  inputSpan,
  ringRows,
  schedule,
  type Task,
} from '../../src/backend/wasm/schedule.ts';
import { decoder } from '../../src/model/decoder.ts';
import { encoder } from '../../src/model/encoder.ts';
import {
  block,
  clamp,
  conv1x1,
  conv3x3,
  type Network,
  relu,
  upsample2x,
} from '../../src/model/layers.ts';
import type { Chw } from '../../src/model/measure.ts';
import { receptiveField } from '../../src/model/receptive-field.ts';
import { rounds } from '../full-length.ts';
import { seededRandom } from '../random.ts';

/*
 * The order of rows, played through with numbers of rows in place of rows: what a kernel reads is
 * written down here once more, on its own, and has to lie in the ring.
 */

const NETWORKS: Record<string, Network> = {
  decoder: decoder(4),
  encoder: encoder(4),
  'every stage': [
    relu(),
    clamp(),
    conv3x3(4, 12),
    relu(),
    upsample2x(),
    block(12),
    conv1x1(12, 16),
    upsample2x(),
    conv3x3(16, 16),
    conv3x3(16, 16, { stride: 2 }),
    block(16, 32),
  ],
  'upsamplings after one another': [upsample2x(), upsample2x(), conv3x3(16, 16), upsample2x()],
  'halvings after one another': [
    conv3x3(4, 16, { stride: 2 }),
    conv3x3(16, 4, { stride: 2 }),
    block(4, 16),
    conv3x3(16, 16, { stride: 2 }),
  ],
  'halvings by Winograd after one another': [
    conv3x3(16, 16, { stride: 2 }),
    conv3x3(16, 32, { stride: 2 }),
    conv3x3(32, 16, { stride: 2 }),
    conv3x3(16, 16),
  ],
  'wide, which make several rows of tiles at once': [
    conv3x3(16, 80),
    block(80),
    upsample2x(),
    conv3x3(80, 16),
    conv3x3(16, 96, { stride: 2 }),
    block(96, 16),
  ],
  'an upsampling alone': [upsample2x()],
  'a ReLU alone': [relu()],
};

const channelsOf = ([layer]: Network) => ('cin' in layer ? layer.cin : 4);

/** Rows of the output that a Winograd convolution makes at once. */
const tileRows = ({ tile, conv: { cin, cout, stride } }: ConvStage): number => {
  // Coarse maps have tiles of 4×4 too.
  const canBeLarge = stride === 1 && Math.max(cin, cout) <= 64;
  return canBeLarge ? tile : 4;
};

/**
 * The rows of its input that a stage's kernel touches to make rows `span`; those outside the
 * picture too.
 */
function touched(stage: Stage, { first, end }: Span): number[] {
  const rows: number[] = [];
  if (stage.kind === 'upsample2x') for (let y = first; y < end; y++) rows.push(y >> 1);
  else if (stage.kind !== 'conv') for (let y = first; y < end; y++) rows.push(y);
  else if (isWinograd(stage.conv)) {
    // Whole rows of tiles of six rows each, of eight where they make 6×6, of nine with stride 2,
    // whatever part of the last lies in the picture.
    const { stride } = stage.conv;
    const tile = tileRows(stage);
    const made = tile * Math.ceil((end - first) / tile);
    const below = stride * (first + made) + (stride === 1 ? 1 : 0);
    for (let y = stride * first - 1; y < below; y++) {
      rows.push(stage.upsample ? Math.floor(y / 2) : y);
    }
  } else {
    const { kernel, stride } = stage.conv;
    const radius = (kernel - 1) / 2;
    for (let y = first; y < end; y++) {
      for (let dy = -radius; dy <= radius; dy++) rows.push(y * stride + dy);
    }
  }
  return rows;
}

/** Rings that hold the numbers of the rows that were written to them. */
class Rings {
  readonly #slots: number[][];
  readonly #heights: number[];
  constructor(rows: readonly number[], shapes: readonly Chw[]) {
    this.#heights = shapes.map(([, height]) => height);
    this.#slots = rows.map((count, map) => new Array(Math.min(count, this.#heights[map])).fill(-1));
  }
  write(map: number, y: number): void {
    this.#slots[map][y % this.#slots[map].length] = y;
  }
  /** Why row `y` cannot be read; rows outside the picture are always there. */
  missing(map: number, y: number): string | undefined {
    if (y < 0 || y >= this.#heights[map]) return undefined;
    const found = this.#slots[map][y % this.#slots[map].length];
    return found === y ? undefined : `row ${y} of map ${map}: its slot holds ${found}`;
  }
}

/** Goes through a schedule. @returns the first thing that is wrong */
function play(plan: Plan, shapes: readonly Chw[], wanted: Span): string | undefined {
  const rings = new Rings(ringRows(plan, shapes, wanted), shapes);
  const made = new Map<number, Span>();
  const last = shapes.length - 1;
  for (const { stage, map, span } of schedule(plan, shapes, wanted)) {
    const height = shapes[map][1];
    const before = made.get(map);
    const at = () => `map ${map}, rows ${span.first} … ${span.end}`;
    if (before !== undefined && before.end !== span.first) return `${at()}: after ${before.end}`;
    if (span.first >= span.end || span.first < 0 || span.end > height)
      return `${at()} of ${height}`;
    if ((stage === undefined) !== (map === 0) || (stage && stage.output !== map))
      return `${at()}: ?`;
    if (stage !== undefined) {
      if (stage.kind === 'conv' && isWinograd(stage.conv) && span.first % tileRows(stage) !== 0) {
        return `${at()}: not on the grid of tiles`;
      }
      for (const y of touched(stage, span)) {
        const missing = rings.missing(stage.input, y);
        if (missing !== undefined) return `${at()}: ${missing}`;
      }
      for (let y = span.first; y < span.end && stage.kind === 'conv'; y++) {
        const missing = stage.add === undefined ? undefined : rings.missing(stage.add, y);
        if (missing !== undefined) return `${at()}, added: ${missing}`;
      }
    }
    for (let y = span.first; y < span.end; y++) rings.write(map, y);
    // Rows made together are all there afterwards: for the input those that the reader wants, for
    // the last map all.
    for (let y = span.first; y < span.end && map === last; y++) {
      const missing = rings.missing(map, y);
      if (missing !== undefined) return `${at()}, handed on: ${missing}`;
    }
    made.set(map, { first: before?.first ?? span.first, end: span.end });
  }
  const output = made.get(last) ?? { first: 0, end: 0 };
  const covers = output.first <= wanted.first && output.end >= wanted.end;
  return covers ? undefined : `rows ${output.first} … ${output.end} of the output`;
}

/**
 * The steps by the rule that each row pulls the rows it needs, as a recursion; where each map
 * begins and ends is as it is.
 */
function pulled(plan: Plan, shapes: readonly Chw[], wanted: Span, steps: readonly Task[]): Task[] {
  const made = shapes.map((_, map) => steps.find((step) => step.map === map)?.span.first ?? 0);
  const ends = shapes.map((_, map) => steps.findLast((step) => step.map === map)?.span.end ?? 0);
  const order: Task[] = [];
  const pull = (map: number, end: number): void => {
    const stage: Stage | undefined = plan.stages[map - 1];
    while (made[map] < end) {
      const first = made[map];
      let span = { first, end };
      if (stage !== undefined) {
        const band = bandFrom(stage, first, shapes[map]);
        span = { first, end: Math.min(band.end, ends[map]) };
        pull(stage.input, inputRows(stage, span, shapes[stage.input][1]).end);
        if (stage.kind === 'conv' && stage.add !== undefined) pull(stage.add, span.end);
      }
      made[map] = span.end;
      order.push({ stage, map, span });
    }
  };
  pull(shapes.length - 1, wanted.end);
  return order;
}

/**
 * Narrow, of middling width on this level or that, and wide: what a stage makes at once may differ.
 */
const WIDTHS = [1, 20, 40, 80, 160, 320, 640, 1280];

/** Asserts that nothing is wrong for an input of that height, in one of the widths. */
function expectPlays(network: Network, height: number, wanted?: Span): void {
  const plan = planNetwork(network, WASM_RULES);
  const width = WIDTHS[(height + 3 * (wanted?.first ?? 0)) % WIDTHS.length];
  const shapes = plan.shapes([channelsOf(network), height, width]);
  const span = wanted ?? { first: 0, end: shapes[shapes.length - 1][1] };
  const where = `${width}×${height}, rows ${span.first} … ${span.end}`;
  expect(play(plan, shapes, span), where).toBe(undefined);
}

const outputHeight = (network: Network, height: number) =>
  planNetwork(network, WASM_RULES)
    .shapes([channelsOf(network), height, 1])
    .at(-1)?.[1] as number;

describe.each(Object.entries(NETWORKS))('schedule: %s', (name, network) => {
  test(`schedule: ${name}, heights 1 to 70, all rows → each row once, in order, alive when read`, () => {
    for (let height = 1; height <= 70; height++) expectPlays(network, height);
  });

  test(`schedule: ${name}, heights 1 to ${rounds(3, 9)}, every span of rows → the same`, () => {
    for (let height = 1; height <= rounds(3, 9); height++) {
      const rows = Math.min(outputHeight(network, height), 40);
      for (let first = 0; first < rows; first++) {
        for (let end = first + 1; end <= rows; end++) expectPlays(network, height, { first, end });
      }
    }
  });

  test(`schedule: ${name}, ${rounds(60, 150)} seeded heights to 400 and spans → the same`, () => {
    const random = seededRandom(name.length);
    for (let n = 0; n < rounds(60, 150); n++) {
      const height = 1 + Math.floor(400 * random());
      const rows = outputHeight(network, height);
      const first = Math.floor(rows * random());
      const end = first + 1 + Math.floor(Math.min(rows - first, 300) * random());
      expectPlays(network, height, { first, end: Math.min(end, rows) });
    }
  });

  test(`schedule: ${name}, 40 seeded sizes and spans → the steps of a recursion, in its order`, () => {
    const plan = planNetwork(network, WASM_RULES);
    const random = seededRandom(name.length + 1);
    const told = ({ map, span }: Task) => `map ${map}, rows ${span.first} … ${span.end}`;
    for (let n = 0; n < 40; n++) {
      const height = 1 + Math.floor(200 * random());
      const shapes = plan.shapes([channelsOf(network), height, WIDTHS[n % WIDTHS.length]]);
      const [, rows] = shapes[shapes.length - 1];
      const first = Math.floor(rows * random());
      const span = { first, end: first + 1 + Math.floor((rows - first) * random()) };
      const steps = [...schedule(plan, shapes, span)];
      const wanted = pulled(plan, shapes, span, steps).map(told);
      const at = wanted.findIndex((step, k) => !steps[k] || told(steps[k]) !== step);
      const found = at < 0 ? 'none' : `step ${at}: got ${steps[at] && told(steps[at])}`;
      expect(found, `of ${height}, rows ${span.first} … ${span.end}: ${wanted[at]}`).toBe('none');
      expect(steps.length).toBe(wanted.length);
    }
  });

  test(`schedule: ${name}, all rows → every row of every map that is read, none left out above`, () => {
    const plan = planNetwork(network, WASM_RULES);
    for (const height of [1, 5, 16, 33]) {
      const shapes = plan.shapes([channelsOf(network), height, 1]);
      const firsts = new Map<number, number>();
      for (const { map, span } of schedule(plan, shapes, {
        first: 0,
        end: shapes.at(-1)?.[1] ?? 0,
      })) {
        if (!firsts.has(map)) firsts.set(map, span.first);
      }
      expect([...firsts.values()].every((first) => first === 0)).toBe(true);
      expect(firsts.size).toBe(shapes.length);
    }
  });

  test(`schedule: ${name}, a span in the middle → no row of the output beyond the bands it touches`, () => {
    const plan = planNetwork(network, WASM_RULES);
    const shapes = plan.shapes([channelsOf(network), 64, 1]);
    const [, rows] = shapes[shapes.length - 1];
    for (const [first, end] of [
      [rows >> 1, (rows >> 1) + 1],
      [rows >> 2, rows >> 1],
    ]) {
      const steps = [...schedule(plan, shapes, { first, end })].filter(
        ({ map }) => map === shapes.length - 1,
      );
      expect(steps[0].span.first).toBeGreaterThan(first - 8);
      expect(steps[steps.length - 1].span.end).toBeLessThan(end + 8);
    }
  });

  // Eight rows of tiles are made at once, where one column of tiles is all.
  const maxRows = name.startsWith('wide') ? 128 : 24;
  test(`ringRows: ${name}, 512 to 4096 high → the same number of rows, at most ${maxRows}`, () => {
    const plan = planNetwork(network, WASM_RULES);
    const rowsAt = (height: number) => {
      const shapes = plan.shapes([channelsOf(network), height, 1]);
      return ringRows(plan, shapes, { first: 0, end: shapes[shapes.length - 1][1] });
    };
    const few = rowsAt(512);
    if (process.env.MEASURE) console.log(name, few.join(' '));
    // A skip connection waits for three convolutions.
    expect(Math.max(...few)).toBeLessThanOrEqual(maxRows);
    for (const height of [513, 1000, 4096]) {
      expect(rowsAt(height), `${height} high`).toEqual(few);
    }
  });
});

test('ringRows: the last map → one band alone, since rows are handed on at once', () => {
  const last = (network: Network) => {
    const plan = planNetwork(network, WASM_RULES);
    const shapes = plan.shapes([channelsOf(network), 64, 1]);
    return ringRows(plan, shapes, { first: 0, end: shapes[shapes.length - 1][1] }).at(-1);
  };
  expect(last(decoder(4))).toBe(1);
  expect(last(encoder(4))).toBe(1);
  expect(last([conv3x3(16, 16)])).toBe(6);
  expect(last([conv3x3(16, 16, { stride: 2 })])).toBe(4);
  expect(last([upsample2x()])).toBe(2);
  expect(last([conv3x3(4, 4), relu()])).toBe(1);
});

/*
 * A row of tiles depends in its last bits on all of its input rows, so each Winograd convolution
 * reaches up to 3 rows further than its window with tiles of 4×4, 5 with tiles of 6×6, at the level
 * of its output: in the decoder 9 · 3 + (10/2 + 10/4 + 4/8) · 5 latent rows, in the encoder
 * 3 · 5 + (9 · 5 + 3) · (2 + 4) + 10 · 3 · 8 picture rows.
 */
const MORE_LATENT_ROWS = 67;
const MORE_PICTURE_ROWS = 543;

test(`inputSpan: decoder, spans from 32-row lines → its receptive field, at most ${MORE_LATENT_ROWS} latent rows more`, () => {
  const network = decoder(4);
  const plan = planNetwork(network, WASM_RULES);
  const { before, after } = receptiveField(network);
  const height = 200;
  const shapes = plan.shapes([4, height, 1]);
  let most = 0;
  for (let first = 0; first < 8 * height; first += 32) {
    for (const end of [first + 8, first + 32, first + 256].filter((y) => y <= 8 * height)) {
      const span = inputSpan(plan, shapes, { first, end });
      const exact = {
        first: Math.max(first / 8 - before, 0),
        end: Math.min(end / 8 + after, height),
      };
      expect(span.first, `rows ${first} … ${end}`).toBeLessThanOrEqual(exact.first);
      expect(span.end, `rows ${first} … ${end}`).toBeGreaterThanOrEqual(exact.end);
      most = Math.max(most, exact.first - span.first, span.end - exact.end);
    }
  }
  if (process.env.MEASURE) console.log('decoder: rows beyond the receptive field', most);
  expect(most).toBeLessThanOrEqual(MORE_LATENT_ROWS);
});

test(`inputSpan: encoder, spans of latent rows → its receptive field, at most ${MORE_PICTURE_ROWS} picture rows more`, () => {
  const network = encoder(4);
  const plan = planNetwork(network, WASM_RULES);
  const { before, after } = receptiveField(network);
  const height = 1600;
  const shapes = plan.shapes([3, height, 1]);
  let most = 0;
  for (let first = 0; first < 200; first += 4) {
    for (const end of [first + 1, first + 4, first + 32].filter((y) => y <= 200)) {
      const span = inputSpan(plan, shapes, { first, end });
      const exact = {
        first: Math.max(8 * first - before, 0),
        end: Math.min(8 * end + after, height),
      };
      expect(span.first, `rows ${first} … ${end}`).toBeLessThanOrEqual(exact.first);
      expect(span.end, `rows ${first} … ${end}`).toBeGreaterThanOrEqual(exact.end);
      most = Math.max(most, exact.first - span.first, span.end - exact.end);
    }
  }
  if (process.env.MEASURE) console.log('encoder: rows beyond the receptive field', most);
  expect(most).toBeLessThanOrEqual(MORE_PICTURE_ROWS);
});

test('inputSpan: any span → the rows that the schedule reads, no more', () => {
  for (const network of Object.values(NETWORKS)) {
    const plan = planNetwork(network, WASM_RULES);
    const random = seededRandom(3);
    for (let n = 0; n < 60; n++) {
      const height = 1 + Math.floor(120 * random());
      const shapes = plan.shapes([channelsOf(network), height, 1]);
      const [, rows] = shapes[shapes.length - 1];
      const first = Math.floor(rows * random());
      const end = first + 1 + Math.floor((rows - first) * random());
      const read = [...schedule(plan, shapes, { first, end })].filter(({ map }) => map === 0);
      expect(inputSpan(plan, shapes, { first, end })).toEqual({
        first: read[0].span.first,
        end: read[read.length - 1].span.end,
      });
    }
  }
});
