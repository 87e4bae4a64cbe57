import type { Half } from '../src/model/layers.ts';
import { writeSafetensors } from '../src/safetensors/write.ts';
import type { Tensor } from '../src/tensor.ts';
import { weightFile } from './weight-file.ts';

/*
 * Weights for models whose real ones are not at hand, in upstream's layout, from integers alone.
 * They are exact in F16 and F32. The golden tensors of these models were made with them.
 */

/** A network of `weights/random/random-weights.json`. */
interface SeededNetwork {
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

const table = (seed: number): Int32Array =>
  Int32Array.from({ length: TABLE }, (_, j) => {
    let h = (Math.imul(j, 0x9e3779b9) + seed) | 0;
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
    return (h >>> 21) - 1024;
  });

/** Returns the tensors of a network by upstream's names. */
function seededTensors({ seed, tensors }: SeededNetwork): [string, Tensor][] {
  const numbers = table(seed);
  return tensors.map(({ name, shape, exp, offset = 0 }, t) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    const scale = 2 ** (exp - 10);
    for (let i = 0, at = (STEP * t) % TABLE; i < data.length; i++) {
      data[i] = numbers[at] * scale + offset;
      at = at + 1 === TABLE ? 0 : at + 1;
    }
    return [name, { shape, data }];
  });
}

const isSeeded = (model: string, half: Half): boolean =>
  model === 'taeqi2_1' || (model === 'taesana' && half === 'decoder');

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
  const text = new TextDecoder().decode(await read('weights/random/random-weights.json'));
  const { models } = JSON.parse(text) as { models: Record<string, SeededNetwork> };
  const bytes = writeSafetensors(seededTensors(models[name]));
  written.set(name, bytes);
  return bytes;
}
