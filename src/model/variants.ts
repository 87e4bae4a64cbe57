import { hasOwn } from '../builtins/newer.ts';
import { describe, orList } from '../checks.ts';
import { expected, inCall, type Remedy } from '../errors.ts';
import { shapeText, type Tensor } from '../tensor.ts';
import { decoder } from './decoder.ts';
import { encoder } from './encoder.ts';
import type { Half, Network } from './layers.ts';
import { nanoDecoder, nanoEncoder } from './nano.ts';
import { QWEN_IMAGE_2_1_SCALE, qwenImage21Decoder, qwenImage21Encoder } from './qwen-image-2.1.ts';
import { sanaDecoder, sanaEncoder } from './sana.ts';
import { taewDecoder, taewEncoder } from './taew.ts';
import type { FromVae } from './vae-space.ts';

/** The latent spaces, each named after the TAESD that speaks it. */
export type LatentSpace =
  | 'taesd'
  | 'taesdxl'
  | 'taesd3'
  | 'taef1'
  | 'taef2'
  | 'taesana'
  | 'taeqi2_1'
  | 'taew2_1';

/** The name of a small model in the package. All but `nano` are decoders alone. */
export type NanoName = 'nano' | 'nano-sdxl' | 'nano-sd3' | 'nano-flux1';

/** The name of a model. `taef1-1.1` is a later training of `taef1`. */
export type ModelName = LatentSpace | 'taef1-1.1' | NanoName;

/**
 * The forms in which programs hold latents of C channels as 4·C channels of half the width and
 * height: channel 4·c + 2·i + j of (y, x) is channel c of (2·y + i, 2·x + j). Tokens are
 * [N, P, 4·C] and do not say their rows and columns; a map is [N, 4·C, h/2, w/2].
 */
export type PackedForm = 'tokens' | 'map';

/** The numbers of a latent channel that packed latents have as channels: 2×2. */
export const PACKED_NUMBERS = 4;

/** The properties that tell one TAESD from another. */
export interface Variant {
  readonly name: ModelName;
  /** Models of one space understand each other's latents. */
  readonly space: LatentSpace;
  /** The diffusion models whose latents it speaks. */
  readonly speaks: string;
  readonly latentChannels: number;
  /** The channels of its pictures: red, green and blue, or straight alpha too. */
  readonly pictureChannels: 3 | 4;
  /** A picture is this many times as wide and as high as its latents: 8, 16 or 32. */
  readonly downscale: number;
  readonly networks: Readonly<Record<Half, Network>>;
  /** The conversion from the latents of the full VAE to those of diffusion. */
  readonly fromVae: FromVae;
  /** The packed forms of its latents that are in use. Its calls take them too. */
  readonly packed: readonly PackedForm[];
  /**
   * The number that divides the sides of pictures the encoder takes. Others are extended to
   * multiples of it, by repeating the last column and row. A model without it takes any size:
   * TAESD's own pad with zeros, as the reference does.
   */
  readonly repeatsTo?: number;
  /**
   * True for a model of videos. It takes and makes single pictures. `networks` are the layers as
   * they are computed for one; some of the file's layers are part of the layer after them.
   */
  readonly isOfVideos?: true;
}

/**
 * One row a model. Those of `NanoName` are this project's own, made for the latents of their space;
 * the encoder of a decoder alone is that of its space's TAESD, whose weights it takes. Scale and
 * shift are `scaling_factor` and `shift_factor` of the VAE's config.json in diffusers
 * (https://github.com/huggingface/diffusers), the numbers of ComfyUI's latent_formats.py. The order
 * of packed latents is that of diffusers' `_pack_latents` and `_patchify_latents`.
 *
 * Rows of one space repeat each other: bundlers keep rows that spread an object, even where no code
 * uses them.
 */
