import { createHash } from 'node:crypto';
import type { Half } from '../../src/model/layers.ts';
import {
  fetchedModels,
  type Manifest,
  type ManifestFile,
  type ManifestModel,
} from '../../src/weights/manifest.ts';
import { seededRandom } from '../random.ts';

/** The files of a model. `both` is one file of both halves. */
export type Files = Readonly<Record<Half, Uint8Array<ArrayBuffer>>> & {
  readonly both?: Uint8Array<ArrayBuffer>;
};

/** Changes a file of the manifest: `(file) => ({ ...file, bytes: null })`. */
export type Change = (file: ManifestFile) => ManifestFile;

const fileOf = (name: string, bytes: Uint8Array): ManifestFile => ({
  name,
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

/**
 * A manifest with these files for every model, from these mirrors.
 *
 * @param change  defaults to no change
 * @param whole   the mirrors of an alternative with one file of both halves, `files.both`; defaults
 *   to no such alternative
 */
export function manifestOf(
  files: Files,
  mirrors: readonly string[],
  change: Change = (file) => file,
  whole?: readonly string[],
): Manifest {
  const file = (name: string, part: Half) =>
    change(fileOf(`${name}_${part}.safetensors`, files[part]));
  const model = (name: string): readonly ManifestModel[] => {
    const halves = {
      source: 'test',
      encoder: file(name, 'encoder'),
      decoder: file(name, 'decoder'),
    };
    if (whole === undefined || files.both === undefined) return [halves];
    return [halves, { source: 'whole', both: change(fileOf(`${name}.safetensors`, files.both)) }];
  };
  const about = { author: 'nobody', licence: 'none', copyright: 'none' };
  return {
    sources: { test: { ...about, mirrors }, whole: { ...about, mirrors: whole ?? [] } },
    models: Object.fromEntries(
      fetchedModels().map((name) => [name, model(name)]),
    ) as unknown as Manifest['models'],
  };
}

/** Three files of noise, of about 300 kB. */
export function noiseFiles(): Required<Files> {
  const random = seededRandom(77);
  const noise = (length: number) => Uint8Array.from({ length }, () => 256 * random());
  return { encoder: noise(300_000), decoder: noise(301_234), both: noise(302_468) };
}
