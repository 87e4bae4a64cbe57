import { batch, effect, signal } from '@preact/signals';
import { type Picture, type Tensor, VARIANTS } from 'taesd-wasm';
import type { Backend, StepView } from '../engine/protocol.ts';
import { BACKENDS } from './backend.ts';
import { isTranslucent, overWhite } from './compare.ts';
import { report, say } from './messages.ts';
import { type Model, model } from './models.ts';
import { picture, pictureName } from './picture.ts';

/*
 * There and back: the picture, its latent, the decoded picture, and the steps between them.
 */

export interface Trip {
  readonly model: Model;
  /** As the model takes it: a model without alpha takes it over white. */
  readonly picture: Picture;
  /** True if the picture is shown over white because the model has no alpha. */
  readonly isOverWhite: boolean;
  readonly latents: Tensor;
}

/** What became of the latents, and what that took. */
export interface Coded {
  readonly backend: Backend;
  readonly decoded: Picture;
  readonly encodeMs: number;
  readonly decodeMs: number;
}

export const trip = signal<Trip | undefined>(undefined);
/** Of the trip; there is another one when something else encodes and decodes. */
export const coded = signal<Coded | undefined>(undefined);
/** The layers that have run so far, the encoder's first. */
export const steps = signal<readonly StepView[]>([]);
/** True when all of them have. */
export const walked = signal(false);

/** Steps come many at once; the page shows those that have come by now, so often. */
const SHOW_MS = 120;

let turn = 0;

/** A new picture or another model: everything anew. */
effect(() => {
  const [engine, input] = [model.value, picture.value];
  if (engine !== undefined && input !== undefined) run(engine, input).catch(report);
});

/** Another place: the same picture and latents, what was painted and opened stays. */
effect(() => {
  const [now, last] = [trip.value, coded.value];
  if (now === undefined || now.model.place.value.backend === last?.backend) return;
  again(now, now.model.place.value.backend).catch(report);
});

async function again(now: Trip, backend: Backend): Promise<void> {
  const { client, place } = now.model;
  const { width, height } = now.picture;
  const { elapsedMs: encodeMs } = await client.call('encode', now.picture);
  const { picture, elapsedMs: decodeMs } = await client.call('decode', now.latents, width, height);
  if (trip.peek() !== now || place.peek().backend !== backend) return;
  coded.value = { backend, decoded: picture, encodeMs, decodeMs };
  say(`Encoded and decoded again, on ${BACKENDS[backend]}.`);
}

async function run(engine: Model, source: Picture): Promise<void> {
  const mine = ++turn;
  const isOverWhite = VARIANTS[engine.model].pictureChannels === 3 && isTranslucent(source);
  const input = isOverWhite ? overWhite(source) : source;
  const { client } = engine;
  walked.value = false;
  const { backend } = engine.place.peek();
  say(`Encoding and decoding with ${engine.model} …`);
  const { latents, elapsedMs: encodeMs } = await client.call('encode', input);
  const { width, height } = input;
  const { picture: decoded, elapsedMs: decodeMs } = await client.call(
    'decode',
    latents,
    width,
    height,
  );
  if (mine !== turn) return;
  steps.value = [];
  batch(() => {
    trip.value = { model: engine, picture: input, isOverWhite, latents };
    coded.value = { backend, decoded, encodeMs, decodeMs };
  });
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
  if (mine !== turn) return;
  walked.value = true;
  say(`Done: ${pictureName.value}, through the ${steps.value.length} layers of ${engine.model}.`);
}
