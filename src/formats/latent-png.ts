import { checkNames } from '../checks.ts';
import { inCall } from '../errors.ts';
import { startsWith } from '../first-bytes.ts';
import { latentsToPicture, pictureToLatents } from '../latent.ts';
import { type ModelName, VARIANTS, variantNamed } from '../model/variants.ts';
import { type DecodedPng, type DecodePngOptions, encodePng } from '../png/index.ts';
import { decodeRawPng } from '../png/raw.ts';
import { refuseName } from './choose-tensor.ts';
import type { FormatReading, LatentFile, LatentFormat, LatentReadOptions } from './format.ts';
import { recordedModel, recordedSize, recordedText, recordsLatents } from './recorded.ts';
import { inSpace } from './spaces.ts';

/*
 * Latents as an RGBA picture of 8 bits a channel.
 */

/** The first four bytes of a PNG. Damaged line ends after them are for `decodePng` to report. */
const SIGNATURE = '\x89PNG';

/** The row of the table of formats. */
export const latentPng = {
  name: 'a PNG file',
  endings: ['.png'],
  holds: '8-bit latents',
  detail: 'holds 8-bit latents as an RGBA picture, the model and the size of the picture',
  also: 'pictures',
  writtenSpace: 'diffusion',
  recognises: (bytes: Uint8Array) => startsWith(bytes, SIGNATURE),
  read(bytes: Uint8Array, options: LatentReadOptions = {}): FormatReading {
    refuseName(options.tensor);
    const { file, picture } = read(bytes, options);
    return {
      file: { ...file, space: 'diffusion' },
      kind: '8-bit latents, an RGBA picture',
      doubt: doubtOf(picture),
    };
  },
  write,
} satisfies LatentFormat;

/**
 * Encodes latents as a PNG: 8 bits a value (one step is 0.0235), four channels in a pixel's red,
 * green, blue and alpha, the tiles of further channels stacked below (`latentsToPicture`).
 *
 * @throws TaesdError ARG (not an object, a wrong model or size), SHAPE (not [1, 4·k, h, w], or not
 *   the model's channels)
 */
export function encodeLatentPng(file: LatentFile): Uint8Array<ArrayBuffer> {
  return inCall('encodeLatentPng', () => write(file));
}

/**
 * Decodes a PNG to latents.
 *
 * @param bytes  the whole file, from this package or another program that folds latents in this way
 * @param model  the model of the latents if the file does not say it. Defaults to `taesd`. A file
 *   that says it is unfolded by its own model, which determines the number of tiles
 * @param options  `maxPixels`, as for `decodePng`. It counts the latent's pixels, not the
 *   picture's. The colours are read as they are stored
 * @throws TaesdError SHAPE (a height that is not a whole number of tiles), FORMAT (a recorded
 *   size that is not a size, or not the latents'), UNSUPPORTED (an unknown recorded model), ARG,
 *   and the errors of `decodePng`
 */
export function decodeLatentPng(
  bytes: Uint8Array,
  model: ModelName = 'taesd',
  options: Pick<DecodePngOptions, 'maxPixels'> = {},
): LatentFile {
  return inCall('decodeLatentPng', () => {
    checkNames(options, ['maxPixels']);
    return read(bytes, { ...options, model }).file;
  });
}

function write(file: LatentFile): Uint8Array<ArrayBuffer> {
  const own = inSpace(file, 'diffusion');
  const text = recordedText(own);
  return encodePng(latentsToPicture(own.latents), text);
}

function read(
  bytes: Uint8Array,
  { model = 'taesd', maxPixels }: LatentReadOptions,
): { file: LatentFile; picture: DecodedPng } {
  const given = variantNamed(model);
  const picture = decodeRawPng(bytes, maxPixels);
  const { text } = picture;
  const recorded = recordedModel(text);
  const { latentChannels, name } = recorded === undefined ? given : VARIANTS[recorded];
  const latents = pictureToLatents(picture, latentChannels);
  const size = recordedSize(text, latents, name);
  return { file: { latents, model: recorded, ...size }, picture };
}

/** Returns the doubt about a PNG. Every PNG can be read as latents. */
function doubtOf({ text, data }: DecodedPng): FormatReading['doubt'] {
  if (recordsLatents(text)) return undefined;
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return 'unmarked';
  return 'opaque';
}
