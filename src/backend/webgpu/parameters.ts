import type { GroupNorm } from '../../model/layers.ts';
import type { Chw } from '../../model/measure.ts';
import type { ConvStage, LayerStage, Stage } from '../plan.ts';
import type { Band } from './bands.ts';
import { CONVOLUTION_PARAMETERS } from './convolution.ts';
import { chunksOf, NORM_PARAMETERS } from './group-norm.ts';
import { blockQuadsOf, quadsOf } from './pack.ts';
import { OPERATIONS, REMAP_PARAMETERS } from './remap.ts';
import { convRows, type TileRows } from './tile-rows.ts';

/*
 * The parameters of a dispatch, in the order of the shader's struct: which part of the picture it
 * makes, and where that lies in the buffers of a band.
 */

export function convolutionParameters(
  stage: ConvStage & Stage,
  shapes: readonly Chw[],
  { rows, stored }: Band,
  tiles: TileRows = { first: 0, count: 0, columns: 0 },
) {
  const [cin, height, width] = shapes[stage.input];
  const [channels, , outWidth] = shapes[stage.output];
  const input = stored[stage.input];
  const output = stored[stage.output];
  const made = convRows(stage, rows[stage.output]);
  const up = stage.upsample ? 2 : 1;
  const outQuads = quadsOf(channels);
  const add = stage.add === undefined ? undefined : stored[stage.add];
  const values: Record<(typeof CONVOLUTION_PARAMETERS)[number], number> = {
    inHeight: height * up,
    inWidth: width * up,
    inShift: up - 1,
    inFirst: input.first,
    inRowLength: width,
    inPlaneLength: width * (input.end - input.first),
    inQuads: quadsOf(cin),
    first: made.first,
    // Tiles reach past the last row.
    end: Math.min(made.end, shapes[stage.output][1] / stage.shuffle),
    width: outWidth / stage.shuffle,
    quads: outQuads * stage.shuffle ** 2,
    shuffle: stage.shuffle,
    keptFirst: rows[stage.output].first,
    keptEnd: rows[stage.output].end,
    outFirst: output.first,
    outRows: output.end - output.first,
    outRowLength: outWidth,
    outQuads,
    relu: stage.relu ? 1 : 0,
    add: add === undefined ? 0 : 1,
    addFirst: add?.first ?? 0,
    addPlaneLength: add === undefined ? 0 : (add.end - add.first) * outWidth,
    tileColumns: tiles.columns,
    firstTileRow: tiles.first,
    tiles: tiles.count * tiles.columns,
  };
  return CONVOLUTION_PARAMETERS.map((name) => values[name]);
}

export function remapParameters(
  stage: LayerStage & Stage,
  shapes: readonly Chw[],
  { rows, stored }: Band,
) {
  const [inChannels, inHeight, inWidth] = shapes[stage.input];
  const [channels, , width] = shapes[stage.output];
  const input = stored[stage.input];
  const output = rows[stage.output];
  const made = stored[stage.output];
  const magnitude = stage.kind === 'clamp' ? stage.magnitude : 0;
  const values: Record<(typeof REMAP_PARAMETERS)[number], number> = {
    operation: OPERATIONS.indexOf(stage.kind),
    factor: 'factor' in stage ? stage.factor : 2,
    inHeight,
    inWidth,
    inFirst: input.first,
    inPlaneLength: inWidth * (input.end - input.first),
    inChannels,
    first: output.first,
    rows: output.end - output.first,
    width,
    channels,
    magnitude: bitsOf(magnitude),
    madeFirst: output.first - made.first,
    madeRows: made.end - made.first,
  };
  return REMAP_PARAMETERS.map((name) => values[name]);
}

/** The parameters of all three parts of a normalisation. */
export function normParameters(
  stage: ConvStage & Stage,
  { groups, channels, epsilon }: GroupNorm,
  shapes: readonly Chw[],
) {
  const [cin, height, width] = shapes[stage.input];
  const pixels = height * width;
  const { size, count } = chunksOf(pixels);
  const values: Record<(typeof NORM_PARAMETERS)[number], number> = {
    pixels,
    chunkPixels: size,
    chunks: count,
    inQuads: quadsOf(cin),
    quads: quadsOf(channels),
    blockQuads: blockQuadsOf(stage),
    channels,
    groups,
    epsilon: bitsOf(epsilon),
  };
  return NORM_PARAMETERS.map((name) => values[name]);
}

/** The bits of an f32. */
const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0];
