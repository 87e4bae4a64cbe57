import type { Half } from '../src/model/layers.ts';
import { type ModelName, VARIANTS } from '../src/model/variants.ts';
import { writeSafetensors } from '../src/safetensors/write.ts';
import type { Tensor } from '../src/tensor.ts';
import { weightFile } from './weight-file.ts';

/*
 * Weights for models whose real ones are not at hand, in upstream's layout, from integers alone.
 * They are exact in F16 and F32. The golden tensors of these models were made with them.
 */

/** A model, or a half of one, of `weights/random/random-weights.json`. */
interface Seeded {
  readonly seed: number;
  readonly tensors: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly exp: number;
    readonly offset?: number;
  }[];
}

/** The numbers of the table, and how far a tensor's first lies from that of the one before. */
const TABLE = 4093;
const STEP = 1021;

/** Returns the table of a seed: integers of −1024 to 1023. */
const tableOf = (seed: number): Int32Array =>
  Int32Array.from({ length: TABLE }, (_, j) => {
    let h = (Math.imul(j, 0x9e3779b9) + seed) | 0;
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
    return (h >>> 21) - 1024;
  });

/**
 * Makes the tensors of a model, or of a half, by upstream's names. Element i of tensor t is
 * table[(i + 1021·t) mod 4093] · 2^(exp − 10) + offset.
 *
 * @param json   random-weights.json
 * @param model  its name there: `taew2_1`, `taesana_decoder`
 */
export function seededTensors(json: Uint8Array, model: string): Map<string, Tensor> {
  const { models } = JSON.parse(new TextDecoder().decode(json)) as {
    models: Record<string, Seeded>;
  };
  const { seed, tensors } = models[model];
  const table = tableOf(seed);
  const made = tensors.map(({ name, shape, exp, offset = 0 }, t) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    const scale = 2 ** (exp - 10);
    for (let i = 0, at = (STEP * t) % TABLE; i < data.length; i++) {
      data[i] = table[at] * scale + offset;
      at = at + 1 === TABLE ? 0 : at + 1;
    }
    return [name, { shape, data }] as const;
  });
  return new Map(made);
}

/** Returns the tensors of a half, without the prefix `encoder.` or `decoder.`. */
export const halfOf = (tensors: ReadonlyMap<string, Tensor>, half: Half): Map<string, Tensor> =>
  new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(`${half}.`))
      .map(([name, tensor]) => [name.slice(half.length + 1), tensor]),
  );

const isSeeded = (model: string, half: Half): boolean =>
  model === 'taeqi2_1' || model === 'taew2_1' || (model === 'taesana' && half === 'decoder');

const written = new Map<string, Uint8Array>();

/**
 * Returns a file of weights of a model: the real one, or a seeded one.
 *
 * @param read  reads a file of `../shared`
 */
export async function weightsFrom(
  read: (path: string) => Uint8Array | Promise<Uint8Array>,
  model: string,
  half: Half,
): Promise<Uint8Array> {
  if (!isSeeded(model, half)) return read(`weights/${weightFile(model, half)}`);
  const name = `${model}_${half}`;
  const known = written.get(name);
  if (known !== undefined) return known;
  const json = await read('weights/random/random-weights.json');
  // The halves of a video model are one entry there, as they are one file upstream.
  const tensors = VARIANTS[model as ModelName].isOfVideos
    ? [...seededTensors(json, model)].filter(([key]) => key.startsWith(`${half}.`))
    : [...seededTensors(json, name)];
  const bytes = writeSafetensors(tensors);
  written.set(name, bytes);
  return bytes;
}
