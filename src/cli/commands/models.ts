import { type Half, type ModelName, TaesdError, VARIANTS, type Variant } from '../../index.ts';
import { countParameters } from '../../model/measure.ts';
import { environmentVariable } from '../../platform/runtime.ts';
import { Absent, readLocation } from '../../weights/from-location.ts';
import { FOLDER_VARIABLE, nowhere } from '../../weights/locate.ts';
import { wantedFiles } from '../../weights/manifest.ts';
import { MANIFEST } from '../../weights/manifest-data.ts';
import { openStore } from '../../weights/open-store.ts';
import { type CachedFile, readCached } from '../../weights/read-cached.ts';
import type { WeightStore } from '../../weights/store.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { aboutRequest } from '../network/proxy.ts';
import { writeJson } from '../terminal/json.ts';
import { type Column, countText, tableLines } from '../terminal/table.ts';
import { type Command, runLine } from './command.ts';

const SPEC = {
  name: 'models',
  summary: 'Lists the models and where their weights are.',
  detail: `
The command searches the folder that ${FOLDER_VARIABLE} names, then the cache. --json prints
{ models: [{ model, latentsOf, bytes, state, location, reason }] }. state is found, missing,
incomplete, damaged or unreadable. location is null if no place has the weights; reason is null if
they are not unreadable.`,
  examples: ['taesd models', `${FOLDER_VARIABLE}=weights taesd models`, 'taesd models --json'],
  options: ['json'],
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

/** A model in the list. Its keys are those of the JSON document. */
interface Row {
  readonly model: ModelName;
  readonly latentsOf: string;
  readonly bytes: number;
  readonly state: 'found' | 'missing' | 'incomplete' | 'damaged' | 'unreadable';
  /** The location of the weights; null if none has all of them. */
  readonly location: string | null;
  /** The reason why weights cannot be read; null in other states. */
  readonly reason: string | null;
}

async function models({ json }: CommandLine<typeof SPEC>): Promise<void> {
  const store = await openStore();
  const rows = await Promise.all(Object.values(VARIANTS).map((variant) => rowOf(variant, store)));
  if (json) {
    writeJson({ models: rows });
    return;
  }
  const cells = rows.map((row) => [
    row.model,
    row.latentsOf,
    countText(row.bytes),
    stateWords(row),
  ]);
  process.stdout.write(`${tableLines(COLUMNS, cells).join('\n')}\n`);
}

async function rowOf(variant: Variant, store: WeightStore): Promise<Row> {
  const { name: model, speaks: latentsOf } = variant;
  const about = { model, latentsOf, reason: null };
  if (model === 'nano') {
    return { ...about, bytes: f16Bytes(variant), state: 'found', location: 'in the package' };
  }
  const files = wantedFiles(MANIFEST, variant, HALVES);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { ...about, bytes, ...(await placeOf(variant, store)) };
}

function stateWords({ model, state, location, reason }: Row): string {
  if (state === 'found') return `${location}`;
  if (state === 'unreadable') return `unreadable: ${reason}`;
  return `${LACKS[state]}: npx taesd pull ${model}`;
}

const LACKS = {
  missing: 'not found',
  incomplete: 'one of two files found',
  damaged: 'damaged in the cache',
} as const;

/** Returns the size of a model's weights in F16. The package holds those of `nano` in F16. */
function f16Bytes({ networks }: Variant): number {
  const layers = [...networks.encoder, ...networks.decoder];
  return layers.reduce((sum, layer) => sum + 2 * countParameters(layer), 0);
}

/**
 * Returns the location where `load` would find a model.
 *
 * @throws TaesdError ARG (there is no folder of the name in TAESD_WEIGHTS)
 */
async function placeOf(
  variant: Variant,
  store: WeightStore,
): Promise<Pick<Row, 'state' | 'location' | 'reason'>> {
  const folder = environmentVariable(FOLDER_VARIABLE);
  if (folder !== undefined && folder !== '') {
    const weights = await readLocation(variant, folder, HALVES).catch(asTaesdError);
    if (weights instanceof TaesdError) {
      const { sentence: reason } = aboutRequest(weights);
      return { state: 'unreadable', location: null, reason };
    }
    if (!(weights instanceof Absent)) {
      return { state: 'found', location: `${FOLDER_VARIABLE} ${folder}`, reason: null };
    }
    if (weights.isNowhere) throw nowhere(weights);
  }
  const kept = await readCached(MANIFEST, store, variant, HALVES);
  const state = stateOf(kept);
  return { state, location: state === 'found' ? store.location : null, reason: null };
}

/** Returns a TaesdError as a value, so that one broken file does not hide the other models. */
function asTaesdError(error: unknown): TaesdError {
  if (error instanceof TaesdError) return error;
  throw error;
}

function stateOf(kept: readonly CachedFile[]): Exclude<Row['state'], 'unreadable'> {
  if (kept.every(({ state }) => state === 'whole')) return 'found';
  if (kept.some(({ state }) => state === 'broken')) return 'damaged';
  return kept.every(({ state }) => state === 'missing') ? 'missing' : 'incomplete';
}
