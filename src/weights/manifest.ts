import type { Half } from '../model/layers.ts';
import type { LatentSpace, Variant } from '../model/variants.ts';

/** A file of weights: what it must be to be taken for one. */
export interface ManifestFile {
  readonly name: string;
  readonly bytes: number;
  /** 64 hexadecimal digits, small letters. */
  readonly sha256: string;
}

/** Whose work the files are, and where they are to be had. */
export interface ManifestSource {
  readonly author: string;
  readonly licence: string;
  readonly copyright: string;
  /** Web addresses that the files lie below, the first to be tried first. */
  readonly places: readonly string[];
}

/** What weights/manifest.json says. */
export interface Manifest {
  readonly sources: Readonly<Record<string, ManifestSource>>;
  readonly models: Readonly<Record<LatentSpace, ManifestModel>>;
}

/** The two files of a model, and the name of their source. */
export type ManifestModel = { readonly source: string } & Readonly<Record<Half, ManifestFile>>;

/** A file that is wanted, for which network, and where it may be fetched. */
export interface WantedFile extends ManifestFile {
  readonly part: Half;
  readonly places: readonly string[];
}

/** The files of some networks of a latent space's TAESD. */
export function wantedFiles(
  { sources, models }: Manifest,
  { space }: Variant,
  parts: readonly Half[],
): WantedFile[] {
  const model = models[space];
  const { places } = sources[model.source];
  return parts.map((part) => ({ ...model[part], part, places }));
}
