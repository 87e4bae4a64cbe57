import { type FeatureMap, rowBytes, rowCount, rowPtr } from './feature-map.ts';
import type { Kernels } from './kernels.ts';
import type { PackedConv } from './pack.ts';

/** What is done to each output row of a convolution while it is still in the cache. */
export interface RowFinish {
  /** A map of the output's shape to add to it: the skip connection. */
  readonly add?: FeatureMap;
  readonly relu?: boolean;
}

/**
 * Convolves a map, a row at a time.
 *
 * @param outPtr      where the output goes; must not overlap the input
 * @param zeroRowPtr  a row of zeros as long as the input's rows: the padding above and below
 * @yields multiply-adds done since the last time, those of channels that only pad included
 * @returns the output
 */
export function* convolve(
  kernels: Kernels,
  conv: PackedConv,
  input: FeatureMap,
  outPtr: number,
  zeroRowPtr: number,
  finish: RowFinish = {},
): Generator<number, FeatureMap, void> {
  const { kernel, stride, cin, cout, weightsPtr, biasPtr } = conv;
  const width = Math.ceil(input.width / stride);
  const out = { ptr: outPtr, channels: cout, height: Math.ceil(input.height / stride), width };
  const conv3x3 = stride === 1 ? kernels.conv3x3 : kernels.conv3x3Stride2;
  const inputRow = (y: number) => (y < 0 || y >= input.height ? zeroRowPtr : rowPtr(input, y));
  for (let y = 0; y < out.height; y++) {
    const target = rowPtr(out, y);
    const center = y * stride;
    if (kernel === 1) {
      kernels.conv1x1(target, inputRow(center), weightsPtr, biasPtr, width, cin, cout);
    } else {
      const [above, here, below] = [inputRow(center - 1), inputRow(center), inputRow(center + 1)];
      conv3x3(target, above, here, below, weightsPtr, biasPtr, width, cin, cout);
    }
    if (finish.add !== undefined) {
      kernels.add(target, rowPtr(finish.add, y), rowCount(cout, width));
    }
    if (finish.relu === true) kernels.relu(target, rowCount(cout, width));
    yield kernel * kernel * cin * cout * width;
  }
  return out;
}

/** Doubles a map in both directions: each row is widened once and then copied. */
export function upsample2x(
  kernels: Kernels,
  memory: WebAssembly.Memory,
  input: FeatureMap,
  outPtr: number,
): FeatureMap {
  const { channels, height, width } = input;
  const out = { ptr: outPtr, channels, height: 2 * height, width: 2 * width };
  const bytes = new Uint8Array(memory.buffer);
  const outRowBytes = rowBytes(channels, out.width);
  for (let y = 0; y < height; y++) {
    const target = rowPtr(out, 2 * y);
    kernels.upsample2x(target, rowPtr(input, y), width, channels);
    bytes.copyWithin(target + outRowBytes, target, target + outRowBytes);
  }
  return out;
}

/** Numbers in a whole map, zero pixels included. */
export const mapCount = ({ channels, height, width }: FeatureMap) =>
  rowCount(channels, width) * height;
