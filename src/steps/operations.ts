import { type BoundLayer, weightsInside } from '../model/bind.ts';
import { kindOf } from '../model/kinds.ts';
import {
  type Block,
  blockOps,
  blockSkip,
  type FrameConv,
  frameOps,
  type Layer,
  type MemBlock,
  poolOps,
} from '../model/layers.ts';
import type { Add } from '../options/step.ts';
import type { Tensor } from '../tensor.ts';

/*
 * Layers and the operations inside them, with the names of taesd.py.
 */

/** A layer, or one operation inside a block, before it runs. */
export interface Operation {
  readonly index: number;
  readonly name: string;
  readonly layer: Layer | Add;
  readonly weights: ReadonlyMap<string, Tensor>;
  /** The indices of the values it reads. Value 0 is the input; operation n makes value n + 1. */
  readonly reads: readonly number[];
}

/**
 * Returns the operations of a block in order: `fuse(conv(x) + skip(x))`, and before them
 * `x + pool(x)` if the block has a pool.
 */
export function blockOperations(
  name: string,
  block: Block,
  weights: BoundLayer['weights'],
): Operation[] {
  const operations: Operation[] = [];
  const push = (inner: string, layer: Layer | Add, reads: readonly number[]): number => {
    const index = operations.length;
    const own = weightsInside(weights, inner);
    operations.push({ index, name: `${name}.${inner}`, layer, weights: own, reads });
    return index + 1;
  };
  let pooled = 0;
  for (const { name: inner, layer } of poolOps(block)) pooled = push(inner, layer, [pooled]);
  if (block.pool) pooled = push(POOL_SUM, { kind: 'add' }, [0, pooled]);
  let x = pooled;
  for (const [index, op] of blockOps(block).entries()) {
    x = push(`conv.${index}`, op.kind === 'conv' ? op.conv : op, [x]);
  }
  const widen = blockSkip(block);
  const skip = widen === undefined ? pooled : push('skip', widen, [pooled]);
  push('fuse', { kind: 'relu' }, [push('add', { kind: 'add' }, [x, skip])]);
  return operations;
}

/** The name in a block of the sum that a pool is part of. */
const POOL_SUM = 'x+pool';

/**
 * Returns the operations of a layer on frames in order. Values 0 to `from` − 1 are the frames that
 * it reads. A name says the frame that the operation is for: `decoder.13.frame1.past`.
 */
export function frameOperations(
  name: string,
  layer: MemBlock | FrameConv,
  weights: BoundLayer['weights'],
): { readonly operations: readonly Operation[]; readonly outputs: readonly number[] } {
  const operations: Operation[] = [];
  const { ops, outputs } = frameOps(layer);
  /** The value that each value of `frameOps` is here. */
  const values = Array.from({ length: layer.from }, (_, frame) => frame);
  for (const { frame, name: inner, conv, input, add, relu } of ops) {
    const push = (what: string, made: Layer | Add, reads: readonly number[]): number => {
      const index = operations.length;
      const own = made.kind === 'conv' ? weightsInside(weights, inner) : new Map();
      if (made.kind === 'conv' && !made.bias) own.delete('bias');
      operations.push({
        index,
        name: `${name}.frame${frame}.${what}`,
        layer: made,
        weights: own,
        reads,
      });
      return layer.from + index;
    };
    let value = values[input];
    if (conv !== undefined) value = push(inner, conv, [value]);
    const isSkip = add !== undefined && add < layer.from;
    if (add !== undefined)
      value = push(isSkip ? 'add' : FRAME_SUM, { kind: 'add' }, [value, values[add]]);
    const after = conv === undefined ? inner : `${inner}.relu`;
    if (relu) value = push(isSkip ? 'fuse' : after, { kind: 'relu' }, [value]);
    values.push(value);
  }
  return { operations, outputs: outputs.map((value) => values[value]) };
}

/** The name of the sum of a frame's convolution and that of the frame before. */
const FRAME_SUM = 'x+past';

/** Returns the code of a layer or a sum in taesd.py. */
export function moduleText({ name, layer }: Pick<Operation, 'name' | 'layer'>): string {
  if (layer.kind !== 'add') return kindOf(layer).module(layer);
  if (name.endsWith(FRAME_SUM)) return 'conv(x) + conv(past)';
  return name.endsWith(POOL_SUM) ? 'x + pool(x)' : 'conv(x) + skip(x)';
}