export const VARIANTS: Readonly<Record<ModelName, Variant>> = {
  taesd: {
    name: 'taesd',
    space: 'taesd',
    speaks: 'Stable Diffusion 1 and 2',
    latentChannels: 4,
    pictureChannels: 3,
    downscale: 8,
    fromVae: { scale: 0.18215, shift: 0 },
    packed: [],
    get networks() {
      return networksOf(this);
    },
  },
  taesdxl: {
    name: 'taesdxl',
    space: 'taesdxl',
    speaks: 'Stable Diffusion XL',
    latentChannels: 4,
    pictureChannels: 3,
    downscale: 8,
    fromVae: { scale: 0.13025, shift: 0 },
    packed: [],
    get networks() {
      return networksOf(this);
    },
  },
  taesd3: {
    name: 'taesd3',
    space: 'taesd3',
    speaks: 'Stable Diffusion 3',
    latentChannels: 16,
    pictureChannels: 3,
    downscale: 8,
    fromVae: { scale: 1.5305, shift: 0.0609 },
    packed: ['tokens'],
    get networks() {
      return networksOf(this);
    },
  },
  taef1: {
    name: 'taef1',
    space: 'taef1',
    speaks: 'FLUX.1, Z-Image, HiDream',
    latentChannels: 16,
    pictureChannels: 3,
    downscale: 8,
    fromVae: { scale: 0.3611, shift: 0.1159 },
    packed: ['tokens'],
    get networks() {
      return networksOf(this);
    },
  },
  'taef1-1.1': {
    name: 'taef1-1.1',
    space: 'taef1',
    speaks: 'FLUX.1, Z-Image, HiDream',
    latentChannels: 16,
    pictureChannels: 3,
    downscale: 8,
    fromVae: { scale: 0.3611, shift: 0.1159 },
    packed: ['tokens'],
    get networks() {
      return networksOf(this);
    },
  },
  taef2: {
    name: 'taef2',
    space: 'taef2',
    speaks: 'FLUX.2',
    latentChannels: 32,
    pictureChannels: 3,
    downscale: 8,
    fromVae: {
      unknown:
        "the numbers are in the VAE's own file; take the pipeline's latents, " +
        'before its BatchNorm is undone',
    },
    packed: ['tokens', 'map'],
    get networks() {
      return networksOf(this, pooledEncoder, pooledDecoder);
    },
  },
  taesana: {
    name: 'taesana',
    space: 'taesana',
    speaks: 'Sana',
    latentChannels: 32,
    pictureChannels: 3,
    downscale: 32,
    fromVae: { scale: 0.41407, shift: 0 },
    packed: [],
    get networks() {
      return networksOf(this, sanaEncoder, sanaDecoder);
    },
  },
  taeqi2_1: {
    name: 'taeqi2_1',
    space: 'taeqi2_1',
    speaks: 'Qwen-Image 2.1, pictures with alpha',
    latentChannels: 64,
    pictureChannels: 4,
    downscale: 16,
    fromVae: QWEN_IMAGE_2_1_SCALE,
    packed: [],
    repeatsTo: 2,
    get networks() {
      return networksOf(this, qwenImage21Encoder, qwenImage21Decoder);
    },
  },
  taew2_1: {
    name: 'taew2_1',
    space: 'taew2_1',
    speaks: 'Qwen-Image, Krea 2, Wan 2.1, Wan 2.2 14B',
    latentChannels: 16,
    pictureChannels: 3,
    downscale: 8,
    fromVae: {
      mean: [
        -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715,
        0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
      ],
      std: [
        2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652,
        1.5579, 1.6382, 1.1253, 2.8251, 1.916,
      ],
    },
    packed: ['tokens'],
    isOfVideos: true,
    get networks() {
      return networksOf(this, taewEncoder, taewDecoder);
    },
  },
  nano: {
    name: 'nano',
    space: 'taesd',
    speaks: 'Stable Diffusion 1 and 2',
    latentChannels: 4,
    pictureChannels: 3,
    downscale: 8,
    fromVae: { scale: 0.18215, shift: 0 },
    packed: [],
    repeatsTo: 8,
    get networks() {
      return networksOf(this, nanoEncoder, nanoDecoder);
    },
  },
  'nano-sdxl': {
    name: 'nano-sdxl',
    space: 'taesdxl',
    speaks: 'Stable Diffusion XL',
    latentChannels: 4,
    pictureChannels: 3,
    downscale: 8,
    fromVae: { scale: 0.13025, shift: 0 },
    packed: [],
    get networks() {
      return networksOf(this, encoder, nanoDecoder);
    },
  },
  'nano-sd3': {
    name: 'nano-sd3',
    space: 'taesd3',
    speaks: 'Stable Diffusion 3',
    latentChannels: 16,
    pictureChannels: 3,
    downscale: 8,
    fromVae: { scale: 1.5305, shift: 0.0609 },
    packed: ['tokens'],
    get networks() {
      return networksOf(this, encoder, nanoDecoder);
    },
  },
  'nano-flux1': {
    name: 'nano-flux1',
    space: 'taef1',
    speaks: 'FLUX.1, Z-Image, HiDream',
    latentChannels: 16,
    pictureChannels: 3,
    downscale: 8,
    fromVae: { scale: 0.3611, shift: 0.1159 },
    packed: ['tokens'],
    get networks() {
      return networksOf(this, encoder, nanoDecoder);
    },
  },
};

