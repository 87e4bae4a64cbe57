import type {
  Clamp,
  Conv,
  Layer,
  Network,
  PixelShuffle,
  PixelUnshuffle,
  Relu,
  Upsample2x,
} from '../../model/layers.ts';
import { type Chw, countMultiplyAdds, outputShape } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import { type FusedConv, planBlock } from '../fusion.ts';
import { GROUP, MAX_CIN, TILE, TILE_COUT } from './layout.ts';
import { paddedChannels } from './ring.ts';

/*
 * From a list of layers to a chain of stages: what is fused, and which rows of one stage need which rows of another.
 */

/** Numbers changed one by one. */
export type PointwiseStage = Relu | Clamp;

/** An upsampling that no convolution takes over. */
export type UpsampleStage = Upsample2x;

/** Channels to pixels, or pixels to channels. */
export type ShuffleStage = PixelShuffle | PixelUnshuffle;

/** A convolution, with what is fused into it. */
export type ConvStage = FusedConv;

type AnyStage = ConvStage | PointwiseStage | UpsampleStage | ShuffleStage;

/** One step of the chain: it reads map `input` and makes map `output`. */
export type Stage = AnyStage & {
  readonly input: number;
  readonly output: number;
};

/** The chain, and the shape of each map in it as a function of the input's: map 0 is the input. */
export interface Plan {
  readonly stages: readonly Stage[];
  /** [channels, height, width] of each map for an input of that shape. */
  shapes(input: Chw): readonly Chw[];
}

/** Winograd's kernels want channels in groups of 16, in and out, and at most 64 in. */
export const isWinograd = ({ kernel, cin, cout }: Conv): boolean =>
  kernel === 3 && cin % GROUP === 0 && cin <= MAX_CIN && cout % GROUP === 0;

/**
 * How many channels a map's rows have room for: multiples of 4, but for an input that only direct 3×3 convolutions and
 * pixel shuffles read, which take them one by one; for a picture's 3 that is a quarter of an encoder's first convolution.
 */
export function storedChannels(stages: readonly Stage[], map: number, channels: number): number {
  const isReadSingly = (stage: Stage) =>
    stage.kind === 'pixelUnshuffle' ||
    (stage.kind === 'conv' &&
      stage.conv.kernel === 3 &&
      !isWinograd(stage.conv) &&
      !stage.upsample &&
      stage.conv.cout % TILE_COUT === 0);
  const readers = stages.filter((stage) => stage.input === map);
  return map === 0 && readers.every(isReadSingly) ? channels : paddedChannels(channels);
}

/** Of the convolutions after an upsampling, those whose kernel does both. */
const isFusible = (layer: Layer | undefined): layer is Conv =>
  layer?.kind === 'conv' && layer.stride === 1 && isWinograd(layer);

/** Fuses a ReLU into the convolution before it and an upsampling into the one after it. */
export function planNetwork(network: Network): Plan {
  const stages: Stage[] = [];
  /** The map that the next layer reads. */
  let current = 0;
  const push = (stage: AnyStage, input = current): number => {
    const output = stages.length + 1;
    stages.push({ ...stage, input, output });
    return output;
  };
  const pushConv = (
    conv: Conv,
    layer: number,
    name: string,
    { upsample = false, add = undefined as number | undefined, relu = false } = {},
    input = current,
  ) => push({ kind: 'conv', conv, layer, name, upsample, add, relu }, input);

  for (let index = 0; index < network.length; index++) {
    const layer = network[index];
    const next = network[index + 1];
    if (layer.kind === 'block') {
      current = planBlock(layer, index, current, pushConv);
    } else if (layer.kind === 'conv') {
      const relu = next?.kind === 'relu';
      current = pushConv(layer, index, '', { relu });
      if (relu) index++;
    } else if (layer.kind === 'upsample2x' && isFusible(next)) {
      const relu = network[index + 2]?.kind === 'relu';
      current = pushConv(next, index + 1, '', { upsample: true, relu });
      index += relu ? 2 : 1;
    } else if (layer.kind === 'upsample2x') {
      current = push({ kind: 'upsample2x' });
    } else if (layer.kind === 'pixelShuffle' || layer.kind === 'pixelUnshuffle') {
      current = push(layer);
    } else {
      current = push(layer);
    }
  }
  return { stages, shapes: (input) => shapesOf(stages, input) };
}

