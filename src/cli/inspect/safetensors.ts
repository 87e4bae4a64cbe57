import { readSafetensors, toTensor } from '../../index.ts';
import type { Size } from '../line/size.ts';
import { factLines, shapeText } from '../terminal/table.ts';
import { valueWords } from './latents.ts';
import { DEFAULT_SIZE, refuseSize } from './size.ts';
import { weightLines } from './weights.ts';

/**
 * Returns lines about a safetensors file without latents: a decoded picture or weights.
 *
 * @throws TaesdError ARG (a size is given for a picture); errors of `readSafetensors`
 */
export function safetensorsLines(bytes: Uint8Array, size: Size | undefined): string[] {
  const file = readSafetensors(bytes);
  const decoded = file.tensors.get('decoded');
  if (decoded !== undefined) {
    refuseSize(size, 'a decoded picture');
    return factLines([
      ['kind', `a decoded picture, ${decoded.dtype}, not clamped to [0, 1]`],
      ['shape', shapeText(decoded.shape)],
      ['values', valueWords(toTensor(decoded, 'decoded'))],
    ]);
  }
  return weightLines(file, size ?? DEFAULT_SIZE);
}
