import { type Half, TaesdError, VARIANTS, type Variant } from '../../index.ts';
import { countParameters } from '../../model/measure.ts';
import { environmentVariable } from '../../platform/runtime.ts';
import { Absent, readLocation } from '../../weights/from-location.ts';
import { FOLDER_VARIABLE } from '../../weights/locate.ts';
import { wantedFiles } from '../../weights/manifest.ts';
import { MANIFEST } from '../../weights/manifest-data.ts';
import { openStore } from '../../weights/open-store.ts';
import { type CachedFile, readCached } from '../../weights/read-cached.ts';
import type { WeightStore } from '../../weights/store.ts';
import type { CommandSpec } from '../line/command-line.ts';
import { type Column, countText, tableLines } from '../terminal/table.ts';
import { type Command, runLine } from './command.ts';

const SPEC = {
  name: 'models',
  summary: 'Lists the models and where their weights are.',
  detail: `The command searches the folder that ${FOLDER_VARIABLE} names, then the cache.`,
  examples: ['taesd models', `${FOLDER_VARIABLE}=weights taesd models`],
  options: [],
} as const satisfies CommandSpec;

export const modelsCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, models),
};

const HALVES: readonly Half[] = ['encoder', 'decoder'];

const COLUMNS: readonly Column[] = [
  { title: 'model', align: 'left' },
  { title: 'latents of', align: 'left' },
  { title: 'bytes', align: 'right' },
  { title: 'weights', align: 'left' },
];

async function models(): Promise<void> {
  const store = await openStore();
  const rows = await Promise.all(
    Object.values(VARIANTS).map(async (variant) => {
      const { name, speaks } = variant;
      if (name === 'nano') return [name, speaks, countText(f16Bytes(variant)), 'in the package'];
      const files = wantedFiles(MANIFEST, variant, HALVES);
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      return [name, speaks, countText(bytes), await locationOf(variant, store)];
    }),
  );
  process.stdout.write(`${tableLines(COLUMNS, rows).join('\n')}\n`);
}

/** Returns the size of a model's weights in F16. The package holds those of `nano` in F16. */
function f16Bytes({ networks }: Variant): number {
  const layers = [...networks.encoder, ...networks.decoder];
  return layers.reduce((sum, layer) => sum + 2 * countParameters(layer), 0);
}

/** Returns the location where `load` would find a model, or the command that downloads it. */
async function locationOf(variant: Variant, store: WeightStore): Promise<string> {
  const folder = environmentVariable(FOLDER_VARIABLE);
  if (folder !== undefined && folder !== '') {
    const weights = await readLocation(variant, folder, HALVES).catch(asTaesdError);
    if (weights instanceof TaesdError) return `unreadable: ${weights.sentence}`;
    if (!(weights instanceof Absent)) return `${FOLDER_VARIABLE} ${folder}`;
  }
  const kept = await readCached(MANIFEST, store, variant, HALVES);
  if (kept.every(({ state }) => state === 'whole')) return store.location;
  return `${lack(kept)}: npx taesd pull ${variant.name}`;
}

/** Returns a TaesdError as a value, so that one broken file does not hide the other models. */
function asTaesdError(error: unknown): TaesdError {
  if (error instanceof TaesdError) return error;
  throw error;
}

function lack(kept: readonly CachedFile[]): string {
  if (kept.some(({ state }) => state === 'broken')) return 'damaged in the cache';
  return kept.every(({ state }) => state === 'missing') ? 'not found' : 'one of two files found';
}
