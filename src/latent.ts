import { allocateClamped, allocateFloats } from './allocate.ts';
import { isFloats, isPixelBytes } from './builtins/tags.ts';
import { checkLive, checkSize, describe } from './checks.ts';
import { expected, inCall } from './errors.ts';
import { checkImage } from './image.ts';
import { LATENT_MAGNITUDE } from './model/layers.ts';
import { type Conversion, convertChannels, fromVae, toVae } from './model/vae-space.ts';
import {
  checkLatentChannels,
  type ModelName,
  type Variant,
  variantNamed,
} from './model/variants.ts';
import type { ImageLike, Picture } from './options/types.ts';
import { checkTensor4d, shapeText, type Tensor, zeros } from './tensor.ts';

/*
 * Conversions of latents: to 8 bits, to a picture, and to the space of the full VAE.
 * Source: taesd.py `scale_latents`, `unscale_latents`; for the picture, the notebooks beside it.
 */

/** The distance between the ends of 8-bit latents, ±3: taesd.py's `latent_magnitude`. */
const QUANTISED_SPAN = 2 * LATENT_MAGNITUDE;

/** Latent channels in a pixel of a latent picture: its red, green, blue and alpha. */
const CHANNELS_IN_PIXEL = 4;

/**
 * Converts latents to bytes: `round(clamp(x / 6 + 0.5, 0, 1) · 255)`. Ties are rounded to even; NaN
 * becomes 0. Each operation is rounded to float32, so the bytes equal those of taesd.py.
 *
 * @param data  latents of any shape; not written to
 * @returns one byte a number, in the order of `data`
 * @throws TaesdError ARG (not a Float32Array, detached), OOM
 */
export function quantizeLatents(data: Float32Array): Uint8Array {
  return inCall('quantizeLatents', () => {
    if (!isFloats(data)) {
      throw expected('ARG', 'data', 'a Float32Array', describe(data));
    }
    checkLive('data', data);
    const { fround } = Math;
    // A Uint8ClampedArray rounds ties to even, as PyTorch's `round` does.
    const bytes = allocateClamped('bytes', data.length);
    for (let i = 0; i < data.length; i++) {
      const unit = fround(fround(data[i] / QUANTISED_SPAN) + 0.5);
      bytes[i] = fround(Math.min(Math.max(unit, 0), 1) * 255);
    }
    return new Uint8Array(bytes.buffer);
  });
}

/**
 * Converts bytes to latents: `(q / 255 − 0.5) · 6`. One step is 0.0235.
 *
 * @param bytes  latents of any shape; not written to
 * @returns one number a byte, in [−3, 3], in the order of `bytes`
 * @throws TaesdError ARG (not a Uint8Array or Uint8ClampedArray, detached), OOM
 */
export function dequantizeLatents(bytes: Uint8Array | Uint8ClampedArray): Float32Array {
  return inCall('dequantizeLatents', () => {
    if (!isPixelBytes(bytes)) {
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
 * Folds latents [1, 4·k, h, w] into an RGBA picture of width w and height k·h: k tiles from top to
 * bottom. Tile t holds the channels 4t … 4t + 3. The alpha channel holds data, and a canvas would
 * destroy it by premultiplying.
 *
 * @param latents  quantised as by `quantizeLatents`; not written to
 * @throws TaesdError ARG (not a tensor), SHAPE (a batch of more than 1, channels not a multiple of
 *   4), OOM
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
 * Unfolds an RGBA picture of width w and height k·h, made by `latentsToPicture`, into latents
 * [1, 4·k, h, w].
 *
 * @param picture   RGBA; not written to
 * @param channels  latent channels of the model: 4·k
 * @throws TaesdError ARG (not RGBA, channels not a multiple of 4), SHAPE (a height that is not a
 *   multiple of k), OOM
 */
export function pictureToLatents(picture: ImageLike, channels: number): Tensor {
  return inCall('pictureToLatents', () => {
    const tiles = checkSize('channels', channels) / CHANNELS_IN_PIXEL;
    if (!Number.isInteger(tiles)) {
      throw expected('ARG', 'channels', 'a multiple of 4', `${channels}`);
    }
    const rule = 'a picture { width, height, data: RGBA bytes }';
    const checked = checkImage(picture, 'picture', rule);
    if (checked.channels !== CHANNELS_IN_PIXEL) {
      throw expected('ARG', 'picture', 'RGBA, whose alpha is a latent channel', 'RGB');
    }
    const { width, data } = checked;
    const height = checked.height / tiles;
    if (!Number.isInteger(height)) {
      const rule = `a height that is a multiple of ${tiles}, for ${channels} latent channels`;
      const hint = 'a latent picture of a 4-channel model, or not a latent picture?';
      throw expected('SHAPE', 'picture', rule, `${width}×${checked.height}`, { hint });
    }
    const values = dequantizeLatents(data);
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
 * Converts latents of a diffusion model's full VAE to the latents that diffusion and TAESD work on:
 * `(z − shift) · scale`, or channel by channel `(z − mean) / std`.
 *
 * @param latents  [N, C, h, w] with the model's channels; not written to
 * @param model    the name of the model whose numbers apply
 * @throws TaesdError ARG (not a tensor, unknown model), SHAPE (another number of channels),
 *   UNSUPPORTED (a model whose numbers are not known: `taef2`), OOM
 */
export function fromVaeLatents(latents: Tensor, model: ModelName): Tensor {
  return inCall('fromVaeLatents', () => mapVaeLatents(latents, model, fromVae));
}

/**
 * Converts latents that diffusion and TAESD work on to latents of the model's full VAE, the inverse
 * of `fromVaeLatents`: `x / scale + shift`, or channel by channel `x · std + mean`.
 *
 * @param latents  [N, C, h, w] with the model's channels; not written to
 * @param model    the name of the model whose numbers apply
 * @throws TaesdError ARG (not a tensor, unknown model), SHAPE (another number of channels),
 *   UNSUPPORTED (a model whose numbers are not known: `taef2`), OOM
 */
export function toVaeLatents(latents: Tensor, model: ModelName): Tensor {
  return inCall('toVaeLatents', () => mapVaeLatents(latents, model, toVae));
}

function mapVaeLatents(
  latents: Tensor,
  model: ModelName,
  conversionOf: (variant: Variant) => Conversion,
): Tensor {
  const variant = variantNamed(model);
  const { shape, data } = checkTensor4d('latents', latents);
  checkLatentChannels({ shape }, variant);
  const convert = conversionOf(variant);
  const converted = { shape, data: allocateFloats('latents', data.length) };
  converted.data.set(data);
  convertChannels(converted, convert);
  return converted;
}
