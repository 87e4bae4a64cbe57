import type { FormatReading } from '../../formats/format.ts';
import type { Tensor } from '../../index.ts';
import { LATENT_SCALE, latentSpaces, VARIANTS } from '../../model/variants.ts';
import { countText, factLines, shapeText } from '../terminal/table.ts';

/** Returns lines about latents: their shape, the records of their file, their values. */
export function latentLines({ file, kind }: FormatReading): string[] {
  const { latents, model, width, height } = file;
  const [, channels, h, w] = latents.shape;
  const fitting = latentSpaces(channels).join(' or ');
  const unknown =
    fitting === '' ? `no model has ${channels} channels` : `${fitting} by its channels`;
  const full = `${w * LATENT_SCALE}×${h * LATENT_SCALE}`;
  return factLines([
    ['kind', kind],
    ['shape', shapeText(latents.shape)],
    [
      'model',
      model === undefined ? `not recorded; ${unknown}` : `${model}, for ${VARIANTS[model].speaks}`,
    ],
    ['decodes to', width === undefined ? `${full}; no size recorded` : `${width}×${height}`],
    ['values', valueWords(latents)],
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
