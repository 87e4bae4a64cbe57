import {
  type Block,
  type Conv,
  type FrameConv,
  frameOps,
  type GroupNorm,
  isFramed,
  type Layer,
  type MemBlock,
  type Network,
  type PoolOps,
  pixelShuffle,
  poolOps,
  relu,
  upsample2x,
} from '../model/layers.ts';
import { type Chw, convolutionsOf, outputShape } from '../model/measure.ts';

/*
 * From a list of layers to a chain of stages, for every backend that fuses layers: a ReLU, a skip
 * connection and an upsampling become part of a convolution, and so does a pixel shuffle if the
 * backend can do that. Each frame of a video is a map of its own.
 */

/** A convolution and what is fused into it. */
export interface ConvStage {
  readonly kind: 'conv';
  readonly conv: Conv;
  /** The number of the layer that holds the weights. */
  readonly layer: number;
  /** The name of the weights in that layer: `conv.0` in a block, `''` in a convolution. */
  readonly name: string;
  /** True if it is computed by Winograd's tiles: it makes whole rows of tiles. */
  readonly winograd: boolean;
  /** Rows and columns of a tile's outputs; 1 without Winograd. */
  readonly tile: 1 | 4 | 6;
  /** True if it works on the nearest upsampling of its input. The upsampled map is never stored. */
  readonly upsample: boolean;
  /** The map added to its output. */
  readonly add: number | undefined;
  /** True if a ReLU follows. */
  readonly relu: boolean;
  /** The factor of the pixel shuffle that its output is written through; 1 if there is none. */
  readonly shuffle: number;
  /** The normalisation that is folded into its weights for each map it reads. */
  readonly norm: GroupNorm | undefined;
}

/** A layer that no convolution takes over. */
export type LayerStage = Exclude<
  Layer,
  { kind: 'conv' | 'block' | 'memBlock' | 'frameConv' | 'groupNorm' }
>;

/**
 * One link of the chain: it reads map `input` and makes map `output`. Map 0 is the network's input.
 */
export type Stage = (ConvStage | LayerStage) & {
  readonly input: number;
  readonly output: number;
};

/** How a backend's plans differ from those of others. */
export interface PlanRules {
  /** Returns true for a convolution that the backend computes by Winograd's tiles. */
  winograd(conv: Conv): boolean;
  /**
   * Returns the rows, and columns, of the outputs of a Winograd convolution's tiles.
   *
   * @param part  the height of its output, as a part of the tallest map's
   */
  tile(conv: Conv, part: number): 4 | 6;
  /** Returns true for a convolution that can read the upsampling of its input. */
  upsamples(conv: Conv): boolean;
  /** True if a convolution can write its output through a pixel shuffle. */
  readonly shuffles: boolean;
  /**
   * True if a stage stores every row it makes, so that the maps it adds must have all of those.
   * False if it drops rows that no stage asked for.
   */
  readonly storesWholeTiles: boolean;
}

/** The chain. Map n is made by stage n − 1. */
export interface Plan {
  readonly stages: readonly Stage[];
  readonly rules: PlanRules;
  /** Returns [channels, height, width] of each map for an input of that shape. */
  shapes(input: Chw): readonly Chw[];
}

/**
 * Plans a network by a backend's rules. Its input and its output are single frames: no network
 * begins with a layer that reads two frames, or ends with one that makes two.
 *
 * @param tallest  the height of the tallest map of the half that the network is a part of, as a
 *   multiple of the network's input. With it, parts have the tiles of the whole
 */
export function planNetwork(network: Network, rules: PlanRules, tallest = 1): Plan {
  const stages: Stage[] = [];
  const push = (stage: ConvStage | LayerStage, input: number): number => {
    const output = stages.length + 1;
    stages.push({ ...stage, input, output });
    return output;
  };
  const pushConv: PushConv = ({ conv, name }, layer, input, fused) => {
    const plain = { upsample: false, add: undefined, relu: false, shuffle: 1, norm: undefined };
    // Winograd's kernels add no map with stride 2.
    const winograd = rules.winograd(conv) && (conv.stride === 1 || fused.add === undefined);
    const stage = { conv, layer, name, winograd, tile: 1 as const, ...plain, ...fused };
    return push({ kind: 'conv', ...stage }, input);
  };

  /** The map that the next layer reads. */
  let current = 0;
  /** The maps of the frames, if the layer before made two. */
  let frames: readonly number[] = [];
  for (let index = 0; index < network.length; index++) {
    let layer = network[index];
    const next = network[index + 1];
    const conv = next?.kind === 'frameConv' ? next.conv : next;
    const upsample = layer.kind === 'upsample2x' && conv?.kind === 'conv' && rules.upsamples(conv);
    if (upsample) layer = network[++index];
    if (isFramed(layer)) {
      const read = layer.from === 1 ? [current] : frames;
      frames = pushFrames(layer, read, push, (convolution, input, fused) =>
        pushConv(convolution, index, input, { ...fused, upsample }),
      );
      current = frames[0];
    } else if (layer.kind === 'block') {
      current = pushBlock(layer, index, current, pushConv);
    } else if (layer.kind === 'conv') {
      const number = index;
      const relu = network[index + 1]?.kind === 'relu';
      if (relu) index++;
      const after = network[index + 1];
      const shuffle = rules.shuffles && after?.kind === 'pixelShuffle' ? after.factor : 1;
      if (shuffle > 1) index++;
      current = pushConv({ conv: layer, name: '' }, number, current, { upsample, relu, shuffle });
    } else {
      current = push(layer as LayerStage, current);
    }
  }
  return {
    stages: tiled(stages, rules, tallest),
    rules,
    shapes: (input) => shapesOf(stages, input),
  };
}

