import { expected, type Remedy, type TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import type { Variant } from '../model/variants.ts';
import { type Manifest, maxBytesOf, type WantedFile, wantedFiles } from './manifest.ts';
import { sha256 } from './sha256.ts';
import type { WeightStore } from './store.ts';

/** A file of the manifest, and what the store has under its name. */
export type CachedFile = { readonly file: WantedFile } & (Whole | Missing | Broken | Blocked);

interface Whole {
  readonly state: 'whole';
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface Missing {
  readonly state: 'missing';
}

/** A file that is too large, or whose SHA-256 is another one. */
interface Broken {
  readonly state: 'broken';
  /** The content that should be there. */
  readonly rule: string;
  /** The content that is there. */
  readonly got: string;
}

/** A name that leads to anything but a file. */
interface Blocked {
  readonly state: 'blocked';
  /** The thing it leads to: `a pipe`. */
  readonly got: string;
}

/** A cached file in one of the states. */
export type CachedAs<S extends CachedFile['state']> = Extract<CachedFile, { readonly state: S }>;

/** The files of one alternative of a model, and what the store has of them. */
export interface CachedModel {
  readonly files: readonly CachedFile[];
  /** The names of the files that are never downloaded. */
  readonly unknown: readonly string[];
  /** True if the store has all of them. */
  readonly isWhole: boolean;
}

/**
 * Reads and checks the files that the store has of a model.
 *
 * @returns the first alternative that is whole, alone; otherwise all of them, in the manifest's
 *   order
 * @throws TaesdError ARG (an unreadable file), UNSUPPORTED (a runtime without SHA-256)
 */
export async function readCached(
  manifest: Manifest,
  store: WeightStore,
  variant: Variant,
  halves: readonly Half[],
): Promise<readonly [CachedModel, ...CachedModel[]]> {
  const all: CachedModel[] = [];
  for (const { files, unknown } of wantedFiles(manifest, variant, halves)) {
    const cached = await Promise.all(files.map((file) => readFile(store, file)));
    const isWhole = unknown.length === 0 && cached.every(({ state }) => state === 'whole');
    const model = { files: cached, unknown, isWhole };
    if (isWhole) return [model];
    all.push(model);
  }
  const [first, ...rest] = all;
  return [first, ...rest];
}

async function readFile(store: WeightStore, file: WantedFile): Promise<CachedFile> {
  const maxBytes = maxBytesOf(file);
  const found = await store.read(file.name, maxBytes);
  if (found === undefined) return { file, state: 'missing' };
  const { otherKind, size, bytes } = found;
  if (otherKind !== undefined) return { file, state: 'blocked', got: otherKind };
  if (bytes === undefined) {
    return { file, state: 'broken', rule: `at most ${maxBytes} bytes`, got: `${size}` };
  }
  const got = await sha256(bytes);
  if (got === file.sha256) return { file, state: 'whole', bytes };
  return { file, state: 'broken', rule: `SHA-256 ${file.sha256}`, got };
}

/** Makes the error for a broken file. */
export function brokenFile(
  store: WeightStore,
  variant: Variant,
  { file, rule, got }: CachedAs<'broken'>,
): TaesdError {
  const { api, command } = pullRemedy(variant);
  const remedy = { api: `${api} mends it`, command: `${command} mends it` };
  return expected('INTEGRITY', store.pathOf(file.name), rule, got, { remedy });
}

/** Returns the command, and the option, that bring a model into the store. */
export function pullRemedy({ name }: Variant): Required<Remedy> {
  const command = `npx taesd pull ${name}`;
  return { api: `${command} or the option download: true`, command };
}

/** Returns the remedy for files that are never downloaded, because their SHA-256 is not known. */
export function unknownRemedy(unknown: readonly string[]): Required<Remedy> {
  const why = `the SHA-256 of ${unknown.join(' and ')} is not known, so nothing fetches it`;
  return { api: `${why}; the option weights gives it`, command: `${why}; --weights DIR gives it` };
}
