import { expected, messageOf, TaesdError } from '../../errors.ts';
import { type Codec, startCodec } from '../../picture/codec.ts';

/** Pixels to encode: RGBA bytes. */
export interface JpegInput {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** The encoder of the optional package that also decodes JPEG files. */
const ENCODER: Codec = {
  kind: 'JPEG',
  packageName: '@jsquash/jpeg',
  path: 'codec/enc/mozjpeg_enc',
  load: () => import('@jsquash/jpeg/codec/enc/mozjpeg_enc.js'),
};

/** A running encoder. */
interface Encoder {
  encode(
    data: Uint8Array,
    width: number,
    height: number,
    options: typeof OPTIONS,
  ): Uint8Array | null;
}

/**
 * Quality 95 is that of ComfyUI's previews. One scan takes half the time of several and 9 % more
 * bytes: 0.2 s for 512×512. Colours are kept at full size by the encoder's own rule from quality 90
 * on. The other numbers are the package's defaults.
 */
const OPTIONS = {
  quality: 95,
  baseline: true,
  arithmetic: false,
  progressive: false,
  optimize_coding: true,
  smoothing: 0,
  // YCbCr.
  color_space: 3,
  quant_table: 3,
  trellis_multipass: false,
  trellis_opt_zero: false,
  trellis_opt_table: false,
  trellis_loops: 1,
  auto_subsample: true,
  chroma_subsample: 2,
  separate_chroma_quality: false,
  chroma_quality: 75,
} as const;

/** The longest side of the encoder, JPEG_MAX_DIMENSION of libjpeg. */
const MAX_SIDE = 65_500;

/**
 * Encodes a picture as JPEG, on this thread.
 *
 * @throws TaesdError LIMIT (a side above 65,500 pixels), UNSUPPORTED (the package is not
 *   installed), OOM (no memory, or the encoder failed)
 */
export async function jpegOf({ width, height, data }: JpegInput): Promise<Uint8Array> {
  if (Math.max(width, height) > MAX_SIDE) {
    throw expected('LIMIT', 'JPEG', `sides up to ${MAX_SIDE}`, `${width}×${height}`);
  }
  // An instance of its own for each picture: its memory does not shrink.
  const encoder = await startCodec<Encoder>(ENCODER, () => {});
  try {
    const bytes = encoder.encode(data, width, height, OPTIONS);
    if (bytes !== null) return bytes;
  } catch (cause) {
    throw new TaesdError('OOM', `JPEG of ${width}×${height}: ${messageOf(cause)}`, { cause });
  }
  throw new TaesdError('OOM', `JPEG of ${width}×${height}: the encoder made nothing`);
}