/** Returns the shapes of all maps, the input's first. */
function shapesOf(stages: readonly Stage[], input: Chw): readonly Chw[] {
  const shapes = [input];
  for (const stage of stages) shapes.push(shapeAfter(stage, shapes[stage.input]));
  return shapes;
}

/** A size at which the heights of a network's maps are compared. */
export const NOMINAL = 64;

/**
 * Gives each Winograd convolution its tile.
 *
 * @param above  the `tallest` of `planNetwork`
 */
function tiled(stages: readonly Stage[], rules: PlanRules, above: number): readonly Stage[] {
  const heights = shapesOf(stages, [1, NOMINAL, NOMINAL]).map(([, height]) => height);
  const tallest = Math.max(...heights, above * NOMINAL);
  return stages.map((stage) =>
    stage.kind === 'conv' && stage.winograd
      ? { ...stage, tile: rules.tile(stage.conv, heights[stage.output] / tallest) }
      : stage,
  );
}

/** Adds a convolution to the chain. @returns the map it makes */
type PushConv = (
  convolution: { readonly conv: Conv; readonly name: string },
  layer: number,
  input: number,
  fused: Partial<ConvStage>,
) => number;

/**
 * Adds three convolutions, the last of which adds the skip connection; a fourth if that has
 * weights. Those of a pool come before them, and the second of them adds its input.
 */
function pushBlock(block: Block, layer: number, input: number, pushConv: PushConv): number {
  const pool = convolutionsOf(block).filter(({ name }) => name.startsWith('pool'));
  const [first, second, third, skip] = convolutionsOf(block).slice(pool.length);
  let x = input;
  if (block.pool) {
    const [widen, narrow] = pool;
    const [, { layer: norm }] = poolOps(block) as PoolOps;
    const widened = pushConv(widen, layer, input, { relu: true, norm });
    x = pushConv(narrow, layer, widened, { add: input });
  }
  const a = pushConv(first, layer, x, { relu: true });
  const b = pushConv(second, layer, a, { relu: true });
  const add = skip === undefined ? x : pushConv(skip, layer, x, {});
  return pushConv(third, layer, b, { add, relu: true });
}

/**
 * Adds the operations of a layer on frames.
 *
 * @param maps  those of the frames that it reads
 * @returns those of the frames that it makes
 */
function pushFrames(
  layer: MemBlock | FrameConv,
  maps: readonly number[],
  push: (stage: LayerStage, input: number) => number,
  pushConv: (
    convolution: { readonly conv: Conv; readonly name: string },
    input: number,
    fused: Partial<ConvStage>,
  ) => number,
): number[] {
  const { ops, outputs } = frameOps(layer);
  const values = [...maps];
  for (const { conv, name, input, add, relu: isBent } of ops) {
    const from = values[input];
    const fused = { add: add === undefined ? undefined : values[add], relu: isBent };
    values.push(conv ? pushConv({ conv, name }, from, fused) : push(relu(), from));
  }
  return outputs.map((value) => values[value]);
}

function shapeAfter(stage: Stage, input: Chw): Chw {
  if (stage.kind !== 'conv') return outputShape(stage, input);
  const { conv, upsample, shuffle } = stage;
  const made = outputShape(conv, upsample ? outputShape(upsample2x(), input) : input);
  return shuffle === 1 ? made : outputShape(pixelShuffle(shuffle), made);
}

/**
 * Returns the maps that must be finished before anything is made of them: those that stages with a
 * normalisation read. Such a stage is the first of its block, so later stages read no earlier map.
 */
export const barriersOf = ({ stages }: Pick<Plan, 'stages'>): number[] =>
  stages.flatMap((stage) =>
    stage.kind === 'conv' && stage.norm !== undefined ? [stage.input] : [],
  );
