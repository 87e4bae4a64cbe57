import { type Block, blockOps, blockSkip, type Conv } from '../model/layers.ts';

/*
 * What backends that run a network as a chain of convolutions fuse alike.
 */

/** A convolution and what is fused into it. */
export interface FusedConv {
  readonly kind: 'conv';
  readonly conv: Conv;
  /** Where the weights are: the layer's number and their place in it (`conv.0`, `''`). */
  readonly layer: number;
  readonly name: string;
  /** It works on the nearest upsampling of its input, which is never stored. */
  readonly upsample: boolean;
  /** The map that is added to its output. */
  readonly add: number | undefined;
  readonly relu: boolean;
}

/** Adds a convolution to a chain. @returns the map that it makes */
export type PushConv = (
  conv: Conv,
  layer: number,
  name: string,
  fused: Partial<Pick<FusedConv, 'add' | 'relu'>>,
  input: number,
) => number;

/** Three convolutions, the last of which adds the skip connection; a fourth where that is no identity. */
export function planBlock(block: Block, index: number, input: number, pushConv: PushConv): number {
  const [first, second, third] = blockOps(block).filter((step) => step.kind === 'conv');
  const a = pushConv(first.conv, index, first.name, { relu: true }, input);
  const b = pushConv(second.conv, index, second.name, { relu: true }, a);
  const widen = blockSkip(block);
  const add = widen === undefined ? input : pushConv(widen, index, 'skip', {}, input);
  return pushConv(third.conv, index, third.name, { add, relu: true }, b);
}
