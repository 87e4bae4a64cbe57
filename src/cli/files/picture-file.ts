import { describe } from '../../checks.ts';
import { expected } from '../../errors.ts';
import { namedModel } from '../../formats/remembered.ts';
import { isModelName } from '../../model/variants.ts';
import { type DecodedPng, decodePng } from '../../png/index.ts';
import { isSafetensors, readInput, readingFile } from './files.ts';

/**
 * Reads the picture that is to be encoded.
 *
 * @throws TaesdError ARG where the file cannot be read or says that it holds latents; what `decodePng` throws
 */
export async function readPicture(path: string): Promise<DecodedPng> {
  const bytes = await readInput(path, 'a picture to read');
  if (isSafetensors(bytes)) {
    const hint = 'latents? taesd decode';
    throw expected('ARG', path, 'a picture', 'a safetensors file', { hint });
  }
  const picture = readingFile(path, () => decodePng(bytes));
  const model = namedModel(picture.text);
  if (model !== undefined) {
    const name = isModelName(model) ? model : describe(model);
    throw expected('ARG', path, 'a picture', `latents of ${name}`, { hint: 'taesd decode?' });
  }
  return picture;
}
