import { momentsOf } from '../backend/reference.ts';
import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { kindOf, type Position, type Term } from '../model/kinds.ts';
import type { GroupNorm, Layer } from '../model/layers.ts';
import type { Add, Arithmetic, Product } from '../options/step.ts';
import { shapeText, type Tensor } from '../tensor.ts';

/** A term, and the number of the input it is from. */
type InputTerm = Term & { readonly input: number };

/**
 * Computes one number of an output in float64 from inputs and weights. Products are in the order of
 * the formula.
 *
 * @throws TaesdError ARG (the position is not inside the output, the layer is a block)
 */
export function arithmeticOf(
  layer: Layer | Add,
  inputs: readonly Tensor[],
  weights: ReadonlyMap<string, Tensor>,
  output: Tensor,
  position: Position,
): Arithmetic {
  checkPosition(output.shape, position);
  if (layer.kind === 'groupNorm') {
    return normalisation(layer, inputs[0], weights, {
      ...position,
      kernelValue: valueAt(output, position),
    });
  }
  const terms = termsOf(layer, weights, position);
  const products = terms.map((term): Product => {
    const value = valueAt(inputs[term.input], term);
    return { ...term, value, product: value * term.weight };
  });
  const sum = products.reduce((total, { product }) => total + product, 0);
  const bias = weights.get('bias')?.data[position.channel] ?? 0;
  const value = layer.kind === 'add' ? sum : kindOf(layer).value(layer, sum + bias);
  return { products, sum, bias, value, kernelValue: valueAt(output, position) };
}

/**
 * Returns the arithmetic of one normalised number: one product and a bias. Both hold the mean and
 * the variance of the number's group over the whole map.
 */
function normalisation(
  { groups, channels, epsilon }: GroupNorm,
  input: Tensor,
  weights: ReadonlyMap<string, Tensor>,
  { kernelValue, ...position }: Position & { readonly kernelValue: number },
): Arithmetic {
  const { channel, y, x } = position;
  const count = input.data.length / groups;
  const group = Math.floor(channel / (channels / groups));
  const { mean, variance } = momentsOf(input.data.subarray(group * count, (group + 1) * count));
  const [scale, shift] = ['weight', 'bias'].map(
    (name) => (weights.get(name) as Tensor).data[channel],
  );
  const weight = scale / Math.sqrt(variance + epsilon);
  const value = valueAt(input, position);
  const sum = value * weight;
  const bias = shift - mean * weight;
  const product = { input: 0, channel, y, x, weight, value, product: sum };
  return { products: [product], sum, bias, value: sum + bias, kernelValue };
}

function termsOf(
  layer: Layer | Add,
  weights: ReadonlyMap<string, Tensor>,
  position: Position,
): readonly InputTerm[] {
  const { channel, y, x } = position;
  if (layer.kind === 'add') return [0, 1].map((input) => ({ input, weight: 1, channel, y, x }));
  const { terms } = kindOf(layer);
  if (terms === undefined) {
    const hint = 'inner() opens it';
    throw expected('ARG', 'step', 'one operation', 'a block of several', { hint });
  }
  return terms(layer, { channel, y, x }, weights).map((term) => ({ ...term, input: 0 }));
}

/** Returns the number at a position of a tensor [1, C, H, W], and 0 outside of it. */
function valueAt({ shape, data }: Tensor, { channel, y, x }: Position): number {
  const [, , height, width] = shape;
  if (y < 0 || y >= height || x < 0 || x >= width) return 0;
  return data[(channel * height + y) * width + x];
}

function checkPosition(shape: readonly number[], position: Position): void {
  const { channel, y, x } = (position ?? {}) as Partial<Position>;
  const isInside = [channel, y, x].every(
    (value, axis) => Number.isInteger(value) && value! >= 0 && value! < shape[axis + 1],
  );
  if (isInside) return;
  const rule = `whole numbers { channel, y, x } inside ${shapeText(shape)}`;
  const got = `{ channel: ${describe(channel)}, y: ${describe(y)}, x: ${describe(x)} }`;
  throw expected('ARG', 'position', rule, got);
}
