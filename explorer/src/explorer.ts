import { computed, effect, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { type ModelName, VARIANTS } from 'taesd-wasm';
import { type Address, parseAddress, parseExtent, type SceneId } from './address/address.ts';
import { syncAddress } from './address/sync.ts';
import { afterDrawing } from './drawing/tasks.ts';
import { layerOf } from './engine/names.ts';
import { nextTask } from './engine/next-task.ts';
import { filesLater } from './engine/workers.ts';
import { createBackend } from './stores/backend.ts';
import { createBottleneck } from './stores/bottleneck.ts';
import { createFar } from './stores/far.ts';
import { createFiles } from './stores/files.ts';
import { createFilterLab } from './stores/filter-lab.ts';
import { createFirstLayer } from './stores/first-layer.ts';
import { createFlow } from './stores/flow.ts';
import { createFocus } from './stores/focus.ts';
import { createFree } from './stores/free.ts';
import { createMessages } from './stores/messages.ts';
import { createModels, MODEL_NAMES } from './stores/models.ts';
import { createNetwork } from './stores/network.ts';
import { createPictures } from './stores/pictures.ts';
import { createSlide } from './stores/slide.ts';
import { createStack } from './stores/stack.ts';

/** The scenes that look at the first convolution, which the page computes itself. */
const OF_FIRST_LAYER: readonly SceneId[] = ['0', '1', '2'];

/** The scenes that show the sum of a layer’s pixel. */
const SHOW_LAYERS: readonly SceneId[] = ['3', 'free'];

/** All that the page is made of, without what draws it. Two of them can live side by side. */
export function createExplorer() {
  const first = parseAddress(location.hash, MODEL_NAMES);
  const messages = createMessages();
  const backend = createBackend(messages);
  const models = createModels(messages, backend);
  const reader = filesLater();
  const pictures = createPictures(messages);
  const files = createFiles(messages, { models, pictures, reader });
  const network = createNetwork(messages, models, pictures);
  const scene = signal<SceneId>(first.scene);
  const isLayers = computed(() => SHOW_LAYERS.includes(scene.value));
  const focus = createFocus(messages, network, isLayers);
  const firstLayer = createFirstLayer(messages, pictures, network);
  const isFilters = computed(() => scene.value === '2');
  const filterLab = createFilterLab(messages, firstLayer, pictures, isFilters);
  const slide = createSlide();
  const isLatent = computed(() => scene.value === '4');
  const bottleneck = createBottleneck(messages, models, network, { reader, isShown: isLatent });
  const isStack = computed(() => scene.value === '3');
  const stack = createStack(messages, network, focus, isStack);
  /** The part that a word of the text names, while it is pointed at. */
  const lit = signal('');
  /**
   * One product of the sum, while it is pointed at: its input channel, and its number in the
   * window.
   */
  const cell = signal<{ readonly channel: number; readonly n: number } | undefined>(undefined);
  const isDrawerOpen = signal(false);
  const flow = createFlow(scene, network.coded);
  const isOfFirstLayer = () => OF_FIRST_LAYER.includes(scene.value);
  const isFree = computed(() => scene.value === 'free');
  const isFar = computed(() => scene.value === '6');
  const far = createFar(messages, models, network, isFar);
  const free = createFree(messages, models, network, focus, isFree);

  /** The address whose model is being fetched. Until it comes, another one shows what it can. */
  const awaited = signal<Address | undefined>(undefined);

  function apply(address: Address): void {
    const { scene: next, model } = address;
    scene.value = next;
    aim(address);
    const now = models.model.peek()?.model;
    awaited.value = model === undefined || model === now ? undefined : address;
    if (model !== undefined && now !== undefined) void fetched(model, models.choose(model));
  }

  /** Looks at the place that an address names. */
  function aim({ scene: next, layer, channel, at }: Address): void {
    if (OF_FIRST_LAYER.includes(next)) {
      if (channel !== undefined) filterLab.choose(channel);
      if (at !== undefined) firstLayer.at.value = at;
    } else if (next === '6') {
      if (channel !== undefined) far.channel.value = channel;
      if (at !== undefined) far.at.value = at;
    } else {
      focus.aim({ layer, channel, at });
    }
  }

  /** Waits for a model no longer than until its weights turn out not to be here. */
  async function fetched(model: ModelName | undefined, fetching: Promise<void>): Promise<void> {
    await fetching;
    if (models.model.peek()?.model !== model) awaited.value = undefined;
  }

  /** The model is here: the place is one of its layers. Elsewhere by now: it is not waited for. */
  const endAwaited = effect(() => {
    const address = awaited.value;
    if (address === undefined) return;
    const isOfFocus = !OF_FIRST_LAYER.includes(address.scene) && address.scene !== '6';
    const outer = layerOf(focus.layer.value ?? '');
    const isElsewhere =
      scene.value !== address.scene || (isOfFocus && outer !== layerOf(address.layer ?? ''));
    if (!isElsewhere && network.trip.value?.model.model !== address.model) return;
    awaited.value = undefined;
    if (!isElsewhere && !OF_FIRST_LAYER.includes(address.scene)) aim(address);
  });

  /** Returns the layer of the address. The latent has none. */
  function layerRead(model: ModelName | undefined): string | undefined {
    if (scene.value === '4') return undefined;
    if (isFar.value) return latentLayer(model);
    return isOfFirstLayer() ? 'encoder.0' : (focus.layer.value ?? focus.step.value?.name);
  }

  function read(): Address {
    if (awaited.value?.model !== undefined) return awaited.value;
    const { channel, at } = isFar.value ? far : isOfFirstLayer() ? firstLayer : focus;
    const model = models.model.value?.model ?? first.model;
    return {
      ...{ scene: scene.value, model },
      layer: layerRead(model),
      channel: channel.value,
      at: at.value,
    };
  }

  apply(first);
  const endAddress = syncAddress({ read, apply, models: MODEL_NAMES });

  /** Another scene: nothing slides on, nothing stays lit. */
  const endScenes = effect(() => {
    scene.value;
    slide.stop();
    lit.value = '';
  });

  /** The models are fetched after the picture, which shows something at once. */
  const endStart = effect(() => {
    if (pictures.picture.value === undefined) return;
    queueMicrotask(() => endStart());
    afterDrawing(() => void fetched(first.model, models.start(first.model)));
  });

  return {
    ...{ messages, backend, models, pictures, files, network, focus },
    ...{ firstLayer, filterLab, slide, stack, bottleneck, far, free, flow },
    ...{ scene, lit, cell, isDrawerOpen, isOfFirstLayer },
    ...{ extent: parseExtent(location.search), read },
    go(next: SceneId): void {
      inTransition(() => {
        scene.value = next;
      });
    },
    /** To a layer: in the scene at work if it shows that layer, else in the one on stacks. */
    visit(layer: string): void {
      focus.layer.value = layer;
      const isOnWayUp = scene.peek() === '5' && layer.startsWith('decoder.');
      if (scene.peek() !== 'free' && !isOnWayUp) scene.value = '3';
    },
    /** Begins: the picture first, then the models. */
    start(): void {
      void pictures.useSample();
    },
    end(): void {
      for (const stop of [endAddress, endAwaited, endScenes, endStart]) stop();
      const own = [filterLab, stack, bottleneck, far, free, flow, slide, firstLayer, focus];
      for (const store of [...own, network, pictures, files, models]) store.end();
    },
  };
}

/** Lets one state fade into the next, where the browser can and the reader likes motion. */
function inTransition(change: () => void): void {
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (isStill || document.startViewTransition === undefined) {
    change();
    return;
  }
  document.startViewTransition(async () => {
    change();
    // Preact draws in a task of its own.
    await nextTask();
  });
}

/** The layer that makes the latent: the encoder's last. */
const latentLayer = (model: ModelName | undefined): string | undefined =>
  model && `encoder.${VARIANTS[model].networks.encoder.length - 1}`;

export type Explorer = ReturnType<typeof createExplorer>;

export const ExplorerContext = createContext<Explorer | undefined>(undefined);

/** The explorer that a view is part of. */
export function useExplorer(): Explorer {
  const explorer = useContext(ExplorerContext);
  if (explorer === undefined) throw new Error('a view stands outside of an explorer');
  return explorer;
}
