import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { type ModelName, nanoFor, VARIANTS } from 'taesd-wasm';
import { Client, type EngineError } from '../engine/client.ts';
import type { Backend, EngineMethods, LoadedInfo, Place, WeightsFrom } from '../engine/protocol.ts';
import { refuse, wanted } from './backend.ts';
import { attempt, problem, report, say } from './messages.ts';

/*
 * The models: which one is at work, and where its weights come from. Each is in a worker of its own.
 */

export interface Model extends LoadedInfo {
  readonly client: Client<EngineMethods>;
  /** What encodes and decodes. */
  readonly place: ReadonlySignal<Place>;
}

/** The bytes of each model that can be downloaded; null if they are not known. Written by weights-plugin.ts. */
declare const DOWNLOAD_BYTES: Readonly<Record<string, number | null>>;

/** The bytes that a download of a model takes; null if they are not known, undefined if it cannot be downloaded. */
export const downloadBytes = (name: ModelName): number | null | undefined => DOWNLOAD_BYTES[name];

/** The models that the page can work with: those that encode and decode. */
export const MODELS = Object.values(VARIANTS)
  .filter(({ name }) => name === 'nano' || nanoFor(name) !== name)
  .map(({ name, speaks }) => ({ name, speaks }));

/** The one that is at work. */
export const model = signal<Model | undefined>(undefined);
/** The small one, which is always there: it decodes beside the large one. */
export const nano = signal<Model | undefined>(undefined);
/** A model whose weights are nowhere: they can be downloaded, or files chosen. */
export const missing = signal<ModelName | undefined>(undefined);
/** The share that has arrived; null while it is not known how much there is. */
export const download = signal<number | null | undefined>(undefined);

/** The small models of the package that were loaded. They stay. */
const smalls = signal<ReadonlyMap<ModelName, Model>>(new Map());

/** The small model for the latents of the model at work, if it is another one. */
const nameBeside = computed(() => {
  const name = model.value?.model;
  const small = name === undefined ? undefined : nanoFor(name);
  return small === name ? undefined : small;
});
export const nanoBeside = computed(() => {
  const name = nameBeside.value;
  if (name === undefined) return undefined;
  return name === 'nano' ? nano.value : smalls.value.get(name);
});

const begun = new Set<ModelName>();
effect(() => {
  const name = nameBeside.value;
  if (name === undefined || name === 'nano' || begun.has(name)) return;
  begun.add(name);
  create(name, { kind: 'package' }).then((made) => {
    smalls.value = new Map([...smalls.peek(), [name, made]]);
  }, report);
});

const served: Promise<readonly string[]> = fetch(new URL('weights/index.json', document.baseURI))
  .then((response) => (response.ok ? response.json() : []))
  .catch(() => []);

/** At the start: nano, and beside it taesd where its weights are beside the page or downloaded. */
export function start(): Promise<void> {
  return attempt(async () => {
    say('Loading the model …');
    const [small, large] = await Promise.all([
      create('nano', { kind: 'package' }),
      find('taesd').catch((error) => {
        report(error);
        return undefined;
      }),
    ]);
    nano.value = small;
    model.value = large ?? small;
  });
}

/** Takes another model, where its weights are at hand. */
export function choose(name: ModelName): Promise<void> {
  return attempt(async () => {
    missing.value = undefined;
    if (name === 'nano') return take(nano.value);
    say(`Loading ${name} …`);
    const found = await find(name);
    if (found !== undefined) return take(found);
    missing.value = name;
    const ways = downloadBytes(name) === undefined ? 'opened' : 'downloaded, or opened';
    say(`The weights of ${name} are not here: they can be ${ways} from files.`);
  });
}

/** Fetches the weights of a model and keeps them for the next visit. */
export function fetchWeights(name: ModelName): Promise<void> {
  return attempt(async () => {
    say(`Downloading ${name} …`);
    download.value = 0;
    try {
      take(await create(name, { kind: 'download' }));
    } finally {
      download.value = undefined;
    }
  });
}

/** Takes weights from files that the user has; their names say which model they are of. */
export function openWeights(files: readonly File[]): Promise<void> {
  return attempt(async () => {
    say(`Reading ${files.map(({ name }) => name).join(', ')} …`);
    take(await create(modelOf(files), { kind: 'files', files }));
  });
}

/** The endings of files of weights that can be opened. */
export const WEIGHT_ENDINGS = ['.safetensors', '.sft', '.pth', '.pt', '.ckpt', '.bin'];

/** The longest name that the files' names begin with: `taesdxl_decoder` is not of `taesd`. */
function modelOf(files: readonly File[]): ModelName {
  const names = MODELS.map(({ name }) => name).toSorted((a, b) => b.length - a.length);
  return names.find((name) => files[0].name.toLowerCase().includes(name)) ?? 'taesd';
}

async function find(name: ModelName): Promise<Model | undefined> {
  const addresses = await besidePage(name);
  if (addresses !== undefined) return create(name, { kind: 'served', addresses });
  // The package says in one code that there is nothing; what is damaged has another.
  return create(name, { kind: 'cache' }).catch((error) => {
    if (error.code === 'ARG') return undefined;
    throw error;
  });
}

/** The addresses of a model's files beside the page: of both halves, or of one file of both. */
async function besidePage(name: ModelName): Promise<readonly string[] | undefined> {
  const files = await served;
  const named = (half: string) =>
    ['.safetensors', '.pth']
      .map((ending) => `${name}${half}${ending}`)
      .find((each) => files.includes(each));
  const halves = [named('_encoder'), named('_decoder')];
  const found = halves.every((file) => file !== undefined) ? halves : [named('')];
  if (found[0] === undefined) return undefined;
  return found.map((file) => new URL(`weights/${file}`, document.baseURI).href);
}

async function create(name: ModelName, from: WeightsFrom): Promise<Model> {
  const worker = new Worker(new URL('../engine/engine-worker.ts', import.meta.url), {
    type: 'module',
  });
  const client = new Client<EngineMethods>(worker);
  const place = signal<Place>({ backend: 'wasm' });
  client.listen((event) => {
    if (event.type === 'download') {
      download.value = event.total === undefined ? null : event.done / event.total;
    }
    if (event.type === 'preview-error') problem.value = event.message;
    if (event.type === 'place') {
      place.value = event.place;
      const { backend, reason } = event.place;
      if (backend === 'wasm' && reason !== undefined) refuse(reason);
    }
  });
  try {
    const loaded = await client.call('load', name, from);
    await use(client, wanted.peek());
    return { ...loaded, client, place };
  } catch (error) {
    client.end();
    throw error;
  }
}

/** All models that are there change places together. */
effect(() => {
  const backend = wanted.value;
  for (const each of new Set([model.value, nano.value, ...smalls.value.values()])) {
    if (each !== undefined) void use(each.client, backend);
  }
});

async function use(client: Client<EngineMethods>, backend: Backend): Promise<void> {
  try {
    await client.call('use', backend);
  } catch (error) {
    const { code, message } = error as EngineError;
    if (code !== 'ENDED') refuse(message);
  }
}

function take(next: Model | undefined): void {
  const last = model.value;
  missing.value = undefined;
  if (next === undefined || next === last) return;
  model.value = next;
  if (last !== undefined && last !== nano.value) last.client.end();
}
