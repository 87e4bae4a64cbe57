import { isSafetensors } from '../../first-bytes.ts';
import { readSafetensors, toTensor } from '../../index.ts';
import { withEightBits } from '../../weights/eight-bits.ts';
import { readWeightFile } from '../../weights/from-bytes.ts';
import type { Size } from '../line/size.ts';
import { factLines, shapeText } from '../terminal/table.ts';
import { type Values, valuesOf, valueWords } from './latents.ts';
import { DEFAULT_SIZE, refuseSize } from './size.ts';
import { describeWeights, type WeightsFindings } from './weights.ts';

/** A decoded picture in a safetensors file, as the JSON document describes it. */
export interface DecodedFindings {
  readonly kind: 'decoded';
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: Values;
}

/**
 * Describes a file of tensors without latents: a decoded picture or weights.
 *
 * @throws TaesdError ARG (a size is given for a picture); errors of `readWeightFile`
 */
export async function describeTensors(
  bytes: Uint8Array,
  size: Size | undefined,
): Promise<DecodedFindings | WeightsFindings> {
  if (!isSafetensors(bytes)) {
    return describeWeights(await readWeightFile(bytes), size ?? DEFAULT_SIZE);
  }
  const file = readSafetensors(bytes);
  const decoded = file.tensors.get('decoded');
  if (decoded === undefined)
    return describeWeights({ ...file, ...withEightBits(file) }, size ?? DEFAULT_SIZE);
  refuseSize(size, 'a decoded picture');
  const { dtype, shape } = decoded;
  return { kind: 'decoded', dtype, shape, values: valuesOf(toTensor(decoded, 'decoded')) };
}

/** Returns lines about a decoded picture. */
export function decodedLines({ dtype, shape, values }: DecodedFindings): string[] {
  return factLines([
    ['kind', `a decoded picture, ${dtype}, not clamped to [0, 1]`],
    ['shape', shapeText(shape)],
    ['values', valueWords(values)],
  ]);
}
