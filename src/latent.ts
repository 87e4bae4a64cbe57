import { allocateClamped, allocateFloats } from './allocate.ts';
import { checkLive, checkSize, describe } from './checks.ts';
import { expected, inCall } from './errors.ts';
import { checkImage } from './image.ts';
import { LATENT_MAGNITUDE } from './model/layers.ts';
import {
  checkLatentChannels,
  type ModelName,
  type Variant,
  variantNamed,
} from './model/variants.ts';
import type { ImageLike, Picture } from './options/types.ts';
import { checkTensor4d, shapeText, type Tensor, zeros } from './tensor.ts';

/*
 * 8-bit latents, and the two spaces in which latents are met.
 * Source: taesd.py `scale_latents`, `unscale_latents`; the notebooks beside it for the fold into RGBA.
 */

/** 8-bit latents span ±3: taesd.py's `latent_magnitude`. */
const QUANTISED_SPAN = 2 * LATENT_MAGNITUDE;

/** A latent picture holds 4 channels in a pixel's red, green, blue and alpha. */
const CHANNELS_IN_PIXEL = 4;

/**
 * Latents → bytes: `round(clamp(x / 6 + 0.5, 0, 1) · 255)`, ties to even, NaN to 0.
 * Each operation is rounded to float32, so that bytes equal those of the reference.
 *
 * @param data  any length, in any order; not written to
 * @returns as many bytes, in the same order
 * @throws TaesdError ARG, OOM
 */
export function quantizeLatents(data: Float32Array): Uint8Array {
  return inCall('quantizeLatents', () => {
    if (!(data instanceof Float32Array)) {
      throw expected('ARG', 'data', 'a Float32Array', describe(data));
    }
    checkLive('data', data);
    const { fround } = Math;
    // A Uint8ClampedArray rounds to nearest, ties to even, as PyTorch's `round` does.
    const bytes = allocateClamped('bytes', data.length);
    for (let i = 0; i < data.length; i++) {
      const unit = fround(fround(data[i] / QUANTISED_SPAN) + 0.5);
      bytes[i] = fround(Math.min(Math.max(unit, 0), 1) * 255);
    }
    return new Uint8Array(bytes.buffer);
  });
}

/**
 * Bytes → latents: `(q / 255 − 0.5) · 6`; one step is 0.0235.
 *
 * @param bytes  any length, in any order; not written to
 * @returns as many numbers, in the same order
 * @throws TaesdError ARG, OOM
 */
export function dequantizeLatents(bytes: Uint8Array | Uint8ClampedArray): Float32Array {
  return inCall('dequantizeLatents', () => {
    if (!(bytes instanceof Uint8Array || bytes instanceof Uint8ClampedArray)) {
      throw expected('ARG', 'bytes', 'a Uint8Array or Uint8ClampedArray', describe(bytes));
    }
    checkLive('bytes', bytes);
    const { fround } = Math;
    const data = allocateFloats('data', bytes.length);
    for (let i = 0; i < bytes.length; i++) {
      data[i] = fround(fround(bytes[i] / 255) - 0.5) * QUANTISED_SPAN;
    }
    return data;
  });
}

/**
 * Latents [1, 4·k, h, w] → one RGBA picture w × k·h: k tiles stacked from top to bottom, tile t holding channels
 * 4t … 4t + 3. Its alpha is data: a canvas, which premultiplies, would destroy it.
 *
 * @throws TaesdError ARG, SHAPE where the batch is not 1 or the channels are not a multiple of 4, OOM
 */
export function latentsToPicture(latents: Tensor): Picture {
  return inCall('latentsToPicture', () => {
    const { shape, data } = checkTensor4d('latents', latents);
    const [batch, channels, height, width] = shape;
    if (batch !== 1 || channels % CHANNELS_IN_PIXEL !== 0) {
      throw expected('SHAPE', 'latents', 'shape [1,4·k,h,w]', shapeText(shape));
    }
    const bytes = quantizeLatents(data);
    const pixels = allocateClamped('pixels', bytes.length);
    const area = height * width;
    for (let c = 0; c < channels; c++) {
      const tile = Math.floor(c / CHANNELS_IN_PIXEL) * area;
      for (let i = 0; i < area; i++) {
        pixels[(tile + i) * CHANNELS_IN_PIXEL + (c % CHANNELS_IN_PIXEL)] = bytes[c * area + i];
      }
    }
    return { width, height: (channels / CHANNELS_IN_PIXEL) * height, data: pixels };
  });
}

/**
 * The way back: an RGBA picture w × k·h → latents [1, 4·k, h, w].
 *
 * @param channels  latent channels of the model: 4·k
 * @throws TaesdError ARG where it is not RGBA; SHAPE where its height is not a multiple of k; OOM
 */
export function pictureToLatents(picture: ImageLike, channels: number): Tensor {
  return inCall('pictureToLatents', () => {
    const tiles = checkSize('channels', channels) / CHANNELS_IN_PIXEL;
    if (!Number.isInteger(tiles)) {
      throw expected('ARG', 'channels', 'a multiple of 4', `${channels}`);
    }
    const rule = 'a picture { width, height, data: RGBA bytes }';
    if (checkImage(picture, 'picture', rule) !== CHANNELS_IN_PIXEL) {
      throw expected('ARG', 'picture', 'RGBA, whose alpha is a latent channel', 'RGB');
    }
    const { width } = picture;
    const height = picture.height / tiles;
    if (!Number.isInteger(height)) {
      const rule = `a height that is a multiple of ${tiles}, for ${channels} latent channels`;
      const hint = 'a latent picture of a 4-channel model, or no latent picture?';
      throw expected('SHAPE', 'picture', rule, `${width}×${picture.height}`, { hint });
    }
    const values = dequantizeLatents(picture.data);
    const latents = zeros([1, channels, height, width]);
    const area = height * width;
    for (let c = 0; c < channels; c++) {
      const tile = Math.floor(c / CHANNELS_IN_PIXEL) * area;
      for (let i = 0; i < area; i++) {
        latents.data[c * area + i] =
          values[(tile + i) * CHANNELS_IN_PIXEL + (c % CHANNELS_IN_PIXEL)];
      }
    }
    return latents;
  });
}

/**
 * From the latents that the full VAE of a diffusion model speaks to those that diffusion, and TAESD, work on:
 * `(z − shift) · scale`. The given tensor is not written to.
 *
 * @param latents  [N, C, h, w] with the model's channels
 * @throws TaesdError ARG, SHAPE, OOM
 */
export function fromVaeLatents(latents: Tensor, model: ModelName): Tensor {
  return inCall('fromVaeLatents', () =>
    mapVaeLatents(latents, model, (z, { scale, shift }) => (z - shift) * scale),
  );
}

/**
 * The way back: `x / scale + shift`. The given tensor is not written to.
 *
 * @param latents  [N, C, h, w] with the model's channels
 * @throws TaesdError ARG, SHAPE, OOM
 */
export function toVaeLatents(latents: Tensor, model: ModelName): Tensor {
  return inCall('toVaeLatents', () =>
    mapVaeLatents(latents, model, (x, { scale, shift }) => x / scale + shift),
  );
}

function mapVaeLatents(
  latents: Tensor,
  model: ModelName,
  convert: (value: number, variant: Variant) => number,
): Tensor {
  const variant = variantNamed(model);
  const tensor = checkTensor4d('latents', latents);
  checkLatentChannels(tensor, variant);
  const { shape, data } = tensor;
  const converted = allocateFloats('latents', data.length);
  for (let i = 0; i < data.length; i++) converted[i] = convert(data[i], variant);
  return { shape, data: converted };
}
