import type { Area, Picture, Position, Product } from 'taesd-wasm';
import type { PixelView, Window } from '../engine/protocol.ts';

/*
 * The page's own arithmetic of a 3×3 convolution with zero padding 1: fast enough to follow a hand
 * that edits a weight, and with no model loaded.
 */

/** Maps of numbers. */
export interface Planes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** [channels, height, width] */
  readonly data: Float32Array;
}

/** One 3×3 kernel of each input channel, and a bias. */
export interface Filter {
  /** [cin, 3, 3] */
  readonly weight: Float32Array;
  readonly bias: number;
}

/** The filters of a convolution. */
export interface Filters {
  readonly cin: number;
  readonly cout: number;
  /** [cout, cin, 3, 3] */
  readonly weight: Float32Array;
  /** [cout]; undefined for a convolution without a bias. */
  readonly bias: Float32Array | undefined;
}

export interface StrideOptions {
  /** How far the window moves from one number to the next: 1 or 2. Defaults to 1. */
  readonly stride?: number | undefined;
}

/** One number of a map as a sum, in the terms of the engine's view. */
export type PixelSum = Pick<
  PixelView,
  'position' | 'windows' | 'sum' | 'bias' | 'skip' | 'beforeRelu' | 'value' | 'onInput'
>;

/** Numbers of a 3×3 kernel. */
const TAPS = 9;

/**
 * Returns a picture as the encoder reads it: red, green and blue from 0 to 1, translucent pixels
 * laid over white.
 */
export function planesOf({ width, height, data }: Picture): Planes {
  const area = width * height;
  const planes = new Float32Array(3 * area);
  for (let at = 0, from = 0; at < area; at++, from += 4) {
    const opacity = data[from + 3];
    for (let c = 0; c < 3; c++) {
      const byte =
        opacity === 255 ? data[from + c] : (data[from + c] * opacity + 255 * (255 - opacity)) / 255;
      planes[c * area + at] = byte / 255;
    }
  }
  return { channels: 3, height, width, data: planes };
}

/** Returns a tensor [1, C, H, W] as planes that share its numbers. */
export function planesOfTensor(tensor: {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}): Planes {
  const [, channels, height, width] = tensor.shape;
  return { channels, height, width, data: tensor.data };
}

/** Returns one filter of a convolution. Its weights are a view, not a copy. */
export function filterOf({ cin, weight, bias }: Filters, channel: number): Filter {
  const size = cin * TAPS;
  return {
    weight: weight.subarray(channel * size, (channel + 1) * size),
    bias: bias?.[channel] ?? 0,
  };
}

/**
 * Returns one output map of a 3×3 convolution, in float32: about 3 ms for a picture of 256×256.
 *
 * @param source  a picture, or planes with as many channels as the filter has kernels
 * @throws RangeError if they do not fit
 */
export function mapOf(
  source: Picture | Planes,
  filter: Filter,
  { stride = 1 }: StrideOptions = {},
): Planes {
  const planes = 'channels' in source ? source : planesOf(source);
  checkFit(planes, filter.weight.length);
  const width = Math.ceil(planes.width / stride);
  const height = Math.ceil(planes.height / stride);
  const data = new Float32Array(width * height).fill(filter.bias);
  for (let y = 0; y < height; y++) {
    const out = data.subarray(y * width, (y + 1) * width);
    for (let tap = 0; tap < filter.weight.length; tap += 3) {
      const channel = Math.floor(tap / TAPS);
      const row = y * stride + ((tap % TAPS) / 3 - 1);
      if (row < 0 || row >= planes.height) continue;
      const start = (channel * planes.height + row) * planes.width;
      const input = planes.data.subarray(start, start + planes.width);
      addRow(out, input, filter.weight.subarray(tap, tap + 3), stride);
    }
  }
  return { channels: 1, height, width, data };
}

/** Adds one row of a kernel times one row of the input. Only the ends can lie in the padding. */
function addRow(out: Float32Array, input: Float32Array, kernel: Float32Array, stride: number) {
  const left = kernel[0];
  const middle = kernel[1];
  const right = kernel[2];
  const last = out.length - 1;
  for (let x = 1, at = stride; x < last; x++, at += stride) {
    out[x] += left * input[at - 1] + middle * input[at] + right * input[at + 1];
  }
  addEnd(out, input, kernel, { x: 0, stride });
  if (last > 0) addEnd(out, input, kernel, { x: last, stride });
}

function addEnd(
  out: Float32Array,
  input: Float32Array,
  kernel: Float32Array,
  { x, stride }: { x: number; stride: number },
) {
  const at = x * stride;
  const before = at > 0 ? input[at - 1] : 0;
  const after = at + 1 < input.length ? input[at + 1] : 0;
  out[x] += kernel[0] * before + kernel[1] * input[at] + kernel[2] * after;
}

/**
 * Returns the products of one number of the output, in float64, window by window. Numbers in the
 * padding are 0.
 *
 * @throws RangeError if planes and filters do not fit
 */
export function sumAt(
  planes: Planes,
  filters: Filters,
  position: Position,
  { stride = 1 }: StrideOptions = {},
): PixelSum {
  const { weight, bias } = filterOf(filters, position.channel);
  checkFit(planes, weight.length);
  const windows: Window[] = [];
  for (let channel = 0; channel < planes.channels; channel++) {
    const products: Product[] = [];
    let sum = 0;
    for (let tap = 0; tap < TAPS; tap++) {
      const y = position.y * stride + Math.floor(tap / 3) - 1;
      const x = position.x * stride + (tap % 3) - 1;
      const isInside = y >= 0 && y < planes.height && x >= 0 && x < planes.width;
      const at = (channel * planes.height + y) * planes.width + x;
      const [value, factor] = [isInside ? planes.data[at] : 0, weight[channel * TAPS + tap]];
      const product = value * factor;
      sum += product;
      products.push({ input: 0, channel, y, x, value, weight: factor, product });
    }
    windows.push({ channel, products, sum });
  }
  const sum = windows.reduce((total, window) => total + window.sum, 0);
  const onInput = windowOf(planes, position, stride);
  const none = { skip: undefined, beforeRelu: undefined };
  return { position, windows, sum, bias, ...none, value: sum + bias, onInput };
}

/** Returns the 3×3 window of one number, cut at the input's edges. */
function windowOf({ height, width }: Planes, { y, x }: Position, stride: number): Area {
  const [left, top] = [Math.max(x * stride - 1, 0), Math.max(y * stride - 1, 0)];
  return {
    x: left,
    y: top,
    width: Math.min(x * stride + 2, width) - left,
    height: Math.min(y * stride + 2, height) - top,
  };
}

function checkFit({ channels }: Planes, weights: number): void {
  if (channels * TAPS === weights) return;
  throw new RangeError(
    `"filter" expected ${channels * TAPS} weights for ${channels} channels, got ${weights}`,
  );
}