/** The networks built so far: a program uses one or two models of the table. */
const built = new Map<Variant, Variant['networks']>();

function networksOf(
  variant: Variant,
  makeEncoder: (latentChannels: number) => Network = encoder,
  makeDecoder: (latentChannels: number) => Network = decoder,
): Variant['networks'] {
  const { latentChannels } = variant;
  const networks = built.get(variant) ?? {
    encoder: makeEncoder(latentChannels),
    decoder: makeDecoder(latentChannels),
  };
  built.set(variant, networks);
  return networks;
}

const pooledEncoder = (latentChannels: number) => encoder(latentChannels, { pool: true });
const pooledDecoder = (latentChannels: number) => decoder(latentChannels, { pool: true });

/** The small models by the space of their latents. */
export const NANOS: { readonly [space in LatentSpace]?: NanoName } = {
  taesd: 'nano',
  taesdxl: 'nano-sdxl',
  taesd3: 'nano-sd3',
  taef1: 'nano-flux1',
};

/** Returns true for a small model, whose weights are in the package. */
export const isNano = (model: ModelName): model is NanoName => /^nano/.test(model);

/**
 * Returns the small model for the latents of a model: `nano-sdxl` for `taesdxl`. Its weights are in
 * the package.
 *
 * @returns undefined if there is none for these latents
 * @throws TaesdError ARG (not the name of a model)
 */
export const nanoFor = (model: ModelName): NanoName | undefined =>
  inCall('nanoFor', () => nanoOf(variantNamed(model)));

/** Returns the small model of a space; see `nanoFor`. */
export const nanoOf = ({ space }: Pick<Variant, 'space'>): NanoName | undefined => NANOS[space];

/** Returns the model that encodes for a model's latents: another one for a decoder alone. */
export const encoderOf = ({ name, space }: Pick<Variant, 'name' | 'space'>): ModelName =>
  isNano(name) && name !== 'nano' ? space : name;

/** Returns true if a model has a half of its own: a decoder alone has no encoder. */
export const hasHalf = (variant: Pick<Variant, 'name' | 'space'>, half: Half): boolean =>
  half === 'decoder' || encoderOf(variant) === variant.name;

/** Returns the remedy for a model that has no encoder, or undefined for all others. */
export function encodingRemedy(variant: Pick<Variant, 'name' | 'space'>): Remedy | undefined {
  if (hasHalf(variant, 'encoder')) return undefined;
  const model = encoderOf(variant);
  const why = `${model} encodes for these latents`;
  return { api: `${why}: load({ model: '${model}' })`, command: `${why}: --model ${model}` };
}

/** Returns true if a model's pictures of this size are extended before they are encoded. */
export const repeatsEdges = (
  { repeatsTo = 1 }: Variant,
  { width, height }: { readonly width: number; readonly height: number },
): boolean => width % repeatsTo > 0 || height % repeatsTo > 0;

/** Returns the least and the largest side, in pixels, of pictures that have so many latents. */
export const sidesOf = (latents: number, downscale: number): { min: number; max: number } => ({
  min: (latents - 1) * downscale + 1,
  max: latents * downscale,
});

/** Returns true for the name of a model of the table. */
export const isModelName = (name: unknown): name is ModelName =>
  typeof name === 'string' && hasOwn(VARIANTS, name);

/**
 * Returns the row of a model.
 *
 * @throws TaesdError ARG naming the models of the table
 */
export function variantNamed(model: unknown, hint?: string): Variant {
  if (isModelName(model)) return VARIANTS[model];
  throw expected('ARG', 'model', `one of ${modelNames().join(', ')}`, describe(model), { hint });
}

/** The models of the table. */
export const modelNames = (): ModelName[] => Object.values(VARIANTS).map(({ name }) => name);

