import { expected, type Remedy, type TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import type { Variant } from '../model/variants.ts';
import { type Manifest, type WantedFile, wantedFiles } from './manifest.ts';
import { sha256 } from './sha256.ts';
import type { WeightStore } from './store.ts';

/** A file of the manifest, and what the store has under its name. */
export interface CachedFile {
  readonly file: WantedFile;
  /** `broken` if the SHA-256 is another one. */
  readonly state: 'whole' | 'missing' | 'broken';
  /** Undefined if it is missing. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  readonly hash: string | undefined;
}

/**
 * Reads and checks the files that the store has of a model.
 *
 * @throws TaesdError ARG (an unreadable file), UNSUPPORTED (a runtime without SHA-256)
 */
export const readCached = (
  manifest: Manifest,
  store: WeightStore,
  variant: Variant,
  halves: readonly Half[],
): Promise<CachedFile[]> =>
  Promise.all(
    wantedFiles(manifest, variant, halves).map(async (file) => {
      const bytes = await store.read(file.name);
      if (bytes === undefined) return { file, state: 'missing', bytes, hash: undefined };
      const hash = await sha256(bytes);
      return { file, state: hash === file.sha256 ? 'whole' : 'broken', bytes, hash };
    }),
  );

/** Makes the error for a broken file. */
export function brokenFile(
  store: WeightStore,
  variant: Variant,
  { file, hash = '' }: CachedFile,
): TaesdError {
  const rule = `SHA-256 ${file.sha256}`;
  const { api, command } = pullRemedy(variant);
  const remedy = { api: `${api} mends it`, command: `${command} mends it` };
  return expected('INTEGRITY', store.pathOf(file.name), rule, hash, { remedy });
}

/** Returns the command, and the option, that bring a model into the store. */
export function pullRemedy({ name }: Variant): Required<Remedy> {
  const command = `npx taesd pull ${name}`;
  return { api: `${command} or the option download: true`, command };
}
