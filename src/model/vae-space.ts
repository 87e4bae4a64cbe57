import { expected } from '../errors.ts';
import type { Tensor } from '../tensor.ts';

/*
 * The conversion between the latents z of a full VAE and the latents x of diffusion.
 */

/** One scale for all channels: x = (z − shift) · scale. */
export interface ScaleAndShift {
  readonly scale: number;
  readonly shift: number;
}

/** Numbers for each channel: x = (z − mean) / std. */
export interface MeanAndStd {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** A conversion by numbers that are not known here: the reason, and what to do instead. */
export interface UnknownScale {
  readonly unknown: string;
}

/** The conversion from the full VAE's latents to those of diffusion. */
export type FromVae = ScaleAndShift | MeanAndStd | UnknownScale;

/** A model, for messages, and its conversion. */
interface Model {
  readonly name: string;
  readonly fromVae: FromVae;
}

/** Converts a number of a channel. */
export type Conversion = (value: number, channel: number) => number;

/**
 * Returns the conversion from the full VAE's latents to those of diffusion.
 *
 * @throws TaesdError UNSUPPORTED (a model whose conversion is not known)
 */
export function fromVae({ name, fromVae: known }: Model): Conversion {
  if ('scale' in known) return (z) => (z - known.shift) * known.scale;
  if ('mean' in known) return (z, channel) => (z - known.mean[channel]) / known.std[channel];
  throw unknownScale(name, known);
}

/**
 * Returns the inverse of `fromVae`.
 *
 * @throws TaesdError UNSUPPORTED (a model whose conversion is not known)
 */
export function toVae({ name, fromVae: known }: Model): Conversion {
  if ('scale' in known) return (x) => x / known.scale + known.shift;
  if ('mean' in known) return (x, channel) => x * known.std[channel] + known.mean[channel];
  throw unknownScale(name, known);
}

const unknownScale = (name: string, { unknown }: UnknownScale) =>
  expected('UNSUPPORTED', 'space', `'diffusion' for model ${name}`, "'vae'", { hint: unknown });

/** Converts latents [N, C, h, w] in place. */
export function convertChannels({ shape, data }: Tensor, convert: Conversion): void {
  const [batch, channels, height, width] = shape;
  const area = height * width;
  let at = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    const channel = plane % channels;
    for (const end = at + area; at < end; at++) data[at] = convert(data[at], channel);
  }
}
