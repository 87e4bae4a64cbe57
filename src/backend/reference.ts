import { type BoundLayer, type BoundNetwork, weightsInside } from '../model/bind.ts';
import {
  type Block,
  blockOps,
  blockSkip,
  type FrameConv,
  frameOps,
  type GroupNorm,
  type MemBlock,
  poolOps,
} from '../model/layers.ts';
import { countMultiplyAdds } from '../model/measure.ts';
import { type RowSink, type RowSource, readAll, tensorRows } from '../rows.ts';
import { type Tensor, zeros } from '../tensor.ts';
import type { Backend, Program, Span } from './backend.ts';
import { framesOf, joinFrames } from './frames.ts';

/*
 * The networks in plain loops over whole tensors. The other backends are tested against them, and
 * each operator is defined here. Sums are kept in float64 and rounded once, so this backend is the
 * most exact.
 */

/** The operations of a backend, on whole tensors [N, C, H, W]. */
export interface Operators {
  /** Returns a layer's output. */
  layer(bound: BoundLayer, input: Tensor): Tensor;
  /** Returns a + b, of one shape. Blocks add their skip connection so. */
  add(a: Tensor, b: Tensor): Tensor;
}

/**
 * Convolution with a square kernel of 1 or 3 and zero padding (kernel − 1) / 2.
 *
 * Sums the products of all output channels of a pixel together, so that the innermost loop reads
 * weights in a row. This is 2.5 times as fast as one sum after the other, and each sum adds in the
 * same order.
 *
 * @param input   [N, cin, H, W]
 * @param weight  [cout, cin, kernel, kernel]
 * @param bias    [cout]
 * @returns [N, cout, ⌈H / stride⌉, ⌈W / stride⌉]
 */
function conv2d(input: Tensor, weight: Tensor, bias: Tensor | undefined, stride: 1 | 2): Tensor {
  const [batch, cin, height, width] = input.shape;
  const [cout, , kernel] = weight.shape;
  const padding = (kernel - 1) / 2;
  const outHeight = Math.ceil(height / stride);
  const outWidth = Math.ceil(width / stride);
  const out = zeros([batch, cout, outHeight, outWidth]);
  const taps = tapsByOutput(weight);
  const sums = new Float64Array(cout);
  for (let n = 0; n < batch; n++) {
    for (let y = 0; y < outHeight; y++) {
      for (let x = 0; x < outWidth; x++) {
        sums.fill(0);
        if (bias !== undefined) sums.set(bias.data);
        for (let i = 0; i < cin; i++) {
          for (let ky = 0; ky < kernel; ky++) {
            const row = y * stride + ky - padding;
            if (row < 0 || row >= height) continue; // padding: zeros add nothing
            for (let kx = 0; kx < kernel; kx++) {
              const column = x * stride + kx - padding;
              if (column < 0 || column >= width) continue;
              const pixel = input.data[((n * cin + i) * height + row) * width + column];
              const tap = ((i * kernel + ky) * kernel + kx) * cout;
              for (let o = 0; o < cout; o++) sums[o] += pixel * taps[tap + o];
            }
          }
        }
        for (let o = 0; o < cout; o++) {
          out.data[((n * cout + o) * outHeight + y) * outWidth + x] = sums[o];
        }
      }
    }
  }
  return out;
}

/** The weights [cout, cin, kernel, kernel] in the order [cin, kernel, kernel, cout], as float64. */
function tapsByOutput({ shape: [cout], data }: Tensor): Float64Array {
  const taps = new Float64Array(data.length);
  const perOutput = data.length / cout;
  for (let o = 0; o < cout; o++) {
    for (let tap = 0; tap < perOutput; tap++) taps[tap * cout + o] = data[o * perOutput + tap];
  }
  return taps;
}

/** max(x, 0) */
function relu({ shape, data }: Tensor): Tensor {
  return { shape, data: data.map((value) => Math.max(value, 0)) };
}

function add(a: Tensor, b: Tensor): Tensor {
  return { shape: a.shape, data: a.data.map((value, i) => value + b.data[i]) };
}

/** [N, C, H, W] → [N, C, 2·H, 2·W], each value a 2×2 square */
function upsample2x({ shape, data }: Tensor): Tensor {
  const [batch, channels, height, width] = shape;
  const out = zeros([batch, channels, 2 * height, 2 * width]);
  let target = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < 2 * height; y++) {
      for (let x = 0; x < 2 * width; x++) {
        out.data[target++] = data[(plane * height + (y >> 1)) * width + (x >> 1)];
      }
    }
  }
  return out;
}

/** [N, C·f², H, W] → [N, C, f·H, f·W]; see `PixelShuffle` */
function pixelShuffle({ shape, data }: Tensor, factor: number): Tensor {
  const [batch, channels, height, width] = shape;
  const out = zeros([batch, channels / factor ** 2, height * factor, width * factor]);
  let target = 0;
  for (let plane = 0; plane < (batch * channels) / factor ** 2; plane++) {
    for (let y = 0; y < height * factor; y++) {
      for (let x = 0; x < width * factor; x++) {
        const channel = (plane * factor + (y % factor)) * factor + (x % factor);
        const row = channel * height + Math.floor(y / factor);
        out.data[target++] = data[row * width + Math.floor(x / factor)];
      }
    }
  }
  return out;
}

