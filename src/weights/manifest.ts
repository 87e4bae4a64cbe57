import type { Half } from '../model/layers.ts';
import {
  isNano,
  type ModelName,
  modelNames,
  type NanoName,
  type Variant,
} from '../model/variants.ts';

/** A model that is downloaded. The small ones are in the package. */
export type FetchedModel = Exclude<ModelName, NanoName>;

/** A file of weights, and how to recognise it. */
export interface ManifestFile {
  /** The name in the store. A folder of weights may hold the file by this name, too. */
  readonly name: string;
  /** The path at the source. Defaults to `name`. */
  readonly path?: string;
  /** Null if the size is not known. The SHA-256 alone then decides. */
  readonly bytes: number | null;
  /** 64 hexadecimal digits in lower case. Null if it is not known: the file is never downloaded. */
  readonly sha256: string | null;
}

/** The author of files, and their mirrors. */
export interface ManifestSource {
  readonly author: string;
  readonly licence: string;
  readonly copyright: string;
  /** Web addresses of folders with all files. The first is tried first. */
  readonly mirrors: readonly string[];
}

/** The limit of a file whose size is not known. The models' author has none above 60 MB. */
const MAX_UNKNOWN_BYTES = 2 ** 26;

/** Returns the largest size that a file may have. */
export const maxBytesOf = ({ bytes }: Pick<ManifestFile, 'bytes'>): number =>
  bytes ?? MAX_UNKNOWN_BYTES;

/** The content of weights/manifest.json. */
export interface Manifest {
  readonly sources: Readonly<Record<string, ManifestSource>>;
  /**
   * The files of each model. If there are several alternatives, each is the whole model, and the
   * first is tried first.
   */
  readonly models: Readonly<Record<FetchedModel, readonly ManifestModel[]>>;
}

/** A model as a file for each half or as one file of both, and the name of their source. */
export type ManifestModel = { readonly source: string } & (
  | Readonly<Record<Half, ManifestFile>>
  | { readonly both: ManifestFile }
);

/** A file to read or download, the wanted halves that it holds, and its mirrors. */
export interface WantedFile extends ManifestFile {
  readonly sha256: string;
  readonly halves: readonly Half[];
  readonly mirrors: readonly string[];
}

/** The files of one alternative that hold some halves of a model. */
export interface WantedFiles {
  readonly files: readonly WantedFile[];
  /** The names of those that are never downloaded, because their SHA-256 is not known. */
  readonly unknown: readonly string[];
}

/** The models that are downloaded. */
export const fetchedModels = (): FetchedModel[] => modelNames().filter(isFetched);

/** Returns true for a model that is downloaded. */
export const isFetched = (name: ModelName): name is FetchedModel => !isNano(name);

/**
 * Returns the alternatives for some halves of a model, in the order in which they are tried: those
 * first of which every file can be downloaded.
 *
 * @param variant  a model that is downloaded
 */
export function wantedFiles(
  { sources, models }: Manifest,
  { name }: Pick<Variant, 'name'>,
  halves: readonly Half[],
): WantedFiles[] {
  const all = models[name as FetchedModel].map((model) => {
    const { mirrors } = sources[model.source];
    const each =
      'both' in model
        ? [{ ...model.both, halves, mirrors }]
        : halves.map((half) => ({ ...model[half], halves: [half], mirrors }));
    const files = each.filter((file): file is WantedFile => file.sha256 !== null);
    const unknown = each.filter(({ sha256 }) => sha256 === null).map((file) => file.name);
    return { files, unknown };
  });
  const isComplete = ({ unknown }: WantedFiles) => unknown.length === 0;
  return [...all.filter(isComplete), ...all.filter((one) => !isComplete(one))];
}

/** Returns the names of the files of a model that no alternative can download. */
export const unknownFiles = (
  manifest: Manifest,
  variant: Pick<Variant, 'name'>,
  halves: readonly Half[],
): readonly string[] => wantedFiles(manifest, variant, halves)[0].unknown;
