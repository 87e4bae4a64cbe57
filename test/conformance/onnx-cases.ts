import type { BoundLayer } from '../../src/model/bind.ts';
import { clamp, type Layer, relu, upsample2x } from '../../src/model/layers.ts';
import { shapeText, type Tensor } from '../../src/tensor.ts';
import type { LaterOperators } from './place.ts';

/*
 * ONNX's own cases for the operators that the networks are made of, as calls of ours.
 */

export interface OnnxCase {
  readonly op: string;
  readonly attributes: {
    readonly pads?: readonly number[];
    readonly strides?: readonly number[];
    readonly auto_pad?: string;
  };
  readonly inputs: readonly Tensor[];
}

/** A case as calls of our operators, or the reason why they do not offer what it asks for. */
type Run = (operators: LaterOperators, inputs: readonly Tensor[]) => Promise<Tensor>;

export function planOnnxCase({ op, attributes, inputs }: OnnxCase): Run | string {
  switch (op) {
    case 'Add':
      if (shapeText(inputs[0].shape) !== shapeText(inputs[1].shape)) {
        return 'a residual add has two inputs of one shape';
      }
      return async ({ add }, [a, b]) => reshaped(await add(to4d(a), to4d(b)), a.shape);
    case 'Relu':
      return async ({ layer }, [x]) => reshaped(await layer(bare(relu()), to4d(x)), x.shape);
    case 'Tanh':
      return async ({ layer }, [x]) => reshaped(await layer(bare(clamp(1)), to4d(x)), x.shape);
    case 'Resize': {
      const scales = [...inputs[1].data];
      if (scales.join() !== '1,1,2,2') return `upsampling is by 2 and 2 alone, not ${scales}`;
      return ({ layer }, [x]) => layer(bare(upsample2x()), x);
    }
    case 'Conv':
      return planConv(attributes);
    case 'Clip':
    case 'Identity':
      return 'the network clamps softly (tanh); hard clamping belongs to pictures (image.ts)';
    case 'GroupNormalization':
      return 'no layer of these variants normalises';
    default:
      return `unknown operator ${op}`;
  }
}

function planConv({
  pads = [0, 0, 0, 0],
  strides = [1, 1],
  auto_pad,
}: OnnxCase['attributes']): Run | string {
  const stride = strides[0] as 1 | 2;
  const padding = auto_pad === undefined ? pads.join() : '1,1,1,1'; // symmetric at its size
  if (padding === '1,1,1,1') return ({ layer }, [x, w]) => layer(convOf(w, stride), x);
  if (padding === '0,0,0,0' && stride === 1) {
    // Without padding the result is the inner part of the result with it.
    return async ({ layer }, [x, w]) => inner(await layer(convOf(w, 1), x));
  }
  return `padding is 1 on every side, not [${padding}]`;
}

/** Returns a layer without weights. */
const bare = (layer: Layer): BoundLayer => ({ layer, weights: new Map() });

/** Returns a convolution by weights [cout, cin, kernel, kernel]. */
function convOf(weight: Tensor, stride: 1 | 2): BoundLayer {
  const [cout, cin, size] = weight.shape;
  const kernel = size === 1 ? 1 : 3;
  const layer = { kind: 'conv', cin, cout, kernel, stride, bias: false } as const;
  return { layer, weights: new Map([['weight', weight]]) };
}

const to4d = ({ shape, data }: Tensor): Tensor => ({
  shape: [...Array(4 - shape.length).fill(1), ...shape],
  data,
});
const reshaped = ({ data }: Tensor, shape: readonly number[]): Tensor => ({ shape, data });

function inner({ shape: [, , height, width], data }: Tensor): Tensor {
  const kept = data.filter((_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return y > 0 && y < height - 1 && x > 0 && x < width - 1;
  });
  return { shape: [1, 1, height - 2, width - 2], data: kept };
}
