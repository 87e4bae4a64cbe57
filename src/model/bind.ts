import { expected, expectedText, TaesdError } from '../errors.ts';
import { nonFiniteText, shapeText, type Tensor } from '../tensor.ts';
import type { Layer, Network } from './layers.ts';
import { type WeightShapes, weightShapes } from './measure.ts';

/** A layer and its tensors by their names inside the layer: `weight`, `conv.0.bias`. */
export interface BoundLayer {
  readonly layer: Layer;
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** A network whose layers have all their tensors in the right shapes. */
export type BoundNetwork = readonly BoundLayer[];

/** Returns the tensors of an operation inside a layer, `conv.0.weight`, as `weight` and `bias`. */
export function weightsInside(
  weights: BoundLayer['weights'],
  operation: string,
): Map<string, Tensor> {
  const own = new Map<string, Tensor>();
  for (const name of ['weight', 'bias']) {
    const tensor = weights.get(`${operation}.${name}`);
    if (tensor !== undefined) own.set(name, tensor);
  }
  return own;
}

/** The maximum number of faults that an error lists. It only counts the others. */
const MAX_LISTED = 8;

/**
 * Gives each layer its tensors; see `layerWeights`.
 *
 * @throws TaesdError SHAPE, NONFINITE
 */
export function bindNetwork(
  what: string,
  network: Network,
  tensors: ReadonlyMap<string, Tensor>,
  hintFor?: HintFor,
): BoundNetwork {
  const weights = layerWeights(what, network.map(weightShapes), tensors, hintFor);
  return network.map((layer, index) => ({ layer, weights: weights[index] }));
}

/** Returns the likely cause of a tensor's wrong shape, if known. */
type HintFor = (name: string, shape: readonly number[]) => string | undefined;

/**
 * Sorts tensors by layers, and checks that each layer has all of its tensors.
 *
 * @param what     the network's name in messages: `encoder` or `decoder`
 * @param layers   the shapes of each layer's tensors
 * @param tensors  the tensors by taesd.py's names: `1.weight`, `3.conv.0.bias`
 * @throws TaesdError SHAPE (tensors are missing, of the wrong shape or too many; it lists them),
 *   NONFINITE (a weight is NaN or infinite)
 */
export function layerWeights(
  what: string,
  layers: readonly WeightShapes[],
  tensors: ReadonlyMap<string, Tensor>,
  hintFor: HintFor = () => undefined,
): BoundLayer['weights'][] {
  const faults: string[] = [];
  const unused = new Set(tensors.keys());
  const sorted = layers.map((shapes, index) => {
    const weights = new Map<string, Tensor>();
    for (const [inner, shape] of shapes) {
      const name = `${index}.${inner}`;
      const tensor = tensors.get(name);
      unused.delete(name);
      const rule = `shape ${shapeText(shape)}`;
      if (tensor === undefined) {
        faults.push(expectedText(`${what} ${name}`, rule, 'no such tensor'));
      } else if (shapeText(tensor.shape) !== shapeText(shape)) {
        const hint = hintFor(name, tensor.shape);
        faults.push(expectedText(`${what} ${name}`, rule, shapeText(tensor.shape), hint));
      } else {
        weights.set(inner, tensor);
      }
    }
    return weights;
  });
  for (const name of unused) {
    const got = `shape ${shapeText(tensors.get(name)?.shape ?? [])}`;
    faults.push(expectedText(`${what} ${name}`, 'no such tensor', got));
  }
  if (faults.length > 0) {
    const more = faults.length > MAX_LISTED ? `; and ${faults.length - MAX_LISTED} more` : '';
    throw new TaesdError('SHAPE', `${faults.slice(0, MAX_LISTED).join('; ')}${more}`);
  }
  for (const [name, { data }] of tensors) {
    const got = nonFiniteText(data);
    if (got !== undefined) {
      const hint = 'a damaged file?';
      throw expected('NONFINITE', `${what} ${name}`, 'finite numbers', got, { hint });
    }
  }
  return sorted;
}
