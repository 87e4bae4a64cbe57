import type { Half } from '../model/layers.ts';
import type { ModelName } from '../model/variants.ts';

/** A tiny autoencoder of the family that this package does not run. */
export interface OtherModel {
  readonly name: string;
  /** The diffusion models whose latents it speaks. */
  readonly speaks: string;
  /** Other weights of equal shapes, which no shape tells apart. */
  readonly trap?: string;
  /** The supported model whose shapes it has. Its files are taken for that one's. */
  readonly shapesOf?: ModelName;
  /** The marks of its halves. A half is recognised if it has all of them. */
  readonly marks: Readonly<Partial<Record<Half, Marks>>>;
}

/** Output and input channels of weights, by taesd.py's names. */
type Marks = Readonly<Record<string, readonly [cout: number, cin: number]>>;

/**
 * A video model of madebyollin/taehv.
 *
 * @param patch  the pixels, in width and height, of which each input channel takes one
 */
const video = (channels: number, patch: number): OtherModel['marks'] => ({
  decoder: {
    '1.weight': [256, channels],
    '3.conv.0.weight': [256, 512],
    '22.weight': [3 * patch ** 2, 64],
  },
  encoder: {
    '0.weight': [64, 3 * patch ** 2],
    '4.conv.0.weight': [64, 128],
    '17.weight': [channels, 64],
  },
});

/** A video model whose decoder begins with a convolution to 512 channels. Its encoder is usual. */
const superVideo = (channels: number): OtherModel['marks'] => ({
  decoder: { '0.weight': [512, channels], '1.conv.0.weight': [1024, 1] },
});

/**
 * One row for each model whose shapes no other row has. The models of `VARIANTS` are recognised by
 * their layers. A row without marks is found by its name alone.
 *
 * Sources: https://github.com/madebyollin/taesd, taehv, taem1, taesdv
 */
const otherModels = (): readonly OtherModel[] => [
  {
    name: 'taehv, taecvx or taeos1_3',
    speaks: 'HunyuanVideo, CogVideoX or Open-Sora 1.3, a video model',
    shapesOf: 'taew2_1',
    trap:
      'the files of taehv (HunyuanVideo), taecvx (CogVideoX), taeos1_3 (Open-Sora 1.3) and ' +
      "lightx2v's lighttaew2_1 have the shapes of taew2_1 too: their names tell them apart",
    marks: {},
  },
  {
    name: 'taew2_2',
    speaks: 'Wan 2.2 TI2V 5B, a video model',
    trap: "lightx2v's lighttaew2_2 has these shapes too",
    marks: video(48, 2),
  },
  {
    name: 'taehv1_5',
    speaks: 'HunyuanVideo 1.5, a video model',
    trap: "lightx2v's lighttaehy1_5 has these shapes too, and another activation",
    marks: video(32, 2),
  },
  { name: 'taeh3', speaks: 'MiniMax H3, a video model', marks: video(24, 2) },
  {
    name: 'taeh3 without its memory',
    speaks: 'single frames of MiniMax H3',
    trap: "another file than upstream's of that name",
    marks: { decoder: { '1.weight': [256, 24], '3.conv.0.weight': [256, 256] } },
  },
  {
    name: 'taeltx_2 or taeltx2_3',
    speaks: 'LTX-2 or LTX-2.3, a video model',
    trap: 'their shapes are equal',
    marks: video(128, 4),
  },
  {
    name: 'taeltx2_3_wide',
    speaks: 'LTX-2.3, a video model',
    marks: { decoder: { '1.weight': [1024, 128], '22.weight': [48, 64] } },
  },
  {
    name: 'taew2_2_super',
    speaks: 'Wan 2.2 TI2V 5B, a video model',
    marks: superVideo(48),
  },
  {
    name: 'taehv1_5_super',
    speaks: 'HunyuanVideo 1.5, a video model',
    marks: superVideo(32),
  },
  { name: 'taem1', speaks: 'Mochi 1, a video model', marks: video(12, 1) },
  {
    name: 'taesdv',
    speaks: 'videos of Stable Diffusion 1, 2 and SVD',
    trap: 'its encoder is that of taesd',
    marks: { decoder: { '1.weight': [64, 4], '3.conv.0.weight': [64, 128] } },
  },
];

/** Returns the sentence about other weights that have a supported model's shapes, if any do. */
export const trapOf = (model: ModelName): string | undefined =>
  otherModels().find(({ shapesOf }) => shapesOf === model)?.trap;

/** Finds the model of a name among those that are not supported. Capitals do not matter. */
const otherModelNamed = (name: string): OtherModel | undefined =>
  otherModels().find((model) => model.name.split(/, | or /).includes(name.toLowerCase()));

/** Returns a hint for the name of a model that is not supported; undefined for other names. */
export function otherModelHint(name: string): string | undefined {
  const other = otherModelNamed(name);
  return other && `not supported yet: for ${other.speaks}`;
}

/**
 * Finds the model of a half's tensors among those that are not supported.
 *
 * @param tensors  by taesd.py's names
 */
export function otherModelWith(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): { model: OtherModel; half: Half } | undefined {
  const hasAll = (marks: Marks) =>
    Object.entries(marks).every(([name, [cout, cin]]) => {
      const { shape = [] } = tensors.get(name) ?? {};
      return shape.length === 4 && shape[0] === cout && shape[1] === cin;
    });
  for (const model of otherModels()) {
    const { decoder, encoder } = model.marks;
    if (decoder && hasAll(decoder)) return { model, half: 'decoder' };
    if (encoder && hasAll(encoder)) return { model, half: 'encoder' };
  }
  return undefined;
}
