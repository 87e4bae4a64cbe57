import { batch, effect, signal } from '@preact/signals';
import { fromVaeLatents, type ModelName, type Picture, type Tensor, VARIANTS } from 'taesd-wasm';
import type { Backend, StepView } from '../engine/protocol.ts';
import { isTranslucent, overWhite } from '../measure/psnr.ts';
import { BACKENDS } from './backend.ts';
import type { Messages } from './messages.ts';
import type { Model, Models } from './models.ts';
import type { GivenLatents, Pictures } from './pictures.ts';

/** The picture as a model takes it, and its latents. */
export interface Trip {
  readonly model: Model;
  /** A model without alpha takes the picture over white. */
  readonly picture: Picture;
  /** True if the picture is shown over white because the model has no alpha. */
  readonly isOverWhite: boolean;
  readonly latents: Tensor;
}

/** The decoded picture, and the time that coding took. */
export interface Coded {
  readonly backend: Backend;
  readonly decoded: Picture;
  readonly encodeMs: number;
  readonly decodeMs: number;
}

/** Steps come many at once; the page shows those that have come by now, so often. */
const SHOW_MS = 60;

/**
 * There and back: the picture, its latents, the decoded picture, and the layers between them, each
 * shown when it is ready.
 */
export function createNetwork(
  { report, say }: Messages,
  { model, awaited }: Models,
  { picture, given, name: pictureName }: Pictures,
) {
  const trip = signal<Trip | undefined>(undefined);
  /** The trip's decoded picture. Another backend makes another one. */
  const coded = signal<Coded | undefined>(undefined);
  /** The layers that have run so far, the encoder's first. */
  const steps = signal<readonly StepView[]>([]);
  /** True when all of them have. */
  const isWalked = signal(false);
  let turn = 0;
  /** The latents of a file whose decoded picture is the picture now. */
  let decodedOf: GivenLatents | undefined;

  /** A new picture or another model: everything anew. */
  const endRuns = effect(() => {
    const [engine, latents] = [model.value, given.value];
    if (engine === undefined) return;
    if (latents !== undefined && understands(engine.model, latents)) {
      decodeGiven(engine, latents).catch(report);
      return;
    }
    const input = picture.value;
    // Latents that no model here understands wait; what is shown stays.
    if (input !== undefined && (latents === undefined || decodedOf === latents)) {
      run(engine, input).catch(report);
    }
  });

  /** Another place: the same picture and latents; what was painted and opened stays. */
  const endPlaces = effect(() => {
    const [now, last] = [trip.value, coded.value];
    if (now === undefined || last === undefined) return;
    const { backend } = now.model.place.value;
    if (backend !== last.backend) again(now, backend).catch(report);
  });

  async function again(now: Trip, backend: Backend): Promise<void> {
    const { client, place } = now.model;
    const { width, height } = now.picture;
    const { elapsedMs: encodeMs } = await client.call('encode', now.picture);
    const decoded = await client.call('decode', now.latents, width, height);
    if (trip.peek() !== now || place.peek().backend !== backend) return;
    const { picture: made, elapsedMs: decodeMs } = decoded;
    coded.value = { backend, decoded: made, encodeMs, decodeMs };
    say(`Encoded and decoded again, on ${BACKENDS[backend]}.`);
  }

  async function run(engine: Model, source: Picture): Promise<void> {
    const mine = ++turn;
    const isOverWhite = VARIANTS[engine.model].pictureChannels === 3 && isTranslucent(source);
    const input = isOverWhite ? overWhite(source) : source;
    const { width, height } = input;
    const { client, place } = engine;
    const { backend } = place.peek();
    isWalked.value = false;
    say(`Encoding and decoding with ${engine.model} …`);
    const { latents, elapsedMs: encodeMs } = await client.call('encode', input);
    if (mine !== turn) return;
    coded.value = undefined;
    steps.value = [];
    trip.value = { model: engine, picture: input, isOverWhite, latents };
    const { picture: decoded, elapsedMs: decodeMs } = await client.call(
      ...(['decode', latents, width, height] as const),
    );
    if (mine !== turn) return;
    coded.value = { backend, decoded, encodeMs, decodeMs };
    await walk(mine, engine, input, latents);
    if (mine !== turn) return;
    isWalked.value = true;
    sayDone(engine);
  }

  /**
   * Latents of a file: their decoded picture is the picture, and the decoder's layers start from
   * them.
   */
  async function decodeGiven(engine: Model, source: GivenLatents): Promise<void> {
    const mine = ++turn;
    const { client, place } = engine;
    const { backend } = place.peek();
    const { width, height } = source;
    isWalked.value = false;
    say(`Decoding ${source.name} with ${engine.model} …`);
    const isUnconverted = source.space === 'vae' && source.model === undefined;
    const latents = isUnconverted
      ? { ...fromVaeLatents(source.latents, engine.model), shape: source.latents.shape }
      : source.latents;
    const { picture: decoded, elapsedMs: decodeMs } = await client.call(
      ...(['decode', latents, width, height] as const),
    );
    if (mine !== turn) return;
    batch(() => {
      decodedOf = source;
      pictureName.value = `the latents of ${source.name}, ${width}×${height}`;
      picture.value = decoded;
      steps.value = [];
      trip.value = { model: engine, picture: decoded, isOverWhite: false, latents };
      coded.value = { backend, decoded, encodeMs: 0, decodeMs };
    });
    await walk(mine, engine, decoded, latents);
    if (mine !== turn) return;
    isWalked.value = true;
    sayDone(engine);
  }

  /** While another model is awaited, the numbers of this one are not what a link means. */
  function sayDone({ model: name }: Model): void {
    const next = awaited.peek();
    say(
      next === undefined
        ? `Done: ${pictureName.value}, through the ${steps.value.length} layers of ${name}.`
        : `Loading ${next} … Until it is here, the numbers are those of ${name}.`,
    );
  }

  async function walk(mine: number, { client }: Model, input: Picture, latents: Tensor) {
    const arrived: StepView[] = [];
    const stop = client.listen((event) => {
      if (event.type === 'step' && event.walk === mine) arrived.push(event.step);
    });
    const show = () => {
      if (mine === turn && arrived.length > steps.value.length) steps.value = [...arrived];
    };
    const timer = setInterval(show, SHOW_MS);
    try {
      await client.call('walk', mine, input, latents);
    } finally {
      stop();
      clearInterval(timer);
    }
    show();
  }

  return {
    ...{ trip, coded, steps, isWalked },
    end(): void {
      turn++;
      endRuns();
      endPlaces();
    },
  };
}

export type NetworkStore = ReturnType<typeof createNetwork>;

/**
 * Whether a model can decode latents of a file: those of its own space, or of any with so many
 * channels.
 */
function understands(model: ModelName, { latents, model: own }: GivenLatents): boolean {
  const { space, latentChannels } = VARIANTS[model];
  return own === undefined ? latentChannels === latents.shape[1] : VARIANTS[own].space === space;
}
