import type { BoundNetwork } from '../../model/bind.ts';
import type { Tensor } from '../../tensor.ts';
import type { ConvStage } from '../plan.ts';
import { POINTS, transformWeights } from './winograd.ts';

const QUAD = 4;

/** Returns the quads of so many channels. The last quad is filled up with zeros. */
export const quadsOf = (channels: number): number => Math.ceil(channels / QUAD);

/** A convolution's weights as its shader reads them. */
export interface Packed {
  /**
   * f32 [blocks][quads in][kernel x][kernel y][quads of a block][4 in][4 out]; of Winograd's
   * convolutions [points][blocks][quads in][2 quads][4 in][4 out]
   */
  readonly weights: Float32Array<ArrayBuffer>;
  /** f32 [quads][4]; zeros if the convolution has none */
  readonly bias: Float32Array<ArrayBuffer>;
}

/**
 * Returns the quads of output that are written. Each phase of a shuffle begins with a quad of its
 * own.
 */
export const writtenQuads = ({ conv: { cout }, shuffle }: ConvStage): number =>
  shuffle ** 2 * quadsOf(cout / shuffle ** 2);

/** Returns how many quads an invocation makes: 1 if the output has one quad, otherwise 2. */
export const blockQuadsOf = (stage: ConvStage): 1 | 2 => (writtenQuads(stage) === 1 ? 1 : 2);

/** Returns the factors and the numbers to add of the stage's normalisation: f32 [2][channels]. */
export function packAffine(network: BoundNetwork, { layer }: ConvStage): Float32Array<ArrayBuffer> {
  const { weights } = network[layer];
  const [factors, added] = ['weight', 'bias'].map(
    (what) => weights.get(`pool.1.${what}`) as Tensor,
  );
  return Float32Array.of(...factors.data, ...added.data);
}

/**
 * Packs weights [cout, cin, k, k], with the output channels in the order in which they are written.
 */
export function packConvolution(network: BoundNetwork, stage: ConvStage): Packed {
  const { conv, layer, name, winograd, shuffle } = stage;
  const { cin, cout, kernel } = conv;
  const tensor = (what: string) =>
    network[layer].weights.get(name === '' ? what : `${name}.${what}`);
  const { data } = tensor('weight') as Tensor;
  const biases = conv.bias ? tensor('bias') : undefined;
  const phases = shuffle ** 2;
  const channels = cout / phases;
  const quadsIn = quadsOf(cin);
  const quads = writtenQuads(stage);
  const blockQuads = blockQuadsOf(stage);
  const blocks = Math.ceil(quads / blockQuads);
  const blockLength = blockQuads * QUAD ** 2;
  const [points, scratch] = [new Float64Array(POINTS), new Float64Array(POINTS / 2)];
  const taps = winograd ? POINTS : kernel ** 2;
  const weights = new Float32Array(blocks * blockQuads * QUAD * quadsIn * QUAD * taps);
  const bias = new Float32Array(blocks * blockQuads * QUAD);
  /**
   * Returns the channel of the weights that is written as number `written`; undefined for filling.
   */
  const channelOf = (written: number): number | undefined => {
    const phase = Math.floor(written / QUAD / quadsOf(channels));
    const channel = written - phase * quadsOf(channels) * QUAD;
    return phase < phases && channel < channels ? channel * phases + phase : undefined;
  };
  for (let written = 0; written < bias.length; written++) {
    const o = channelOf(written);
    if (o === undefined) continue;
    bias[written] = biases?.data[o] ?? 0;
    const block = Math.floor(written / QUAD / blockQuads);
    const quad = Math.floor(written / QUAD) % blockQuads;
    // The index of this channel's column in the first matrix [4 in][4 out].
    const inMatrix = quad * QUAD ** 2 + (written % QUAD);
    for (let i = 0; i < cin; i++) {
      const quadIn = Math.floor(i / QUAD);
      const from = (o * cin + i) * kernel ** 2;
      const to = inMatrix + (i % QUAD) * QUAD;
      if (winograd) {
        transformWeights(points, data, from, scratch);
        for (let point = 0; point < POINTS; point++) {
          const place = (point * blocks + block) * quadsIn + quadIn;
          weights[place * blockLength + to] = points[point];
        }
        continue;
      }
      for (let ky = 0; ky < kernel; ky++) {
        for (let kx = 0; kx < kernel; kx++) {
          const place = (block * quadsIn + quadIn) * kernel ** 2 + kx * kernel + ky;
          weights[place * blockLength + to] = data[from + ky * kernel + kx];
        }
      }
    }
  }
  return { weights, bias };
}
