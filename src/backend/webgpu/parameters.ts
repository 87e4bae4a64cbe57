import type { Chw } from '../../model/measure.ts';
import type { Band, TileRows } from './bands.ts';
import { CONVOLUTION_PARAMETERS } from './convolution.ts';
import { quadsOf } from './pack.ts';
import { type ConvStep, convRows, type Step } from './plan.ts';
import { OPERATIONS, REMAP_PARAMETERS } from './remap.ts';

/*
 * The numbers that a dispatch is told, in the order of the shader's struct: what of the picture it makes, and where that lies
 * in the buffers of a band.
 */

export function convolutionParameters(
  step: ConvStep & Step,
  shapes: readonly Chw[],
  { rows, stored }: Band,
  tiles: TileRows = { first: 0, count: 0, columns: 0 },
) {
  const [cin, height, width] = shapes[step.input];
  const [channels, , outWidth] = shapes[step.output];
  const input = stored[step.input];
  const output = stored[step.output];
  const made = convRows(step, rows[step.output]);
  const up = step.upsample ? 2 : 1;
  const outQuads = quadsOf(channels);
  const add = step.add === undefined ? undefined : stored[step.add];
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
    end: Math.min(made.end, shapes[step.output][1] / step.shuffle),
    width: outWidth / step.shuffle,
    quads: outQuads * step.shuffle ** 2,
    shuffle: step.shuffle,
    keptFirst: rows[step.output].first,
    keptEnd: rows[step.output].end,
    outFirst: output.first,
    outRows: output.end - output.first,
    outRowLength: outWidth,
    outQuads,
    relu: step.relu ? 1 : 0,
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
  { layer, ...step }: Extract<Step, { kind: 'remap' }>,
  shapes: readonly Chw[],
  { rows, stored }: Band,
) {
  const [inChannels, inHeight, inWidth] = shapes[step.input];
  const [channels, , width] = shapes[step.output];
  const input = stored[step.input];
  const output = rows[step.output];
  const magnitude = layer.kind === 'clamp' ? layer.magnitude : 0;
  const values: Record<(typeof REMAP_PARAMETERS)[number], number> = {
    operation: OPERATIONS.indexOf(layer.kind),
    factor: 'factor' in layer ? layer.factor : 2,
    inHeight,
    inWidth,
    inFirst: input.first,
    inPlaneLength: inWidth * (input.end - input.first),
    inChannels,
    first: output.first,
    rows: output.end - output.first,
    width,
    channels,
    magnitude: new Int32Array(Float32Array.of(magnitude).buffer)[0],
  };
  return REMAP_PARAMETERS.map((name) => values[name]);
}