/** [N, C, H, W] → [N, C·f², ⌈H / f⌉, ⌈W / f⌉]; see `PixelUnshuffle` */
function pixelUnshuffle({ shape, data }: Tensor, factor: number): Tensor {
  const [batch, channels, height, width] = shape;
  const outHeight = Math.ceil(height / factor);
  const outWidth = Math.ceil(width / factor);
  const out = zeros([batch, channels * factor ** 2, outHeight, outWidth]);
  let source = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const channel = (plane * factor + (y % factor)) * factor + (x % factor);
        const row = channel * outHeight + Math.floor(y / factor);
        out.data[row * outWidth + Math.floor(x / factor)] = data[source++];
      }
    }
  }
  return out;
}

/** Normalises each group of channels by its mean and variance over the map; see `GroupNorm` */
function groupNorm(
  { shape, data }: Tensor,
  { groups, channels, epsilon }: GroupNorm,
  weight: Tensor,
  bias: Tensor,
): Tensor {
  const [batch, , height, width] = shape;
  const out = zeros(shape);
  const pixels = height * width;
  const perGroup = (channels / groups) * pixels;
  for (let group = 0; group < batch * groups; group++) {
    const first = group * perGroup;
    const numbers = data.subarray(first, first + perGroup);
    const { mean, variance } = momentsOf(numbers);
    const deviation = Math.sqrt(variance + epsilon);
    for (let i = 0; i < perGroup; i++) {
      const c = Math.floor((first + i) / pixels) % channels;
      out.data[first + i] = ((numbers[i] - mean) / deviation) * weight.data[c] + bias.data[c];
    }
  }
  return out;
}

/** Returns the mean of numbers and their variance, which divides by their count. */
export function momentsOf(numbers: Float32Array): { mean: number; variance: number } {
  let sum = 0;
  for (const value of numbers) sum += value;
  const mean = sum / numbers.length;
  let squares = 0;
  for (const value of numbers) squares += (value - mean) ** 2;
  return { mean, variance: squares / numbers.length };
}

/** tanh(x / magnitude) · magnitude */
function clamp({ shape, data }: Tensor, magnitude: number): Tensor {
  return { shape, data: data.map((value) => Math.tanh(value / magnitude) * magnitude) };
}

function runLayer({ layer, weights }: BoundLayer, input: Tensor): Tensor {
  const weight = (name: string) => weights.get(`${name}weight`) as Tensor;
  const bias = (name: string) => weights.get(`${name}bias`);
  switch (layer.kind) {
    case 'conv':
      return conv2d(input, weight(''), bias(''), layer.stride);
    case 'relu':
      return relu(input);
    case 'groupNorm':
      return groupNorm(input, layer, weight(''), bias('') as Tensor);
    case 'clamp':
      return clamp(input, layer.magnitude);
    case 'upsample2x':
      return upsample2x(input);
    case 'pixelShuffle':
      return pixelShuffle(input, layer.factor);
    case 'pixelUnshuffle':
      return pixelUnshuffle(input, layer.factor);
    case 'memBlock':
    case 'frameConv':
      return runFrames(layer, weights, input);
    case 'block': {
      const pooled = layer.pool ? add(input, pool(layer, weights, input)) : input;
      let x = pooled;
      for (const step of blockOps(layer)) {
        x =
          step.kind === 'relu'
            ? relu(x)
            : conv2d(x, weight(`${step.name}.`), bias(`${step.name}.`), step.conv.stride);
      }
      const skip = blockSkip(layer);
      return relu(
        add(x, skip === undefined ? pooled : conv2d(pooled, weight('skip.'), undefined, 1)),
      );
    }
  }
}

/** Runs a block's pool, one operation after the other. */
function pool(layer: Block, weights: BoundLayer['weights'], input: Tensor): Tensor {
  return poolOps(layer).reduce(
    (x, { name, layer: inner }) =>
      runLayer({ layer: inner, weights: weightsInside(weights, name) }, x),
    input,
  );
}

/** Runs a layer on frames, one operation after the other. */
function runFrames(
  layer: MemBlock | FrameConv,
  weights: BoundLayer['weights'],
  input: Tensor,
): Tensor {
  const { ops, outputs } = frameOps(layer);
  const values = framesOf(input, layer.from);
  for (const { name, conv, input: read, add: added, relu: isBent } of ops) {
    let x = values[read];
    if (conv !== undefined) {
      const own = weightsInside(weights, name);
      x = conv2d(
        x,
        own.get('weight') as Tensor,
        conv.bias ? own.get('bias') : undefined,
        conv.stride,
      );
    }
    if (added !== undefined) x = add(x, values[added]);
    values.push(isBent ? relu(x) : x);
  }
  return joinFrames(outputs.map((value) => values[value]));
}

export const operators: Operators = { layer: runLayer, add };

function compile(network: BoundNetwork): Program {
  return {
    *run(source: RowSource, sink: RowSink, wanted?: Span) {
      let x = readAll(source);
      for (const bound of network) {
        const [, channels, height, width] = x.shape;
        x = runLayer(bound, x);
        yield countMultiplyAdds(bound.layer, [channels, height, width]);
      }
      const [, channels, height, width] = x.shape;
      const rows = tensorRows(x);
      const row = new Float32Array(width * channels);
      const { first, end } = wanted ?? { first: 0, end: height };
      for (let y = first; y < end; y++) {
        rows.read(y, row, channels);
        sink(y, row, channels);
      }
    },
  };
}

/** The backend. It holds no memory, so all instances share it. */
export const referenceBackend: Backend = { name: 'reference', compile };