/** The latent spaces of the table that have `latentChannels` channels, or all. */
export const latentSpaces = (latentChannels?: number): LatentSpace[] =>
  spacesOf((variant) => latentChannels === undefined || variant.latentChannels === latentChannels);

const spacesOf = (fits: (variant: Variant) => boolean): LatentSpace[] => [
  ...new Set(
    Object.values(VARIANTS)
      .filter(fits)
      .map(({ space }) => space),
  ),
];

/** Returns the number of channels of a packed form, if the model's latents come in it. */
export const packedChannels = (
  { packed, latentChannels }: Pick<Variant, 'packed' | 'latentChannels'>,
  form: PackedForm,
): number | undefined => (packed.includes(form) ? PACKED_NUMBERS * latentChannels : undefined);

/** Returns the latent spaces whose latents have `channels` channels in a packed form. */
export const packedSpaces = (channels: number, form: PackedForm): LatentSpace[] =>
  spacesOf((variant) => packedChannels(variant, form) === channels);

/**
 * Returns how many times a picture may be as wide and as high as latents: the model's downscale;
 * without a model those of all models with so many channels, or of all if there are none.
 */
export function downscalesOf(latentChannels: number, model?: ModelName): number[] {
  if (model !== undefined) return [VARIANTS[model].downscale];
  const all = Object.values(VARIANTS);
  const fitting = all.filter((variant) => variant.latentChannels === latentChannels);
  const rows = fitting.length > 0 ? fitting : all;
  return [...new Set(rows.map(({ downscale }) => downscale))];
}

/** The channel counts of all models in words: `4, 16 or 32`. */
export const channelCounts = (): string =>
  orList([...new Set(Object.values(VARIANTS).map((row) => `${row.latentChannels}`))]);

/**
 * @param isLoaded  true if the model was loaded: loading another one is the remedy
 * @throws TaesdError SHAPE naming the models that latents [N, C, h, w] fit
 */
export function checkLatentChannels(
  { shape }: Pick<Tensor, 'shape'>,
  variant: Variant,
  isLoaded = false,
): void {
  const [, channels, , last] = shape;
  const { latentChannels, name } = variant;
  if (channels === latentChannels) return;
  const plain = latentSpaces(channels);
  const maps = packedSpaces(channels, 'map');
  // Tokens of another model were read as one latent [N, P, 4·C].
  const tokens = packedSpaces(last, 'tokens');
  const isLast = last === latentChannels && (channels > 1 || tokens.length === 0);
  const packed = maps.length > 0 || isLast ? maps : tokens;
  const what = plain.length > 0 ? 'latents' : 'packed latents';
  const models = plain.length > 0 ? plain : packed;
  const details =
    models.length > 0
      ? { remedy: otherModel(models, isLoaded, what) }
      : { hint: notYet(channels) ?? (isLast ? CHANNELS_LAST : 'not latents of TAESD?') };
  const rule = `shape [N,${latentChannels},h,w] for model ${name}`;
  throw expected('SHAPE', 'latents', rule, shapeText(shape), details);
}

const CHANNELS_LAST = "layout: 'NHWC' declares channels last";

/** The models that are not supported (weights/other-models.ts), by channels that no other has. */
const NOT_YET: Readonly<Record<number, string>> = { 12: 'taem1', 24: 'taeh3', 48: 'taew2_2' };

/** Returns a hint for channels that only a model has which is not supported. */
export const notYet = (channels: number): string | undefined =>
  NOT_YET[channels] && `latents of ${NOT_YET[channels]}? not supported yet`;

/**
 * Returns the remedy for latents of other models than the chosen one. If several fit, it says for
 * which diffusion models each is.
 */
export function otherModel(
  models: readonly ModelName[],
  isLoaded: boolean,
  what = 'latents',
): Remedy {
  const whose = `${what} of ${orList(models)}?`;
  const [first] = models;
  if (models.length === 1) {
    const api = isLoaded ? `${whose} load({ model: '${first}' })` : whose;
    return { api, command: `${whose} --model ${first}` };
  }
  const each = models.map((model) => `${model} for ${VARIANTS[model].speaks}`).join('; ');
  return {
    api: isLoaded ? `${whose} load({ model }) takes one: ${each}` : whose,
    command: `${whose} --model takes one: ${each}`,
  };
}
