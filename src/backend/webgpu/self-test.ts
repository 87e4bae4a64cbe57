import type { BoundNetwork } from '../../model/bind.ts';
import { type Chw, inputChannels, outputShape } from '../../model/measure.ts';
import { comparedTexts } from '../../numbers/compared-texts.ts';
import { tensorRows, tensorSink } from '../../rows.ts';
import { type Tensor, zeros } from '../../tensor.ts';
import { handOn, type Runner } from '../batches.ts';
import { Pacer } from '../pacer.ts';
import type { NetworkName } from '../segment.ts';
import type { Stored } from './convolution.ts';

/*
 * Checks that a device computes what WASM computes. Wrong results of some drivers are among the
 * faults reported most often to libraries like this one.
 */

/** The picture's size, in pixels: odd, with partial tiles and partial workgroups on every level. */
const HEIGHT = 27;
const WIDTH = 19;

/**
 * The largest error that passes, relative to the largest value, or to 1 if that is less: with maps
 * in f32 of any value, with maps in f16 on average (50 dB). Correct devices have 3e-6 and 60 dB.
 */
const MAX_ERROR = { f32: 1e-4, f16: 10 ** (-50 / 20) };

/**
 * Runs a small case on both.
 *
 * @returns how far they disagree, in words; undefined if they agree
 */
export async function disagreement(
  name: NetworkName,
  network: BoundNetwork,
  stored: Stored,
  device: Runner,
  wasm: Runner,
): Promise<string | undefined> {
  const input = testInput(name, network);
  const [, ...chw] = input.shape;
  const shape = shapesOf(network, chw as unknown as Chw)[network.length];
  const got = await run(device, input, shape);
  const error = distance(got, await run(wasm, input, shape), stored);
  if (error <= MAX_ERROR[stored]) return undefined;
  const compared = [error, MAX_ERROR[stored]] as const;
  const [is, max] = comparedTexts(compared, (value, digits) => value.toPrecision(2 + digits));
  return `its ${name} in ${stored} is off by ${is} of the largest value, at most ${max} is right`;
}

/**
 * Returns the error of numbers relative to the largest right one: the largest error for f32, the
 * root mean square for f16. One NaN makes it NaN, which never passes.
 */
export function distance(got: Float32Array, wanted: Float32Array, stored: Stored): number {
  const peak = wanted.reduce((max, value) => Math.max(max, Math.abs(value)), 1);
  let largest = 0;
  let squares = 0;
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(got[i] - wanted[i]) / peak;
    squares += error ** 2;
    largest = Math.max(largest, error);
  }
  return stored === 'f32' ? largest : Math.sqrt(squares / wanted.length);
}

/** Returns numbers without a pattern that a shift or a swap of channels would keep. */
function testInput(name: NetworkName, network: BoundNetwork): Tensor {
  const tensor = zeros([1, ...inputShape(network)]);
  const [middle, swing] = name === 'encoder' ? [0.5, 0.5] : [0, 3];
  tensor.data.forEach((_, i) => {
    tensor.data[i] = middle + swing * Math.sin(i * i * 0.37 + i);
  });
  return tensor;
}

/** Returns the shape of an input whose largest map has about the picture's size. */
function inputShape(network: BoundNetwork): Chw {
  const channels = inputChannels(network.map(({ layer }) => layer));
  const maps = shapesOf(network, [channels, 1, 1]);
  const scale = Math.max(...maps.map(([, height]) => height));
  return [channels, Math.ceil(HEIGHT / scale), Math.ceil(WIDTH / scale)];
}

/** Returns the shapes of the input and of each layer's output. */
function shapesOf(network: BoundNetwork, input: Chw): readonly Chw[] {
  const shapes = [input];
  for (const { layer } of network) shapes.push(outputShape(layer, shapes[shapes.length - 1]));
  return shapes;
}

async function run(runner: Runner, input: Tensor, shape: Chw): Promise<Float32Array> {
  const output = zeros([1, ...shape]);
  const sink = tensorSink(output);
  const span = { first: 0, end: shape[1] };
  const batches = runner.batches(tensorRows(input), span, new Pacer(undefined));
  for await (const batch of batches) handOn(batch, sink);
  return output.data;
}
