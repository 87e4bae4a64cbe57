import { type RunOptions, type Taesd, type Tensor, writeSafetensors } from '../../index.ts';
import { LATENT_SCALE } from '../../model/variants.ts';
import { encodePngRows } from '../../png/index.ts';
import type { Size } from '../line/option-values.ts';
import { type Format, writeOutput } from './files.ts';

/** What the two formats hold once decoded, for messages about endings. */
export const DECODED_ENDINGS = { png: 'the picture', safetensors: 'f32 decoded' } as const;

/** What the help of the commands that decode says about their output. */
export const DECODED_DETAIL =
  'OUT.png is the picture, OUT.safetensors holds f32 "decoded" [1,3,H,W], not clamped to [0,1].';

/** The file that is made of latents. */
export interface DecodedFile {
  readonly path: string;
  readonly format: Format;
  /** The size to crop to; 8 times that of the latents unless said. */
  readonly size?: Size | undefined;
}

/**
 * Decodes latents into a file: `.png` is the picture, RGB, written row by row while the rest is being decoded;
 * `.safetensors` holds f32 `decoded` [1, 3, H, W], not clamped.
 *
 * @returns the picture's size in words: `512×512`
 */
export async function decodeToFile(
  taesd: Taesd,
  latents: Tensor,
  { path, format, size }: DecodedFile,
  run: RunOptions,
): Promise<string> {
  const { width, height } = size ?? fullSize(latents);
  const options = { ...run, width, height };
  const pieces =
    format === 'png'
      ? encodePngRows({ width, height, channels: 3 }, taesd.decodeRows(latents, options))
      : [decodedTensor(await taesd.decode(latents, { ...options, output: 'tensor' }))];
  await writeOutput(path, pieces, run.signal);
  return `${width}×${height}`;
}

const decodedTensor = (decoded: Tensor): Uint8Array => writeSafetensors([['decoded', decoded]]);

/** The size of the picture that nothing is cropped of. */
export const fullSize = ({ shape: [, , h, w] }: Tensor): Size => ({
  width: w * LATENT_SCALE,
  height: h * LATENT_SCALE,
});
