import { inside, onOneLine } from '../../errors.ts';
import { namedModel, recordsLatents } from '../../formats/recorded.ts';
import { recogniseFormat } from '../../formats/table.ts';
import { isModelName } from '../../model/variants.ts';
import { type DecodedPng, decodePng } from '../../png/index.ts';
import { expectedGot, fault } from '../terminal/faults.ts';
import { readInput } from './read-input.ts';

/**
 * Reads a picture to encode.
 *
 * @throws TaesdError ARG (the file cannot be read, or holds latents); errors of `decodePng`
 */
export async function readPicture(path: string): Promise<DecodedPng> {
  const bytes = await readInput(path);
  const format = recogniseFormat(bytes);
  if (format !== undefined && format.also !== 'pictures') {
    const hint = 'latents? taesd decode';
    throw fault(path, expectedGot('a picture', format.name), { hint });
  }
  const picture = inside(path, () => decodePng(bytes));
  if (recordsLatents(picture.text)) {
    const got = `latents${ofModel(namedModel(picture.text))}`;
    throw fault(path, expectedGot('a picture', got), { hint: 'taesd decode?' });
  }
  return picture;
}

function ofModel(model: string | undefined): string {
  if (model === undefined) return '';
  return ` of ${isModelName(model) ? model : JSON.stringify(onOneLine(model))}`;
}
