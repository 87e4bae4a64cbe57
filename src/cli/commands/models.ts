import { type Half, TaesdError, VARIANTS, type Variant } from '../../index.ts';
import { countParameters } from '../../model/measure.ts';
import { environmentVariable } from '../../platform/runtime.ts';
import { type CachedFile, readCached } from '../../weights/cached.ts';
import { Absent, readLocation } from '../../weights/from-location.ts';
import { FOLDER_VARIABLE } from '../../weights/locate.ts';
import { wantedFiles } from '../../weights/manifest.ts';
import { MANIFEST } from '../../weights/manifest-data.ts';
import { openStore } from '../../weights/open-store.ts';
import type { WeightStore } from '../../weights/store.ts';
import { type Column, countText, tableLines } from '../terminal/table.ts';
import type { Command } from './command.ts';

export const modelsCommand: Command = {
  name: 'models',
  options: [],
  summary: 'Lists the models, and where their weights are found.',
  detail: `
Looked at are the folder that TAESD_WEIGHTS names and the cache folder, in that order.`,
  run: models,
};

const BOTH: readonly Half[] = ['encoder', 'decoder'];

const COLUMNS: readonly Column[] = [
  { title: 'model', align: 'left' },
  { title: 'speaks the latents of', align: 'left' },
  { title: 'bytes', align: 'right' },
  { title: 'weights', align: 'left' },
];

async function models(): Promise<void> {
  const store = await openStore();
  const rows = await Promise.all(
    Object.values(VARIANTS).map(async (variant) => {
      const { name, speaks } = variant;
      if (name === 'nano') return [name, speaks, countText(f16Bytes(variant)), 'in the package'];
      const bytes = wantedFiles(MANIFEST, variant, BOTH).reduce((sum, file) => sum + file.bytes, 0);
      return [name, speaks, countText(bytes), await placeOf(variant, store)];
    }),
  );
  process.stdout.write(`${tableLines(COLUMNS, rows).join('\n')}\n`);
}

/** The size of a model's weights in F16, as the package holds those of `nano`. */
function f16Bytes({ networks }: Variant): number {
  const layers = [...networks.encoder, ...networks.decoder];
  return layers.reduce((sum, layer) => sum + 2 * countParameters(layer), 0);
}

/** Where `load` would find a model. */
async function placeOf(variant: Variant, store: WeightStore): Promise<string> {
  const folder = environmentVariable(FOLDER_VARIABLE);
  if (folder !== undefined && folder !== '') {
    const weights = await readLocation(variant, folder, BOTH).catch(unreadable);
    if (weights instanceof TaesdError) return `unreadable: ${weights.message}`;
    if (!(weights instanceof Absent)) return `${FOLDER_VARIABLE} ${folder}`;
  }
  const kept = await readCached(MANIFEST, store, variant, BOTH);
  if (kept.every(({ state }) => state === 'whole')) return store.location;
  return `${lack(kept)}: npx taesd pull ${variant.name}`;
}

/** One model's broken file must not hide the others. */
function unreadable(error: unknown): TaesdError {
  if (error instanceof TaesdError) return error;
  throw error;
}

function lack(kept: readonly CachedFile[]): string {
  if (kept.some(({ state }) => state === 'broken')) return 'damaged in the cache';
  return kept.every(({ state }) => state === 'missing') ? 'not found' : 'one of two files found';
}
