import type { FoundLatents } from '../../formats/index.ts';
import type { Tensor } from '../../index.ts';
import { VARIANTS } from '../../model/variants.ts';
import { countText, factLines, shapeText } from '../terminal/table.ts';
import { wrap } from '../terminal/wrap.ts';

/** The columns left beside the longest name of a fact about latents. */
const NOTE_LENGTH = 86;

/** Returns lines about latents: their form, shape, space, model, values, and what is assumed. */
export function latentLines(found: FoundLatents): string[] {
  const { latents, space, model, width, height, source, assumed } = found;
  const [batch] = latents.shape;
  const each = batch === 1 ? '' : `, each of ${batch}`;
  return factLines([
    ['kind', source],
    ['shape', shapeText(latents.shape)],
    ['space', space === 'vae' ? 'VAE' : 'diffusion'],
    ['model', model === undefined ? 'not recorded' : `${model}, for ${VARIANTS[model].speaks}`],
    ['decodes to', `${width}×${height}${each}`],
    ['values', valueWords(latents)],
    ...assumed.flatMap((sentence) =>
      wrap(sentence, NOTE_LENGTH).map((line, i) => [i === 0 ? 'note' : '', line] as const),
    ),
  ]);
}

/** Returns `−2.953 … 3.000, mean 0.021`. */
export function valueWords({ data }: Tensor): string {
  let [min, max, sum, count] = [Infinity, -Infinity, 0, 0];
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    count += 1;
  }
  const others = data.length - count;
  const note = others === 0 ? '' : `; ${countText(others)} are NaN or infinite`;
  if (count === 0) return `none is finite${note}`;
  return `${numberText(min)} … ${numberText(max)}, mean ${numberText(sum / count)}${note}`;
}

const numberText = (value: number): string => value.toFixed(3).replace('-', '−');