function shapesOf(stages: readonly Stage[], input: Chw): Chw[] {
  const shapes: Chw[] = [input];
  for (const stage of stages) {
    let shape = shapes[stage.input];
    if (stage.kind === 'upsample2x' || (stage.kind === 'conv' && stage.upsample)) {
      shape = outputShape({ kind: 'upsample2x' }, shape);
    }
    if (stage.kind === 'conv') shape = outputShape(stage.conv, shape);
    if (stage.kind === 'pixelShuffle' || stage.kind === 'pixelUnshuffle') {
      shape = outputShape(stage, shape);
    }
    shapes.push(shape);
  }
  return shapes;
}

/** A Winograd stage makes two rows of tiles at once where a row has so many tiles, and one elsewhere. */
const PAIRED_TILES = { least: 32, most: 64 };

/**
 * The rows that a stage makes in one go, from row `y` on.
 *
 * A Winograd stage makes whole rows of tiles, on maps of middling width two: its transformed weights, 590 kB, come from
 * the third-level cache each time that it is the stage's turn, which costs 10 % of a 512×512 decode with one row
 * everywhere. With two on the narrowest maps too, or more, the rings take more memory than that is worth.
 */
export function bandFrom(stage: Stage, y: number, [, height, width]: Chw): Span {
  const rows = bandRows(stage, width);
  return { first: y, end: Math.min((Math.floor(y / rows) + 1) * rows, height) };
}

/** Rows of a whole band; bands begin at multiples of it. */
export function bandRows(stage: Stage, width: number): number {
  const rows = leastRows(stage);
  if (stage.kind !== 'conv' || !isWinograd(stage.conv) || stage.conv.stride === 2) return rows;
  const tiles = Math.ceil(width / TILE);
  return tiles >= PAIRED_TILES.least && tiles <= PAIRED_TILES.most ? 2 * rows : rows;
}

/** Rows that a stage cannot but make together: of those, all input must be there. They begin at multiples of it. */
export function leastRows(stage: Stage): number {
  if (stage.kind === 'upsample2x') return 2;
  if (stage.kind === 'pixelShuffle') return stage.factor;
  return stage.kind === 'conv' && isWinograd(stage.conv) ? TILE : 1;
}

function upsamplingOf(stage: Stage): number {
  if (stage.kind === 'pixelShuffle') return stage.factor;
  return stage.kind === 'upsample2x' || (stage.kind === 'conv' && stage.upsample) ? 2 : 1;
}

/** The rows of its input that a stage needs for rows `span` of its output, rows outside the picture left out. */
export function inputRows(stage: Stage, span: Span, inputHeight: number): Span {
  let { first, end } = span;
  if (stage.kind === 'conv') {
    const { kernel, stride } = stage.conv;
    const radius = (kernel - 1) / 2;
    first = first * stride - radius;
    end = (end - 1) * stride + radius + 1;
  }
  if (stage.kind === 'pixelUnshuffle') {
    first *= stage.factor;
    end *= stage.factor;
  }
  const upsampling = upsamplingOf(stage);
  first = Math.floor(first / upsampling);
  end = Math.floor((end - 1) / upsampling) + 1;
  return { first: Math.max(first, 0), end: Math.min(end, inputHeight) };
}

/** Multiply-adds in one row of a stage's output, as a direct convolution would do them. */
export const rowWork = (stage: Stage, width: number): number =>
  stage.kind === 'conv' ? countMultiplyAdds({ ...stage.conv, stride: 1 }, [0, 1, width]) : 0;
