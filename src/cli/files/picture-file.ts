import { inside, onOneLine } from '../../errors.ts';
import { namedModel, recordsLatents } from '../../formats/recorded.ts';
import { recogniseFormat } from '../../formats/table.ts';
import { isModelName } from '../../model/variants.ts';
import { type DecodedPicture, decodePicture, sizeWithin } from '../../picture/index.ts';
import type { Size } from '../line/size.ts';
import { expectedGot, fault } from '../terminal/faults.ts';
import { type Say, sayLine } from '../terminal/say.ts';
import { inputName, readInput } from './read-input.ts';

/** The endings of the pictures that are taken of a folder. */
export const PICTURE_ENDINGS: readonly string[] = ['.png', '.jpg', '.jpeg', '.webp'];

/** The description of IN in the help of commands that encode. */
export const PICTURE_HELP = 'a picture: a PNG, JPEG or WebP file; or a folder of them; - is stdin';

/** The names of the options that commands which encode pictures share. */
export const PICTURE_OPTIONS = [
  'background',
  'maxSize',
  'weights',
  'precision',
  'workers',
  'backend',
  'quiet',
] as const;

/**
 * Reads a picture. All commands read pictures here.
 *
 * @param name  the name of the file, for errors
 * @throws TaesdError errors of `decodePicture`
 */
export const pictureOf = (name: string, bytes: Uint8Array): Promise<DecodedPicture> =>
  inside(name, () => decodePicture(bytes));

/**
 * Reads a picture to encode: a PNG, JPEG or WebP file. Notes report what was not converted.
 *
 * @throws TaesdError ARG (the file cannot be read, or holds latents); errors of `decodePicture`
 */
export async function readPicture(path: string, say: Say = sayLine): Promise<DecodedPicture> {
  const bytes = await readInput(path);
  const name = inputName(path);
  const format = recogniseFormat(bytes);
  if (format !== undefined && format.also !== 'pictures') {
    const hint = 'latents? taesd decode';
    throw fault(name, expectedGot('a picture', format.name), { hint });
  }
  const picture = await pictureOf(name, bytes);
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
