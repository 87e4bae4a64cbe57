import type { Half } from '../model/layers.ts';
import type { LatentSpace, Variant } from '../model/variants.ts';

/** A file of weights, and how to recognise it. */
export interface ManifestFile {
  readonly name: string;
  readonly bytes: number;
  /** 64 hexadecimal digits in lower case. */
  readonly sha256: string;
}

/** The author of files, and their mirrors. */
export interface ManifestSource {
  readonly author: string;
  readonly licence: string;
  readonly copyright: string;
  /** Web addresses of folders with all files. The first is tried first. */
  readonly mirrors: readonly string[];
}

/** The content of weights/manifest.json. */
export interface Manifest {
  readonly sources: Readonly<Record<string, ManifestSource>>;
  readonly models: Readonly<Record<LatentSpace, ManifestModel>>;
}

/** The two files of a model, and the name of their source. */
export type ManifestModel = { readonly source: string } & Readonly<Record<Half, ManifestFile>>;

/** A file to read or download, its half, and its mirrors. */
export interface WantedFile extends ManifestFile {
  readonly half: Half;
  readonly mirrors: readonly string[];
}

/** Returns the files of some halves of the TAESD of a model's latent space. */
export function wantedFiles(
  { sources, models }: Manifest,
  { space }: Variant,
  halves: readonly Half[],
): WantedFile[] {
  const model = models[space];
  const { mirrors } = sources[model.source];
  return halves.map((half) => ({ ...model[half], half, mirrors }));
}
