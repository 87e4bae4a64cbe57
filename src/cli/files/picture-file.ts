import { inside, onOneLine } from '../../errors.ts';
import { namedModel, recordsLatents } from '../../formats/recorded.ts';
import { recogniseFormat } from '../../formats/table.ts';
import { isModelName } from '../../model/variants.ts';
import { type DecodedPicture, decodePicture } from '../../picture/index.ts';
import { expectedGot, fault } from '../terminal/faults.ts';
import { sayLine } from '../terminal/say.ts';
import { readInput } from './read-input.ts';

/**
 * Reads a picture to encode: a PNG, JPEG or WebP file. Lines on stderr report what was not
 * converted.
 *
 * @throws TaesdError ARG (the file cannot be read, or holds latents); errors of `decodePicture`
 */
export async function readPicture(path: string): Promise<DecodedPicture> {
  const bytes = await readInput(path);
  const format = recogniseFormat(bytes);
  if (format !== undefined && format.also !== 'pictures') {
    const hint = 'latents? taesd decode';
    throw fault(path, expectedGot('a picture', format.name), { hint });
  }
  const picture = await inside(path, () => decodePicture(bytes));
  if (recordsLatents(picture.text)) {
    const got = `latents${ofModel(namedModel(picture.text))}`;
    throw fault(path, expectedGot('a picture', got), { hint: 'taesd decode?' });
  }
  for (const note of picture.notes) sayLine(`${path}: ${note}`);
  return picture;
}

function ofModel(model: string | undefined): string {
  if (model === undefined) return '';
  return ` of ${isModelName(model) ? model : JSON.stringify(onOneLine(model))}`;
}
