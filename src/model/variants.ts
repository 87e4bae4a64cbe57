import { describe } from '../checks.ts';
import { expected, type Remedy } from '../errors.ts';
import { shapeText, type Tensor } from '../tensor.ts';
import { decoder } from './decoder.ts';
import { encoder } from './encoder.ts';
import type { Half, Network } from './layers.ts';
import { nanoDecoder, nanoEncoder } from './nano.ts';

/** The latent spaces, each named after the TAESD that speaks it. */
export type LatentSpace = 'taesd' | 'taesdxl' | 'taesd3' | 'taef1' | 'taef2';

/** The name of a model; `nano` is the small one in the package. */
export type ModelName = LatentSpace | 'nano';

/** The properties that tell one TAESD from another. */
export interface Variant {
  readonly name: ModelName;
  /** Models of one space understand each other's latents. */
  readonly space: LatentSpace;
  /** The diffusion models whose latents it speaks. */
  readonly speaks: string;
  readonly latentChannels: number;
  readonly networks: Readonly<Record<Half, Network>>;
  /** From the latents `z` of the full VAE to those of diffusion: `(z − shift) · scale`. */
  readonly scale: number;
  readonly shift: number;
}

/**
 * One row a model; `nano` is this project's own, made for the latents of `taesd`. Scale and shift
 * are `scaling_factor` and `shift_factor` of the VAE's config.json in diffusers
 * (https://github.com/huggingface/diffusers), the numbers of ComfyUI's latent_formats.py.
 */
export const VARIANTS: Readonly<Record<ModelName, Variant>> = {
  taesd: {
    name: 'taesd',
    space: 'taesd',
    speaks: 'Stable Diffusion 1 and 2',
    latentChannels: 4,
    scale: 0.18215,
    shift: 0,
    get networks() {
      return networksOf(this);
    },
  },
  taesdxl: {
    name: 'taesdxl',
    space: 'taesdxl',
    speaks: 'Stable Diffusion XL',
    latentChannels: 4,
    scale: 0.13025,
    shift: 0,
    get networks() {
      return networksOf(this);
    },
  },
  taesd3: {
    name: 'taesd3',
    space: 'taesd3',
    speaks: 'Stable Diffusion 3',
    latentChannels: 16,
    scale: 1.5305,
    shift: 0.0609,
    get networks() {
      return networksOf(this);
    },
  },
  taef1: {
    name: 'taef1',
    space: 'taef1',
    speaks: 'FLUX.1, Z-Image, HiDream',
    latentChannels: 16,
    scale: 0.3611,
    shift: 0.1159,
    get networks() {
      return networksOf(this);
    },
  },
  taef2: {
    name: 'taef2',
    space: 'taef2',
    speaks: 'FLUX.2',
    latentChannels: 32,
    scale: 1,
    shift: 0,
    get networks() {
      return networksOf(this, pooledNetworks);
    },
  },
  nano: {
    name: 'nano',
    space: 'taesd',
    speaks: 'Stable Diffusion 1 and 2, in the package',
    latentChannels: 4,
    scale: 0.18215,
    shift: 0,
    get networks() {
      return networksOf(this, nanoNetworks);
    },
  },
};

/** The networks built so far: a program uses one or two models of the table. */
const built = new Map<Variant, Variant['networks']>();

function networksOf(variant: Variant, build = taesdNetworks): Variant['networks'] {
  const networks = built.get(variant) ?? build(variant);
  built.set(variant, networks);
  return networks;
}

const taesdNetworks = ({ latentChannels }: Variant): Variant['networks'] => ({
  encoder: encoder(latentChannels),
  decoder: decoder(latentChannels),
});

const pooledNetworks = ({ latentChannels }: Variant): Variant['networks'] => ({
  encoder: encoder(latentChannels, { pool: true }),
  decoder: decoder(latentChannels, { pool: true }),
});

const nanoNetworks = (): Variant['networks'] => ({
  encoder: nanoEncoder(),
  decoder: nanoDecoder(),
});

/** Converts a number of the full VAE's latents to the space of diffusion. */
export const fromVae = (z: number, { scale, shift }: Pick<Variant, 'scale' | 'shift'>): number =>
  (z - shift) * scale;

/** A picture is this many times as wide and as high as its latent. */
export const LATENT_SCALE = 8;

/** Returns true for the name of a model of the table. */
export const isModelName = (name: unknown): name is ModelName =>
  typeof name === 'string' && Object.hasOwn(VARIANTS, name);

/**
 * Returns the row of a model.
 *
 * @throws TaesdError ARG naming the models of the table
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

/**
 * @param isLoaded  true if the model was loaded: loading another one is the remedy
 * @throws TaesdError SHAPE naming the models that latents [N, C, h, w] fit
 */
export function checkLatentChannels(
  { shape }: Pick<Tensor, 'shape'>,
  variant: Variant,
  isLoaded = false,
): void {
  if (shape[1] === variant.latentChannels) return;
  const fitting = latentSpaces(shape[1]);
  const unfit =
    shape[3] === variant.latentChannels
      ? "layout: 'NHWC' declares channels last"
      : 'not latents of TAESD?';
  const rule = `shape [N,${variant.latentChannels},h,w] for model ${variant.name}`;
  const details = fitting.length > 0 ? { remedy: otherModel(fitting, isLoaded) } : { hint: unfit };
  throw expected('SHAPE', 'latents', rule, shapeText(shape), details);
}

/** Returns the remedy for latents of other models than the chosen one. */
export function otherModel(models: readonly ModelName[], isLoaded: boolean): Remedy {
  const names = models.join(' or ');
  const whose = `latents of ${names}?`;
  return {
    api: isLoaded ? `${whose} load({ model: '${models.join("' or '")}' })` : whose,
    command: `${whose} --model ${names}`,
  };
}
