import type { FoundLatents } from '../../formats/index.ts';
import type { ModelName, Tensor } from '../../index.ts';
import { VARIANTS } from '../../model/variants.ts';
import { countText, factLines, shapeText } from '../terminal/table.ts';
import { wrap } from '../terminal/wrap.ts';

/** Latents as the JSON document describes them. */
export interface LatentsFindings {
  readonly kind: 'latents';
  /** The format and the stored form in words. */
  readonly source: string;
  readonly shape: readonly number[];
  readonly space: 'diffusion' | 'vae';
  readonly model: ModelName | null;
  /** The size of the picture they decode to. */
  readonly width: number;
  readonly height: number;
  readonly values: Values;
  readonly notes: readonly string[];
}

/** The finite numbers of a tensor. The first three are null if there are none. */
export interface Values {
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly notFinite: number;
}

/** Describes latents: their form, shape, space, model, values, and what is assumed. */
export function describeLatents(found: FoundLatents): LatentsFindings {
  const { latents, space, model = null, width, height, source, assumed: notes } = found;
  const values = valuesOf(latents);
  const { shape } = latents;
  return { kind: 'latents', source, shape, space, model, width, height, values, notes };
}

/** The columns left beside the longest name of a fact about latents. */
const NOTE_LENGTH = 86;

/** Returns lines about latents. */
export function latentLines(findings: LatentsFindings): string[] {
  const { source, shape, space, model, width, height, values, notes } = findings;
  const [batch] = shape;
  const each = batch === 1 ? '' : `, each of ${batch}`;
  return factLines([
    ['kind', source],
    ['shape', shapeText(shape)],
    ['space', space === 'vae' ? 'VAE' : 'diffusion'],
    ['model', model === null ? 'not recorded' : `${model}, for ${VARIANTS[model].speaks}`],
    ['decodes to', `${width}×${height}${each}`],
    ['values', valueWords(values)],
    ...noteFacts(notes),
  ]);
}

/** Returns the facts `note` of sentences, each wrapped. */
export const noteFacts = (notes: readonly string[]): (readonly [string, string])[] =>
  notes.flatMap((sentence) =>
    wrap(sentence, NOTE_LENGTH).map((line, i) => [i === 0 ? 'note' : '', line] as const),
  );

export function valuesOf({ data }: Tensor): Values {
  let [min, max, sum, count] = [Infinity, -Infinity, 0, 0];
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    count += 1;
  }
  const notFinite = data.length - count;
  if (count === 0) return { min: null, max: null, mean: null, notFinite };
  return { min, max, mean: sum / count, notFinite };
}

/** Returns `−2.953 … 3.000, mean 0.021`. */
export function valueWords({ min, max, mean, notFinite }: Values): string {
  const note = notFinite === 0 ? '' : `; ${countText(notFinite)} are NaN or infinite`;
  if (min === null || max === null || mean === null) return `none is finite${note}`;
  return `${numberText(min)} … ${numberText(max)}, mean ${numberText(mean)}${note}`;
}

const numberText = (value: number): string => value.toFixed(3).replace('-', '−');
