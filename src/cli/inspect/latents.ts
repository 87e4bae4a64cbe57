import type { LatentFile } from '../../formats/index.ts';
import { LATENT_SCALE, latentSpaces, VARIANTS } from '../../model/variants.ts';
import { shapeText, type Tensor } from '../../tensor.ts';
import { countText, factLines } from '../terminal/table.ts';

/** Latents: their shape, what the file remembers, their values. */
export function latentLines(kind: string, { latents, model, width, height }: LatentFile): string[] {
  const [, channels, h, w] = latents.shape;
  const fitting = latentSpaces(channels).join(' or ');
  const unknown = fitting === '' ? 'no model has so many channels' : `${fitting} by its channels`;
  const full = `${w * LATENT_SCALE}×${h * LATENT_SCALE}`;
  return factLines([
    ['kind', kind],
    ['shape', shapeText(latents.shape)],
    [
      'model',
      model === undefined ? `not said; ${unknown}` : `${model}, for ${VARIANTS[model].speaks}`,
    ],
    ['decodes to', width === undefined ? `${full}; no other size is said` : `${width}×${height}`],
    ['values', valueWords(latents)],
  ]);
}

/** `−2.953 … 3.000, mean 0.021` */
export function valueWords({ data }: Tensor): string {
  let [least, most, sum, count] = [Infinity, -Infinity, 0, 0];
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
    sum += value;
    count += 1;
  }
  const others = data.length - count;
  const note = others === 0 ? '' : `; ${countText(others)} are NaN or infinite`;
  if (count === 0) return `none that is finite${note}`;
  return `${numberText(least)} … ${numberText(most)}, mean ${numberText(sum / count)}${note}`;
}

const numberText = (value: number): string => value.toFixed(3).replace('-', '−');
