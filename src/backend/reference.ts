import type { BoundLayer, BoundNetwork } from '../model/bind.ts';
import { blockSkip, blockSteps } from '../model/layers.ts';
import { countMultiplyAdds } from '../model/measure.ts';
import { type RowSink, type RowSource, readAll, tensorRows } from '../rows.ts';
import { type Tensor, zeros } from '../tensor.ts';
import type { Backend, Operators, Program, Span } from './backend.ts';

/*
 * The networks in plain loops over whole tensors: what the other backends are tested against, and the place
 * to read what each operator does. Sums are kept in float64 and rounded once, so this is the more exact one.
 */

/**
 * The sums of all output channels of a pixel grow together, so that the innermost loop reads weights in a row: 2.5 times
 * as fast as one sum after the other, with the same order of additions in each sum.
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

function relu({ shape, data }: Tensor): Tensor {
  return { shape, data: data.map((value) => Math.max(value, 0)) };
}

function add(a: Tensor, b: Tensor): Tensor {
  return { shape: a.shape, data: a.data.map((value, i) => value + b.data[i]) };
}

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

function clamp({ shape, data }: Tensor, magnitude: number): Tensor {
  return { shape, data: data.map((value) => Math.tanh(value / magnitude) * magnitude) };
}

/** The operators as plain functions. */
export const operators: Operators = {
  conv2d,
  relu,
  add,
  upsample2x,
  pixelShuffle,
  pixelUnshuffle,
  clamp,
};

/** One layer, in terms of the operators. */
function runLayer({ layer, weights }: BoundLayer, input: Tensor): Tensor {
  const weight = (name: string) => weights.get(`${name}weight`) as Tensor;
  const bias = (name: string) => weights.get(`${name}bias`);
  switch (layer.kind) {
    case 'conv':
      return conv2d(input, weight(''), bias(''), layer.stride);
    case 'relu':
      return relu(input);
    case 'clamp':
      return clamp(input, layer.magnitude);
    case 'upsample2x':
      return upsample2x(input);
    case 'pixelShuffle':
      return pixelShuffle(input, layer.factor);
    case 'pixelUnshuffle':
      return pixelUnshuffle(input, layer.factor);
    case 'block': {
      let x = input;
      for (const step of blockSteps(layer)) {
        x =
          step.kind === 'relu'
            ? relu(x)
            : conv2d(x, weight(`${step.name}.`), bias(`${step.name}.`), step.conv.stride);
      }
      const skip = blockSkip(layer);
      return relu(
        add(x, skip === undefined ? input : conv2d(input, weight('skip.'), undefined, 1)),
      );
    }
  }
}

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

/** The reference backend holds nothing, so there is only one. */
export const referenceBackend: Backend = { name: 'reference', compile };
