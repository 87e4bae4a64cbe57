import { block, type Half, isFramed, type Layer } from './layers.ts';
import { type WeightShapes, weightShapes } from './measure.ts';
import type { Variant } from './variants.ts';

/*
 * The layers of a file of weights, which are those that are computed except in a model of videos:
 * see taew.ts.
 */

/**
 * The weights [cout, cin] of a TPool or TGrow, by the number of the computed layer that it is part
 * of.
 */
const IN_FRAMES: Readonly<Record<Half, Readonly<Record<number, readonly [number, number]>>>> = {
  encoder: { 2: [64, 128], 6: [64, 128], 10: [64, 64] },
  decoder: { 7: [256, 256], 12: [256, 128], 17: [128, 64] },
};

/** Returns the shapes of the tensors of each layer in the file that a computed layer is made of. */
export function storedLayers(variant: Variant, half: Half): readonly WeightShapes[][] {
  const { isOfVideos, networks } = variant;
  return networks[half].map((layer, index) =>
    isOfVideos ? inVideo(layer, IN_FRAMES[half][index]) : [weightShapes(layer)],
  );
}

/** Returns the shapes of all tensors of layers by their names in a file: `3.conv.0.bias`. */
export const namedShapes = (
  layers: readonly WeightShapes[],
): (readonly [name: string, shape: readonly number[]])[] =>
  layers.flatMap((shapes, index) =>
    [...shapes].map(([inner, shape]) => [`${index}.${inner}`, shape] as const),
  );

/** Returns the shapes of the tensors of each layer in a model's file. */
export const storedShapes = (variant: Variant, half: Half): readonly WeightShapes[] =>
  storedLayers(variant, half).flat();

function inVideo(layer: Layer, inFrames: readonly number[] | undefined): WeightShapes[] {
  if (inFrames !== undefined) {
    const conv = layer.kind === 'frameConv' ? layer.conv : layer;
    return [new Map([['conv.weight', [...inFrames, 1, 1]]]), weightShapes(conv)];
  }
  if (layer.kind !== 'block' && !isFramed(layer)) return [weightShapes(layer)];
  // A MemBlock, whose first convolution is one of [x, past].
  const channels = layer.kind === 'memBlock' ? layer.channels : (layer as { cin: number }).cin;
  const shapes = new Map(weightShapes(block(channels)));
  return [shapes.set('conv.0.weight', [channels, 2 * channels, 3, 3])];
}
