import { inside, onOneLine } from '../../errors.ts';
import { namedModel, recordsLatents } from '../../formats/recorded.ts';
import { recogniseFormat } from '../../formats/table.ts';
import { isModelName } from '../../model/variants.ts';
import { type DecodedPicture, decodePicture, sizeWithin } from '../../picture/index.ts';
import type { Size } from '../line/size.ts';
import { expectedGot, fault } from '../terminal/faults.ts';
import type { Say } from '../terminal/say.ts';
import { withPastedName } from './pasted-name.ts';
import { inputName, readSource, type Source } from './read-input.ts';

/** The description of IN in the help of commands that encode. */
export const PICTURE_HELP = 'a picture: a PNG, JPEG or WebP file; or a folder of them; - is stdin';

/** The names of the options that commands which encode pictures share. */
export const PICTURE_OPTIONS = [
  'background',
  'maxSize',
  'maxPixels',
  'weights',
  'precision',
  'workers',
  'backend',
  'quiet',
] as const;

/**
 * Reads a picture. All commands read pictures here.
 *
 * @param path  the name of the file, for errors
 * @throws TaesdError errors of `decodePicture`
 */
export const pictureOf = (
  path: string,
  bytes: Uint8Array,
  maxPixels: number | undefined,
): Promise<DecodedPicture> =>
  inside(inputName(path), () =>
    decodePicture(bytes, { maxPixels }).catch((error: unknown) => {
      throw withPastedName(path, error);
    }),
  );

/**
 * Reads a picture to encode: a PNG, JPEG or WebP file. Notes report what was not converted.
 *
 * @throws TaesdError ARG (the file cannot be read, or holds latents); errors of `decodePicture`
 */
export async function readPicture(
  source: Source,
  say: Say,
  maxPixels: number | undefined,
): Promise<DecodedPicture> {
  const { input: path } = source;
  const bytes = await readSource(source);
  const name = inputName(path);
  const format = recogniseFormat(bytes);
  if (format !== undefined && format.also !== 'pictures') {
    const hint = 'latents? taesd decode';
    throw fault(name, expectedGot('a picture', format.name), { hint });
  }
  const picture = await pictureOf(path, bytes, maxPixels);
  if (recordsLatents(picture.text)) {
    const got = `latents${ofModel(namedModel(picture.text))}`;
    throw fault(name, expectedGot('a picture', got), { hint: 'taesd decode?' });
  }
  for (const note of picture.notes) say(`${name}: ${note}`);
  return picture;
}

/** Returns the size that `encode` scales a picture to. @param maxSize  undefined keeps its size */
export const scaledSize = ({ width, height }: Size, maxSize: number | undefined): Size =>
  maxSize === undefined ? { width, height } : sizeWithin(width, height, maxSize);

function ofModel(model: string | undefined): string {
  if (model === undefined) return '';
  return ` of ${isModelName(model) ? model : JSON.stringify(onOneLine(model))}`;
}
