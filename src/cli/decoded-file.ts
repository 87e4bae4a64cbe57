import {
  type DecodeOptions,
  type Picture,
  type Taesd,
  type Tensor,
  writeSafetensors,
} from '../index.ts';
import { encodePng } from '../png/index.ts';
import type { Format } from './files.ts';

/** What the two formats hold once decoded, for messages about endings. */
export const DECODED_ENDINGS = { png: 'the picture', safetensors: 'f32 decoded' } as const;

/** What the help of the commands that decode says about their output. */
export const DECODED_DETAIL =
  'OUT.png is the picture, OUT.safetensors holds f32 "decoded" [1,3,H,W], not clamped to [0,1].';

/**
 * Decodes latents into the bytes of a file: `.png` is the picture, `.safetensors` holds f32 `decoded` [1, 3, H, W],
 * not clamped.
 */
export async function decodeToFile(
  taesd: Taesd,
  latents: Tensor,
  format: Format,
  options: Omit<DecodeOptions, 'output'>,
): Promise<{ readonly bytes: Uint8Array; readonly width: number; readonly height: number }> {
  if (format === 'png') {
    const picture = await taesd.decode(latents, { ...options, output: 'image' });
    return { bytes: picturePng(picture), width: picture.width, height: picture.height };
  }
  const decoded = await taesd.decode(latents, { ...options, output: 'tensor' });
  const [, , height, width] = decoded.shape;
  return { bytes: writeSafetensors([['decoded', decoded]]), width, height };
}

/** As RGB: the alpha of a decoded picture is 255 everywhere. */
function picturePng({ width, height, data }: Picture): Uint8Array {
  const rgb = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return encodePng({ width, height, data: rgb });
}
