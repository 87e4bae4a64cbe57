import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import type { Conv, Layer } from '../model/layers.ts';
import type { Add, Arithmetic, Position, Product } from '../options/step.ts';
import { shapeText, type Tensor } from '../tensor.ts';

/** The position of one number of an input, and its weight. */
type Term = Position & { readonly input: number; readonly weight: number };

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
  const terms = termsOf(layer, weights, position);
  const products = terms.map((term): Product => {
    const value = valueAt(inputs[term.input], term);
    return { ...term, value, product: value * term.weight };
  });
  const sum = products.reduce((total, { product }) => total + product, 0);
  const bias = weights.get('bias')?.data[position.channel] ?? 0;
  const value = applied(layer, sum + bias);
  return { products, sum, bias, value, kernelValue: valueAt(output, position) };
}

function termsOf(
  layer: Layer | Add,
  weights: ReadonlyMap<string, Tensor>,
  position: Position,
): Term[] {
  const { channel, y, x } = position;
  const one = { input: 0, weight: 1 };
  switch (layer.kind) {
    case 'conv':
      return convTerms(layer, weights.get('weight') as Tensor, position);
    case 'relu':
    case 'clamp':
      return [{ ...one, channel, y, x }];
    case 'add':
      return [0, 1].map((input) => ({ input, weight: 1, channel, y, x }));
    case 'upsample2x':
      return [{ ...one, channel, y: y >> 1, x: x >> 1 }];
    case 'pixelShuffle': {
      const { factor } = layer;
      const source = (channel * factor + (y % factor)) * factor + (x % factor);
      return [{ ...one, channel: source, y: Math.floor(y / factor), x: Math.floor(x / factor) }];
    }
    case 'pixelUnshuffle': {
      const { factor } = layer;
      const pixel = channel % factor ** 2;
      return [
        {
          ...one,
          channel: Math.floor(channel / factor ** 2),
          y: y * factor + Math.floor(pixel / factor),
          x: x * factor + (pixel % factor),
        },
      ];
    }
    case 'block': {
      const hint = 'inner() opens it';
      throw expected('ARG', 'step', 'one operation', 'a block of several', { hint });
    }
  }
}

/** Returns the kernel's whole window in all channels, positions outside the map included. */
function convTerms(conv: Conv, weight: Tensor, { channel, y, x }: Position): Term[] {
  const { cin, kernel, stride } = conv;
  const radius = (kernel - 1) / 2;
  const terms: Term[] = [];
  let at = channel * cin * kernel * kernel;
  for (let i = 0; i < cin; i++) {
    for (let ky = 0; ky < kernel; ky++) {
      for (let kx = 0; kx < kernel; kx++) {
        terms.push({
          input: 0,
          channel: i,
          y: y * stride + ky - radius,
          x: x * stride + kx - radius,
          weight: weight.data[at++],
        });
      }
    }
  }
  return terms;
}

function applied(layer: Layer | Add, value: number): number {
  if (layer.kind === 'relu') return Math.max(value, 0);
  if (layer.kind === 'clamp') return Math.tanh(value / layer.magnitude) * layer.magnitude;
  return value;
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
