import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { type ModelName, nanoFor, VARIANTS } from 'taesd-wasm';
import type { Client, EngineError } from '../engine/client.ts';
import type { Backend, EngineMethods, LoadedInfo, Place, WeightsFrom } from '../engine/protocol.ts';
import { startEngine } from '../engine/workers.ts';
import type { BackendStore } from './backend.ts';
import type { Messages } from './messages.ts';

export interface Model extends LoadedInfo {
  readonly client: Client<EngineMethods>;
  /** The backend that encodes and decodes. */
  readonly place: ReadonlySignal<Place>;
}

/**
 * The bytes of each model that can be downloaded; null if they are not known. Written by the plugin
 * `weights`.
 */
declare const DOWNLOAD_BYTES: Readonly<Record<string, number | null>>;

/**
 * The bytes that a download of a model takes; null if they are not known, undefined if it cannot be
 * downloaded.
 */
export const downloadBytes = (name: ModelName): number | null | undefined => DOWNLOAD_BYTES[name];

/** The models that the page can work with: those that encode and decode. */
export const MODELS = Object.values(VARIANTS)
  .filter(({ name }) => name === 'nano' || nanoFor(name) !== name)
  .map(({ name, speaks }) => ({ name, speaks }));
export const MODEL_NAMES: readonly ModelName[] = MODELS.map(({ name }) => name);

/** The endings of files of weights that can be opened. */
export const WEIGHT_ENDINGS = ['.safetensors', '.sft', '.pth', '.pt', '.ckpt', '.bin'];

/**
 * The models: which one is at work, and where its weights come from. Each is in a worker of its
 * own.
 */
