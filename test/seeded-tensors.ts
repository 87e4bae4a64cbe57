import type { Half } from '../src/model/layers.ts';
import type { Tensor } from '../src/tensor.ts';

/*
 * The seeded weights of ../shared/weights/random: those of models whose real ones are not there, in
 * upstream's exact layout. Element i of tensor t is
 * k[(i + 1021·t) mod 4093] · 2^(exp − 10) + offset.
 */

/** A model of random-weights.json. */
interface Spec {
  readonly seed: number;
  readonly tensors: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly exp: number;
    readonly offset?: number;
  }[];
}

const TABLE = 4093;
const STEP = 1021;

/** Makes the tensors of a model by their names in its file. */
export function seededWeights(json: Uint8Array, model: string): Map<string, Tensor> {
  const { models } = JSON.parse(new TextDecoder().decode(json)) as { models: Record<string, Spec> };
  const { seed, tensors } = models[model];
  const table = tableOf(seed);
  const made = tensors.map(({ name, shape, exp, offset = 0 }, t) => {
    const scale = 2 ** (exp - 10);
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0, at = (STEP * t) % TABLE; i < data.length; i++) {
      data[i] = table[at] * scale + offset;
      if (++at === TABLE) at = 0;
    }
    return [name, { shape, data }] as const;
  });
  return new Map(made);
}

/** Returns those of a half, without the prefix `encoder.` or `decoder.`. */
export const halfOf = (tensors: ReadonlyMap<string, Tensor>, half: Half): Map<string, Tensor> =>
  new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(`${half}.`))
      .map(([name, tensor]) => [name.slice(half.length + 1), tensor]),
  );

/** Returns 4093 integers of −1024 to 1023. */
function tableOf(seed: number): Int32Array {
  return Int32Array.from({ length: TABLE }, (_, j) => {
    let h = (Math.imul(j, 0x9e3779b9) + seed) | 0;
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
    return (h >>> 21) - 1024;
  });
}
