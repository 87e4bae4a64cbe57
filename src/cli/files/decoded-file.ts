import { type DecodeRowsOptions, type Taesd, type Tensor, writeSafetensors } from '../../index.ts';
import { downscalesOf, type ModelName, VARIANTS } from '../../model/variants.ts';
import { encodePngRows } from '../../png/index.ts';
import type { Size } from '../line/size.ts';
import { writeOutput } from './write-output.ts';

/** The formats of files of decoded latents. */
export const DECODED_FORMATS = [
  { name: 'png', endings: ['.png'], holds: 'the picture' },
  { name: 'safetensors', endings: ['.safetensors'], holds: 'f32 decoded' },
] as const;

type DecodedFormat = (typeof DECODED_FORMATS)[number];

/** Returns the format with this name. */
export const decodedFormat = (named: DecodedFormat['name'] | undefined) =>
  DECODED_FORMATS.find(({ name }) => name === named);

/** The sentence about the output in the help of commands that decode. */
export const DECODED_DETAIL =
  'OUT.png is the picture. OUT.safetensors holds f32 "decoded" [1,3,H,W], not clamped to [0,1]. ' +
  'Pictures of taeqi2_1 have alpha: RGBA, [1,4,H,W].';

/** A file to make from latents. */
export interface DecodedFile {
  readonly path: string;
  readonly format: DecodedFormat;
  /** The size to crop to. Defaults to the whole picture. */
  readonly size?: Size | undefined;
  /** The part of its width and height to decode to. Defaults to 1. */
  readonly resolution?: number | undefined;
}

/**
 * Decodes latents into a file. A `.png` is the picture, RGB, or RGBA of a model with alpha; its
 * rows are written while later ones are being decoded. A `.safetensors` holds f32 `decoded`
 * [1, C, H, W], not clamped.
 *
 * @returns the picture's size in words: `512×512`
 */
export async function decodeToFile(
  taesd: Taesd,
  latents: Tensor,
  { path, format, size, resolution = 1 }: DecodedFile,
  run: DecodeRowsOptions,
): Promise<string> {
  const whole = size ?? fullSize(latents, taesd.info.model);
  const options = { ...run, width: whole.width, height: whole.height, resolution };
  const [width, height] = [whole.width, whole.height].map((side) => Math.ceil(side * resolution));
  const { pictureChannels: channels } = VARIANTS[taesd.info.model];
  const pieces =
    format.name === 'png'
      ? encodePngRows({ width, height, channels }, taesd.decodeRows(latents, options))
      : [decodedTensor(await taesd.decode(latents, { ...options, output: 'tensor' }))];
  await writeOutput(path, pieces, run.signal);
  return `${width}×${height}`;
}

const decodedTensor = (decoded: Tensor): Uint8Array => writeSafetensors([['decoded', decoded]]);

/**
 * Returns the size of the picture before any cropping.
 *
 * @param model  the model of the latents, if it is known
 */
export function fullSize({ shape: [, c, h, w] }: Tensor, model: ModelName | undefined): Size {
  const [downscale] = downscalesOf(c, model);
  return { width: w * downscale, height: h * downscale };
}
