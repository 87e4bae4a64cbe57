import { expected, type Remedy, type TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import type { Variant } from '../model/variants.ts';
import { type Manifest, type WantedFile, wantedFiles } from './manifest.ts';
import { sha256 } from './sha256.ts';
import type { WeightStore } from './store.ts';

/** What the store has under the name of a file. */
export interface KeptFile {
  readonly file: WantedFile;
  /** `broken`: something else than the file, by its SHA-256. */
  readonly state: 'whole' | 'missing' | 'broken';
  /** Undefined where it is missing. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  readonly hash: string | undefined;
}

/**
 * Reads and checks what the store has of a model.
 *
 * @throws TaesdError ARG where a file cannot be read, UNSUPPORTED where SHA-256 cannot be had
 */
export const readKept = (
  manifest: Manifest,
  store: WeightStore,
  variant: Variant,
  parts: readonly Half[],
): Promise<KeptFile[]> =>
  Promise.all(
    wantedFiles(manifest, variant, parts).map(async (file) => {
      const bytes = await store.read(file.name);
      if (bytes === undefined) return { file, state: 'missing', bytes, hash: undefined };
      const hash = await sha256(bytes);
      return { file, state: hash === file.sha256 ? 'whole' : 'broken', bytes, hash };
    }),
  );

/** The error for a file that is broken. */
export function brokenFile(
  store: WeightStore,
  variant: Variant,
  { file, hash = '' }: KeptFile,
): TaesdError {
  const rule = `SHA-256 ${file.sha256}`;
  const { api, command } = pullRemedy(variant);
  const remedy = { api: `${api} mends it`, command: `${command} mends it` };
  return expected('INTEGRITY', store.pathOf(file.name), rule, hash, { remedy });
}

/** The command, and the option, that bring a model into the store. */
export function pullRemedy({ name }: Variant): Required<Remedy> {
  const command = `npx taesd pull ${name}`;
  return { api: `${command} or the option download: true`, command };
}
