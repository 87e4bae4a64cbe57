import { inside, onOneLine } from '../../errors.ts';
import { namedModel, recordsLatents } from '../../formats/recorded.ts';
import { recogniseFormat } from '../../formats/table.ts';
import { isModelName } from '../../model/variants.ts';
import { type DecodedPng, decodePng } from '../../png/index.ts';
import { expectedGot, fault } from '../terminal/faults.ts';
import { inputName, readInput } from './read-input.ts';

/** A picture of a file. */
export interface FilePicture extends DecodedPng {
  readonly kind: 'PNG';
  /** Sentences about what was left out or not converted. */
  readonly notes: readonly string[];
}

/**
 * Reads a picture of any kind. All commands read pictures here.
 *
 * @param name  the name of the file, for errors
 */
export const pictureOf = async (name: string, bytes: Uint8Array): Promise<FilePicture> =>
  inside(name, () => ({ kind: 'PNG', notes: [], ...decodePng(bytes) }));

/** The endings of pictures that are taken of a folder. */
export const PICTURE_ENDINGS: readonly string[] = ['.png'];

/** The description of IN in the help of commands that encode. */
export const PICTURE_HELP = 'a picture, a PNG file, or a folder of them; - is stdin';

/**
 * Reads a picture to encode.
 *
 * @throws TaesdError ARG (the file cannot be read, or holds latents); errors of `decodePng`
 */
export async function readPicture(path: string): Promise<FilePicture> {
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
  return picture;
}

function ofModel(model: string | undefined): string {
  if (model === undefined) return '';
  return ` of ${isModelName(model) ? model : JSON.stringify(onOneLine(model))}`;
}
