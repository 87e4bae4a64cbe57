import { withoutPasswords } from '../../errors.ts';
import { type Half, type ModelName, TaesdError, VARIANTS, type Variant } from '../../index.ts';
import { isNano } from '../../model/variants.ts';
import { environmentVariable } from '../../platform/runtime.ts';
import { Absent, readLocation } from '../../weights/from-location.ts';
import { packagedWeights } from '../../weights/in-package.ts';
import { openLenientStore } from '../../weights/lenient-store.ts';
import { FOLDER_VARIABLE, nowhere } from '../../weights/locate.ts';
import { MANIFEST } from '../../weights/manifest-data.ts';
import { notAFile } from '../../weights/not-a-file.ts';
import { type CachedModel, readCached } from '../../weights/read-cached.ts';
import type { WeightStore } from '../../weights/store.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { aboutRequest } from '../network/proxy.ts';
import { writeJson } from '../terminal/json.ts';
import { noteSayer } from '../terminal/say.ts';
import { type Column, countText, tableLines } from '../terminal/table.ts';
import { type Command, runLine } from './command.ts';

const SPEC = {
  name: 'models',
  summary: 'Lists the models and where their weights are.',
  detail: `
The command searches the folder that ${FOLDER_VARIABLE} names, then the cache. --json prints
{ models: [{ model, latentsOf, bytes, state, location, reason }] }. bytes is null if the size of a
file is not known. state is found, missing,
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
export interface ModelRow {
  readonly model: ModelName;
  readonly latentsOf: string;
  /** The size of its files; null if one is not known. */
  readonly bytes: number | null;
  readonly state: 'found' | 'missing' | 'incomplete' | 'damaged' | 'unreadable';
  /** The location of the weights; null if none has all of them. */
  readonly location: string | null;
  /** The reason why weights cannot be read; null in other states. */
  readonly reason: string | null;
}

async function models({ json }: CommandLine<typeof SPEC>): Promise<void> {
  const { rows, note } = await findModels();
  if (note !== undefined) noteSayer(false)(note);
  if (json) {
    writeJson({ models: rows });
    return;
  }
  const cells = rows.map((row) => [
    row.model,
    row.latentsOf,
    row.bytes === null ? 'not known' : countText(row.bytes),
    stateWords(row),
  ]);
  process.stdout.write(`${tableLines(COLUMNS, cells).join('\n')}\n`);
}

/**
 * Searches for the weights of each model.
 *
 * @returns a row for each model, and a note if the cache cannot be used
 * @throws TaesdError ARG (TAESD_WEIGHTS names no folder)
 */
export async function findModels(): Promise<{
  readonly rows: readonly ModelRow[];
  readonly note: string | undefined;
}> {
  const store = await openLenientStore();
  const each = Object.values(VARIANTS).map((variant) => rowOf(variant, store));
  // Waits for all, so that the error does not depend on which of them fails first.
  const rows = (await Promise.allSettled(each)).map((row) => {
    if (row.status === 'rejected') throw row.reason;
    return row.value;
  });
  return { rows, note: store.note };
}

async function rowOf(variant: Variant, store: WeightStore): Promise<ModelRow> {
  const { name: model, speaks: latentsOf } = variant;
  const about = { model, latentsOf, reason: null };
  if (isNano(model)) {
    const files = Object.values(await packagedWeights(model));
    const bytes = files.reduce((sum, file) => sum + (file?.length ?? 0), 0);
    return { ...about, bytes, state: 'found', location: 'in the package' };
  }
  const inFolder = await folderPlace(variant);
  const [cached] = await readCached(MANIFEST, store, variant, HALVES);
  return { ...about, bytes: sizeOf(cached), ...(inFolder ?? cachePlace(cached, store)) };
}

function stateWords({ model, state, location, reason }: ModelRow): string {
  if (state === 'found') return `${location}`;
  if (state === 'unreadable') return `unreadable: ${reason}`;
  const folder = environmentVariable(FOLDER_VARIABLE);
  const places =
    folder && state === 'missing'
      ? ` in ${FOLDER_VARIABLE} ${withoutPasswords(folder)} and the cache`
      : '';
  return `${LACKS[state]}${places}: npx taesd pull ${model}`;
}

const LACKS = {
  missing: 'not found',
  incomplete: 'one of two files found',
  damaged: 'damaged in the cache',
} as const;

/** The keys of a row about the location of a model's weights. */
type Place = Pick<ModelRow, 'state' | 'location' | 'reason'>;

/**
 * Returns the location in the folder that TAESD_WEIGHTS names; undefined if it does not have the
 * model.
 *
 * @throws TaesdError ARG (there is no folder of that name)
 */
async function folderPlace(variant: Variant): Promise<Place | undefined> {
  const folder = environmentVariable(FOLDER_VARIABLE);
  if (folder === undefined || folder === '') return undefined;
  const weights = await readLocation(variant, folder, HALVES).catch(asTaesdError);
  if (weights instanceof TaesdError) {
    const { sentence: reason } = aboutRequest(weights);
    return { state: 'unreadable', location: null, reason };
  }
  if (!(weights instanceof Absent)) {
    return {
      state: 'found',
      location: withoutPasswords(`${FOLDER_VARIABLE} ${folder}`),
      reason: null,
    };
  }
  if (weights.isNowhere) throw nowhere(weights);
  return undefined;
}

function cachePlace(cached: CachedModel, store: WeightStore): Place {
  const { location } = store;
  const blocked = cached.files.find((one) => one.state === 'blocked');
  if (blocked !== undefined) {
    const { file, got } = blocked;
    const { sentence: reason } = notAFile(store.pathOf(file.name), file.name, got);
    return { state: 'unreadable', location: null, reason };
  }
  const state = stateOf(cached);
  return { state, location: state === 'found' ? location : null, reason: null };
}

/** Returns a TaesdError as a value, so that one broken file does not hide the other models. */
function asTaesdError(error: unknown): TaesdError {
  if (error instanceof TaesdError) return error;
  throw error;
}

function stateOf({ files, isWhole }: CachedModel): Exclude<ModelRow['state'], 'unreadable'> {
  if (isWhole) return 'found';
  if (files.some(({ state }) => state === 'broken')) return 'damaged';
  return files.every(({ state }) => state === 'missing') ? 'missing' : 'incomplete';
}

/** Returns the size of a model's files: as the manifest has it, or as they are in the cache. */
function sizeOf({ files, unknown }: CachedModel): number | null {
  if (unknown.length > 0) return null;
  return files.reduce<number | null>((sum, one) => {
    const size = one.state === 'whole' ? one.bytes.length : one.file.bytes;
    return sum === null || typeof size !== 'number' ? null : sum + size;
  }, 0);
}
