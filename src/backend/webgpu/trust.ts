import type { BoundNetwork } from '../../model/bind.ts';
import type { Half } from '../../model/layers.ts';
import { type Chw, outputShape } from '../../model/measure.ts';
import { LATENT_SCALE } from '../../model/variants.ts';
import { tensorRows, tensorSink } from '../../rows.ts';
import { type Tensor, zeros } from '../../tensor.ts';
import { handOn, type Runner } from '../batches.ts';
import { Pacer } from '../pacer.ts';
import type { Stored } from './convolution.ts';

/*
 * Whether a device can be trusted: wrong results of some drivers are among the faults that are most often reported of
 * libraries like this one.
 */

/** Of a picture, in pixels: odd, with partial tiles and partial workgroups on every level. */
const HEIGHT = 27;
const WIDTH = 19;

/**
 * The most that a device may be off, relative to the largest value, or to 1 where that is less: in f32 anywhere, with maps
 * in f16 on average, 50 dB. Right devices were seen at 3e-6 and 60 dB.
 */
const MOST = { f32: 1e-4, f16: 10 ** (-50 / 20) };

/**
 * Runs a small case on both.
 *
 * @returns in words how far they disagree; undefined where they agree
 */
export async function disagreement(
  part: Half,
  network: BoundNetwork,
  stored: Stored,
  device: Runner,
  wasm: Runner,
): Promise<string | undefined> {
  const input = testInput(part, network);
  const [, ...chw] = input.shape;
  const shape = network.reduce<Chw>(
    (before, { layer }) => outputShape(layer, before),
    chw as unknown as Chw,
  );
  const [got, wanted] = [await outputOf(device, input, shape), await outputOf(wasm, input, shape)];
  const off = distance(got, wanted, stored);
  if (off <= MOST[stored]) return undefined;
  return `its ${part} in ${stored} is off by ${off.toPrecision(2)} of the largest value, at most ${MOST[stored].toPrecision(2)} is right`;
}

/**
 * How far numbers are off, as a part of the largest right one: the worst of them for f32, their root mean square for f16. NaN
 * where one of them is NaN, which is never near enough.
 */
export function distance(got: Float32Array, wanted: Float32Array, stored: Stored): number {
  const peak = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  let largest = 0;
  let squares = 0;
  for (let i = 0; i < wanted.length; i++) {
    const off = Math.abs(got[i] - wanted[i]) / peak;
    squares += off ** 2;
    largest = Math.max(largest, off);
  }
  return stored === 'f32' ? largest : Math.sqrt(squares / wanted.length);
}

/** Numbers without a pattern that a shift or a swap of channels would keep. */
function testInput(part: Half, network: BoundNetwork): Tensor {
  const conv = network.map(({ layer }) => layer).find((layer) => layer.kind === 'conv');
  const size = (pixels: number) => Math.ceil(pixels / LATENT_SCALE);
  const shape: Chw =
    part === 'encoder' ? [3, HEIGHT, WIDTH] : [conv?.cin ?? 0, size(HEIGHT), size(WIDTH)];
  const tensor = zeros([1, ...shape]);
  const [middle, swing] = part === 'encoder' ? [0.5, 0.5] : [0, 3];
  tensor.data.forEach((_, i) => {
    tensor.data[i] = middle + swing * Math.sin(i * i * 0.37 + i);
  });
  return tensor;
}

async function outputOf(runner: Runner, input: Tensor, shape: Chw): Promise<Float32Array> {
  const output = zeros([1, ...shape]);
  const sink = tensorSink(output);
  const span = { first: 0, end: shape[1] };
  const pacer = new Pacer(undefined);
  const batches = runner.batches(tensorRows(input), span, pacer);
  for await (const batch of batches) handOn(batch, sink);
  return output.data;
}