export function createModels(messages: Messages, backend: BackendStore) {
  const { attempt, report, say } = messages;
  /** The one that is at work. */
  const model = signal<Model | undefined>(undefined);
  /** The small one, which is always there: it is the first to show anything. */
  const nano = signal<Model | undefined>(undefined);
  /** A model whose weights are nowhere: they can be downloaded, or files chosen. */
  const missing = signal<ModelName | undefined>(undefined);
  /** The one that a link or a reader asked for, until it is at work or found missing. */
  const awaited = signal<ModelName | undefined>(undefined);
  /** The share that has arrived; null while it is not known how much there is. */
  const download = signal<number | null | undefined>(undefined);
  /** The small models of the package that were loaded. They stay. */
  const smalls = signal<ReadonlyMap<ModelName, Model>>(new Map());
  const served: Promise<readonly string[]> = fetch(new URL('weights/index.json', document.baseURI))
    .then((response) => (response.ok ? response.json() : []))
    .catch(() => []);

  /** The small model for the latents of the model at work, if it is another one. */
  const nameBeside = computed(() => {
    const name = model.value?.model;
    const small = name === undefined ? undefined : nanoFor(name);
    return small === name ? undefined : small;
  });
  const nanoBeside = computed(() => {
    const name = nameBeside.value;
    if (name === undefined) return undefined;
    return name === 'nano' ? nano.value : smalls.value.get(name);
  });
  /**
   * The model that decodes while a hand moves: the small one of these latents, or the model itself.
   */
  const quick = computed(() => nanoBeside.value ?? model.value);

  const begun = new Set<ModelName>();
  const endBeside = effect(() => {
    const name = nameBeside.value;
    if (name === undefined || name === 'nano' || begun.has(name)) return;
    begun.add(name);
    create(name, { kind: 'package' }).then((made) => {
      smalls.value = new Map([...smalls.peek(), [name, made]]);
    }, report);
  });

  /** All models that are there change places together. */
  const endPlaces = effect(() => {
    const wanted = backend.wanted.value;
    for (const each of new Set([model.value, nano.value, ...smalls.value.values()])) {
      if (each !== undefined) void use(each.client, wanted);
    }
  });

  let turn = 0;

  /** Begins another try: nothing that was begun before is waited for. */
  function begin(): number {
    awaited.value = undefined;
    return ++turn;
  }

  /**
   * At the start nano, which is part of the page; then the model that the address names, or taesd
   * where its weights are beside the page or were downloaded.
   */
  function start(wanted: ModelName | undefined): Promise<void> {
    return attempt(async () => {
      const mine = begin();
      say('Loading nano …');
      nano.value = await create('nano', { kind: 'package' });
      if (mine !== turn) return;
      model.value = nano.value;
      if (wanted !== undefined) return choose(wanted);
      const found = await find('taesd');
      if (mine === turn && found !== undefined) take(found);
    });
  }

  /** Says what is being done. After a failure nothing is: the problem is told elsewhere. */
  async function doing<T>(text: string, work: () => Promise<T>): Promise<T> {
    const mine = turn;
    say(text);
    try {
      return await work();
    } catch (error) {
      if (mine === turn) say('');
      throw error;
    }
  }

  /** Takes another model, where its weights are at hand. */
  function choose(name: ModelName): Promise<void> {
    return attempt(async () => {
      const mine = begin();
      missing.value = undefined;
      if (name === model.value?.model) return;
      if (name === 'nano' && nano.value !== undefined) return take(nano.value);
      awaited.value = name;
      const found = await doing(`Loading ${name} …`, () => find(name)).finally(() => {
        if (mine === turn) awaited.value = undefined;
      });
      if (mine !== turn) return found?.client.end();
      if (found !== undefined) return take(found);
      missing.value = name;
      const ways = downloadBytes(name) === undefined ? 'opened' : 'downloaded, or opened';
      say(`The weights of ${name} are not here: they can be ${ways} from files.`);
    });
  }

  /** Fetches the weights of a model and keeps them for the next visit. */
  function fetchWeights(name: ModelName): Promise<void> {
    return attempt(async () => {
      begin();
      download.value = 0;
      try {
        take(await doing(`Downloading ${name} …`, () => create(name, { kind: 'download' })));
      } finally {
        download.value = undefined;
      }
    });
  }

  /** Takes weights from files that the user has; their names say which model they are of. */
  function openWeights(files: readonly File[]): Promise<void> {
    return attempt(async () => {
      begin();
      const names = files.map(({ name }) => name).join(', ');
      const from: WeightsFrom = { kind: 'files', files };
      take(await doing(`Reading ${names} …`, () => create(modelOf(files), from)));
    });
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
    const client = startEngine();
    const place = signal<Place>({ backend: 'wasm' });
    client.listen((event) => {
      if (event.type === 'download') {
        download.value = event.total === undefined ? null : event.done / event.total;
      }
      if (event.type === 'preview-error') messages.problem.value = event.message;
      if (event.type === 'place') {
        place.value = event.place;
        const { backend: at, reason } = event.place;
        if (at === 'wasm' && reason !== undefined) backend.refuse(reason);
      }
    });
    try {
      const loaded = await client.call('load', name, from);
      await use(client, backend.wanted.peek());
      return { ...loaded, client, place };
    } catch (error) {
      client.end();
      throw error;
    }
  }

  async function use(client: Client<EngineMethods>, wanted: Backend): Promise<void> {
    try {
      await client.call('use', wanted);
    } catch (error) {
      const { code, message } = error as EngineError;
      if (code !== 'ENDED') backend.refuse(message);
    }
  }

  function take(next: Model): void {
    const last = model.value;
    missing.value = undefined;
    if (next === last) return;
    model.value = next;
    if (last !== undefined && last !== nano.value) last.client.end();
  }

  function end(): void {
    endBeside();
    endPlaces();
    for (const each of new Set([model.value, nano.value, ...smalls.value.values()])) {
      each?.client.end();
    }
  }

  return {
    ...{ model, nano, nanoBeside, quick, missing, awaited, download },
    ...{ start, choose, fetchWeights, openWeights, end },
  };
}

export type Models = ReturnType<typeof createModels>;

/** The longest name that the files' names begin with: `taesdxl_decoder` is not of `taesd`. */
function modelOf(files: readonly File[]): ModelName {
  const names = MODEL_NAMES.toSorted((a, b) => b.length - a.length);
  return names.find((name) => files[0].name.toLowerCase().includes(name)) ?? 'taesd';
}
