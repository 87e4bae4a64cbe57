import { allocateFloats } from '../allocate.ts';
import type { BoundNetwork } from '../model/bind.ts';
import { geometryOf } from '../model/geometry.ts';
import { needsWholeMap } from '../model/layers.ts';
import { type Chw, describeNetwork, outputShape } from '../model/measure.ts';
import type { Precision } from '../options/types.ts';
import { channelsLastRows, type RowSink, type RowSource } from '../rows.ts';
import { handOn, type RowBatch, type Runner } from './batches.ts';
import { type FoldedPool, foldPool, type MomentsOf } from './fold-pool.ts';
import { type Pacer, untilTurn } from './pacer.ts';
import { COARSE, type Segment } from './segment.ts';

/*
 * Networks with barriers. A layer that needs the whole map before it cuts the network: the layers
 * above the cut finish their map for the whole picture, the statistics of that map are computed,
 * and the layers below the cut stream as any network does. Each segment is a network of its own,
 * so rows, bands and workers need to know nothing of cuts.
 */

/** Cuts a network before each layer that needs the whole map. */
export function segmentsOf(network: BoundNetwork, precision: Precision): Segment[] {
  const cuts = [0];
  /** The height of the map after each layer, and of the input. */
  const heights = [1];
  for (const [index, { layer }] of network.entries()) {
    if (index > 0 && needsWholeMap(layer)) cuts.push(index);
    const [up, down] = geometryOf(layer);
    heights.push((heights[index] * up) / down);
  }
  const tallest = Math.max(...heights);
  const coarse = tallest / COARSE;
  return cuts.map((cut, n) => {
    const end = cuts[n + 1] ?? network.length;
    const isCoarse = heights.slice(cut, end + 1).every((height) => height <= coarse);
    return {
      network: network.slice(cut, end),
      precision: isCoarse ? 'f32' : precision,
      tallest: tallest / heights[cut],
    };
  });
}

/**
 * Runs the segments of a network one after the other, each by its own runner. The maps between them
 * lie whole in memory: 4 bytes for each channel of each pixel.
 */
export function segmentedRunner(
  segments: readonly Segment[],
  runners: readonly Runner[],
  moments: MomentsOf,
): Runner {
  return {
    async *batches(source, span, pacer) {
      const shapes = [shapeOf(source)];
      for (const { network } of segments)
        shapes.push(shapeAfter(network, shapes[shapes.length - 1]));
      const works = segments.map(({ network }, n) => workOf(network, shapes[n]));
      const total = works.reduce((sum, work) => sum + work, 0);
      const rowsInAll = shapes[segments.length][1];
      let before = 0;
      let rows = source;
      for (const [n, { network }] of segments.entries()) {
        const [first] = network;
        const folded = needsWholeMap(first.layer)
          ? await fold(foldPool(first, rows, moments), pacer)
          : undefined;
        const [, height] = shapes[n + 1];
        const isLast = n === segments.length - 1;
        const map = isLast ? undefined : new WholeMap(shapes[n + 1]);
        const wanted = isLast ? span : { first: 0, end: height };
        for await (const batch of runners[n].batches(rows, wanted, pacer, folded)) {
          const end = batch.first + batch.count;
          const done = Math.floor((rowsInAll * (before + (works[n] * end) / height)) / total);
          if (map === undefined) yield { ...batch, done: end === rowsInAll ? end : done };
          else {
            handOn(batch, map.sink);
            yield { ...NO_ROWS, done };
          }
        }
        before += works[n];
        if (map !== undefined) rows = map.rows;
      }
    },
  };
}

const NO_ROWS: RowBatch = { first: 0, count: 0, stride: 0, data: new Float32Array(0) };

const shapeOf = ({ channels, height, width }: RowSource): Chw => [channels, height, width];

const shapeAfter = (network: BoundNetwork, input: Chw): Chw =>
  network.reduce((shape, { layer }) => outputShape(layer, shape), input);

/** Returns the multiply-adds of a network. */
function workOf(network: BoundNetwork, input: Chw): number {
  const rows = describeNetwork(
    network.map(({ layer }) => layer),
    input,
  );
  return rows.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
}

/**
 * Runs the folding to its end, with turns for the event loop. If the signal fires, the work ends
 * and its memory is free.
 */
async function fold(work: Generator<number, FoldedPool, void>, pacer: Pacer): Promise<FoldedPool> {
  let folded: FoldedPool | undefined;
  const toEnd = function* (): Generator<number, void, void> {
    folded = yield* work;
  };
  for (const _ of untilTurn(toEnd(), pacer)) await pacer.turn();
  return folded as FoldedPool;
}

/** A map in memory, channels last. */
class WholeMap {
  readonly rows: RowSource;
  readonly sink: RowSink;

  /** @throws TaesdError OOM */
  constructor(shape: Chw) {
    const [channels, height, width] = shape;
    const data = allocateFloats('whole map', channels * height * width);
    this.rows = channelsLastRows(data, shape);
    this.sink = (y, row, stride) => {
      let target = y * width * channels;
      if (stride === channels) {
        data.set(row.subarray(0, width * channels), target);
        return;
      }
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++) data[target++] = row[x * stride + c];
      }
    };
  }
}
