import type { ModelName } from '../model/variants.ts';

/** A tensor of any library. Its own description is honoured or refused. It is not written to. */
export interface TensorLike {
  /**
   * The numbers: a Float32Array, Float64Array, Float16Array or a plain array; a Uint16Array if
   * `dtype` says `float16` or `bfloat16`; the bytes of a declared float type in a Uint8Array,
   * little-endian; or, as in TensorFlow.js, a function that reads them. The type is `unknown`
   * because the types of libraries allow texts and 64-bit integers too.
   */
  readonly data?: unknown;
  /**
   * The sizes, [N, C, h, w] or [C, h, w]. [N, C, 1, h, w], [N, 1, C, h, w] and [C, 1, h, w], the
   * single frame of video models, lose their axis of 1.
   *
   * [N, P, 4·C] holds packed latents: [N, P, 64] those of FLUX.1 for a model of 16 channels,
   * [N, P, 128] those of FLUX.2 for `taef2`. They are P patches of 2×2 numbers of C channels, in
   * the order of diffusers' `_pack_latents`. The options `width` and `height` give the picture's
   * size. Without them it is the size nearest to a square, and the wider one of two. Sizes that are
   * not multiples of 16 round to them as in diffusers.
   *
   * [N, 128, h, w] for `taef2` holds packed latents of FLUX.2 too, as its pipeline and ComfyUI have
   * them. No other model of this package has so many channels, so no option is needed. They are
   * unpacked as by PyTorch's `pixel_shuffle` to [N, 32, 2·h, 2·w].
   *
   * [16, h, 64] could be both. It is [C, h, w] for h below 256. From 256 on it is refused, because
   * it is a picture of 512×2048 or 16 packed ones of 256×256: `layout` or a batch axis decides.
   * The rule also holds for [32, h, 128] and [128, h, 128].
   */
  readonly dims?: ArrayLike<number | bigint> | undefined;
  /** The sizes under another name. Both must agree if both are given. */
  readonly shape?: ArrayLike<number | bigint> | undefined;
  /**
   * The type of the numbers by its name in any library: `float32`, `torch.float16`, `F16`, `half`,
   * `bfloat16`. It must be that of `data`. Defaults to the type of `data`.
   */
  readonly dtype?: unknown;
  /** The type of the numbers under another name. */
  readonly type?: unknown;
  /** Elements between neighbours on each axis. Defaults to row-major. */
  readonly strides?: ArrayLike<number | bigint> | undefined;
  /** The strides under another name. */
  readonly stride?: ArrayLike<number | bigint> | undefined;
  /** Elements before the first one. Defaults to 0. */
  readonly offset?: number | undefined;
  /**
   * The order of the axes: channels before rows, channels last, or packed latents. Defaults to
   * `NCHW`, or to `packed` for the shapes above.
   */
  readonly layout?: 'NCHW' | 'NHWC' | 'packed' | undefined;
  /** The space of latents. The option `space` of a call is used if both are given. */
  readonly space?: Space | undefined;
  /** The numbers' memory, in onnxruntime. `getData` is called if it is not `cpu`. */
  readonly location?: string | undefined;
  /** Reads the numbers, in onnxruntime. */
  getData?(): Promise<unknown>;
}

/**
 * The space of latents. `diffusion` is the one that diffusion models and TAESD work in; `vae` is
 * that of the model's full VAE, before `(z − shift) · scale`, or before `(z − mean) / std` of each
 * channel. The numbers of taef2's VAE are not known here, so `vae` is refused for its latents.
 */
export type Space = 'diffusion' | 'vae';

/** Latents with their origin, such as the result of `readLatents`. */
export interface LatentsWithOrigin {
  readonly latents: TensorLike;
  /** The space of the numbers. The option `space` of a call is used if both are given. */
  readonly space?: Space | undefined;
  /** The model of the latents. Latents of another space than the instance's are refused. */
  readonly model?: ModelName | undefined;
  /** The picture's size: the default of the options `width` and `height`. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}
