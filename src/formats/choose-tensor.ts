import { expected, type Remedy, type TaesdError } from '../errors.ts';
import { channelCounts } from '../model/variants.ts';
import { isFloatType } from '../numbers/stored.ts';
import { showName, showNames } from '../safetensors/show-name.ts';
import { shapeText } from '../tensor.ts';
import { latentShape } from './latent-shape.ts';

/** A tensor of a file before its numbers are read. */
export interface Candidate {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/**
 * Chooses the tensor that holds the latents: the one named, or the only one whose type and shape
 * latents may have.
 *
 * @throws TaesdError SHAPE (no such tensor, none that fits, several that fit)
 */
export function chooseTensor<T extends Candidate>(
  tensors: readonly T[],
  named: string | undefined,
): T {
  if (named !== undefined) return tensorNamed(tensors, named);
  const fitting = tensors.filter(
    ({ name, dtype, shape }) =>
      !isWeight(name) && isFloatType(dtype) && latentShape(shape) !== undefined,
  );
  if (fitting.length === 1) return fitting[0];
  throw fitting.length === 0 ? noLatents(tensors) : severalTensors(fitting);
}

/** Returns true for the name of weights. Those of a convolution may have a latent's channels. */
const isWeight = (name: string): boolean => /(?:^|\.)(?:weight|bias)$/.test(name);

function tensorNamed<T extends Candidate>(tensors: readonly T[], named: string): T {
  const [found, ...others] = tensors.filter(({ name }) => name === named);
  if (others.length > 0) {
    const rule = 'the name of one tensor';
    throw expected('SHAPE', 'tensor', rule, `that of ${others.length + 1}`);
  }
  if (found !== undefined) return found;
  const got = `"${showName(named)}"`;
  if (tensors.length === 0) throw expected('SHAPE', 'tensor', 'a tensor in the file', 'none');
  if (tensors.length === 1 && tensors[0].name === '') throw withoutName(got);
  const names = showNames(tensors.map(({ name }) => name));
  const rule = tensors.length === 1 ? `"${names}", the only one` : `one of ${names}`;
  throw expected('SHAPE', 'tensor', rule, got);
}

const withoutName = (got: string): TaesdError =>
  expected('SHAPE', 'tensor', 'no name, because the file holds one tensor without a name', got);

/** Refuses the option `tensor` for files that hold one tensor. @throws TaesdError SHAPE */
export function refuseName(named: string | undefined): void {
  if (named !== undefined) throw withoutName(`"${showName(named)}"`);
}

/** The remedy for a file that seems to hold weights in place of latents. */
export const IS_WEIGHTS: Remedy = {
  api: 'weights of a model? the option weights takes those',
  command: 'weights of a model? --weights takes their folder',
};

/** The remedy for a file with several tensors that may be latents. */
export const CHOOSE_TENSOR: Remedy = {
  api: "tensor: 'NAME' chooses one",
  command: '--tensor NAME chooses one',
};

function noLatents(tensors: readonly Candidate[]): TaesdError {
  const shown = tensors.slice(0, 3).map(({ name, dtype, shape }) => {
    const type = `${dtype} ${shapeText(shape)}`;
    return name === '' ? type : `"${showName(name)}" ${type}`;
  });
  const more = tensors.length > 3 ? ` and ${tensors.length - 3} more` : '';
  const isWeights = tensors.some(({ name }) => isWeight(name));
  const rule = `a float tensor [N,C,h,w] with ${channelCounts()} channels`;
  const details = isWeights ? { remedy: IS_WEIGHTS } : { hint: 'not a file of latents?' };
  throw expected('SHAPE', 'tensors', rule, `${shown.join(', ') || 'none'}${more}`, details);
}

function severalTensors(fitting: readonly Candidate[]): TaesdError {
  const names = showNames(fitting.map(({ name }) => name));
  const rule = 'a single tensor of latents';
  return expected('SHAPE', 'tensors', rule, names, { remedy: CHOOSE_TENSOR });
}
