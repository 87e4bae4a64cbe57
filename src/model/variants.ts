import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { shapeText, type Tensor } from '../tensor.ts';
import { decoder } from './decoder.ts';
import { encoder } from './encoder.ts';
import type { Half, Network } from './layers.ts';
import { nanoDecoder, nanoEncoder } from './nano.ts';

/** The latent spaces, each named after the TAESD that speaks it. */
export type LatentSpace = 'taesd' | 'taesdxl' | 'taesd3' | 'taef1';

/** The name of a model; `nano` is the small one in the package. */
export type ModelName = LatentSpace | 'nano';

/** What tells one TAESD from another. */
export interface Variant {
  readonly name: ModelName;
  /** Models of one space understand each other's latents. */
  readonly space: LatentSpace;
  /** The diffusion models whose latents it speaks. */
  readonly speaks: string;
  readonly latentChannels: number;
  readonly networks: Readonly<Record<Half, Network>>;
  /** From the latents `z` of the full VAE to those that diffusion works on: `(z − shift) · scale`. */
  readonly scale: number;
  readonly shift: number;
}

/**
 * One row a model; `nano` is this project's own, made for the latents of `taesd`. Scale and shift: `scaling_factor` and `shift_factor` of the VAE's config.json in diffusers
 * (https://github.com/huggingface/diffusers), the numbers of ComfyUI's latent_formats.py.
 */
export const VARIANTS: Readonly<Record<ModelName, Variant>> = {
  taesd: row('taesd', 'Stable Diffusion 1 and 2', 4, 0.18215, 0),
  taesdxl: row('taesdxl', 'Stable Diffusion XL', 4, 0.13025, 0),
  taesd3: row('taesd3', 'Stable Diffusion 3', 16, 1.5305, 0.0609),
  taef1: row('taef1', 'FLUX.1, Z-Image, HiDream', 16, 0.3611, 0.1159),
  nano: {
    ...row('taesd', 'Stable Diffusion 1 and 2, in the package', 4, 0.18215, 0),
    name: 'nano',
    networks: { encoder: nanoEncoder(), decoder: nanoDecoder() },
  },
};

function row(
  space: LatentSpace,
  speaks: string,
  latentChannels: number,
  scale: number,
  shift: number,
): Variant {
  const networks = { encoder: encoder(latentChannels), decoder: decoder(latentChannels) };
  return { name: space, space, speaks, latentChannels, networks, scale, shift };
}

/** The picture is this many times as wide and as high as its latent. */
export const LATENT_SCALE = 8;

/** The network of one half of a model. */
export const networkOf = ({ networks }: Variant, part: Half): Network => networks[part];

/** True for the name of a model of the table. */
export const isModelName = (name: unknown): name is ModelName =>
  typeof name === 'string' && Object.hasOwn(VARIANTS, name);

/**
 * The row of a model's name.
 *
 * @throws TaesdError ARG naming the models there are
 */
export function variantNamed(model: unknown): Variant {
  if (isModelName(model)) return VARIANTS[model];
  throw expected('ARG', 'model', `one of ${modelNames().join(', ')}`, describe(model));
}

/** The models of the table. */
export const modelNames = (): ModelName[] => Object.values(VARIANTS).map(({ name }) => name);

/** The latent spaces of the table that have `latentChannels` channels, or all. */
export function latentSpaces(latentChannels?: number): LatentSpace[] {
  const fitting = Object.values(VARIANTS).filter(
    (variant) => latentChannels === undefined || variant.latentChannels === latentChannels,
  );
  return [...new Set(fitting.map(({ space }) => space))];
}

/** @throws TaesdError SHAPE saying which models the latents [N, C, h, w] would fit */
export function checkLatentChannels({ shape }: Pick<Tensor, 'shape'>, variant: Variant): void {
  if (shape[1] === variant.latentChannels) return;
  const fitting = latentSpaces(shape[1]);
  const hint = fitting.length > 0 ? `latents of ${fitting.join(' or ')}?` : 'not latents of TAESD?';
  const rule = `shape [N,${variant.latentChannels},h,w] for model ${variant.name}`;
  throw expected('SHAPE', 'latents', rule, shapeText(shape), { hint });
}
