import { hasOwn } from '../builtins/newer.ts';
import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import type { GroupNorm, Layer, Network } from '../model/layers.ts';
import { inputChannels, outputShape } from '../model/measure.ts';

/*
 * Lists of layers from outside: written by hand, or read from JSON. Every property is checked, for
 * the kernels check none.
 */

/** The kinds that every backend runs on its own. Layers of videos belong to a whole model. */
export type PublicLayer = Exclude<Layer, GroupNorm | { readonly from: unknown }>;

/** The rule of a property in words, and its test. */
interface Rule {
  readonly rule: string;
  fits(value: unknown): boolean;
}

type Rules<Kind> = { readonly [Name in Exclude<keyof Kind, 'kind'>]: Rule };

/** The maximum number of channels of a map. The widest map of the package's models has 512. */
const MAX_CHANNELS = 65_536;
/** The maximum number of layers. */
const MAX_LAYERS = 1024;
/** The maximum factor of a pixel shuffle. */
const MAX_FACTOR = 64;

const isWholeTo = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;

const CHANNELS: Rule = {
  rule: `a whole number from 1 to ${MAX_CHANNELS}`,
  fits: (value) => isWholeTo(value, 1, MAX_CHANNELS),
};
const FACTOR: Rule = {
  rule: `a whole number from 2 to ${MAX_FACTOR}`,
  fits: (value) => isWholeTo(value, 2, MAX_FACTOR),
};
const FLAG: Rule = { rule: 'true or false', fits: (value) => typeof value === 'boolean' };

/** The kinds of layers, and the rules of their properties. */
const KINDS: {
  readonly [Kind in PublicLayer['kind']]: Rules<Extract<Layer, { readonly kind: Kind }>>;
} = {
  conv: {
    cin: CHANNELS,
    cout: CHANNELS,
    kernel: { rule: '1 or 3', fits: (value) => value === 1 || value === 3 },
    stride: { rule: '1 or 2', fits: (value) => value === 1 || value === 2 },
    bias: FLAG,
  },
  relu: {},
  block: { cin: CHANNELS, cout: CHANNELS, pool: FLAG },
  upsample2x: {},
  clamp: {
    magnitude: {
      rule: 'a finite number above 0',
      fits: (value) => Number.isFinite(value) && (value as number) > 0,
    },
  },
  pixelShuffle: { factor: FACTOR },
  pixelUnshuffle: { factor: FACTOR },
};

/**
 * Checks a list of layers, and that each takes the channels that the one before it makes.
 *
 * @returns a copy, which the caller can no longer change
 * @throws TaesdError ARG (not a list, an unknown kind or property, a wrong value), SHAPE (channels
 *   that do not follow each other), LIMIT (a map of too many channels)
 */
export function checkLayers(layers: unknown): Network {
  const length: unknown = Array.isArray(layers) ? layers.length : undefined;
  if (!isWholeTo(length, 1, MAX_LAYERS)) {
    const got = length === undefined ? describe(layers) : `${length}`;
    throw expected('ARG', 'layers', `a list of 1 to ${MAX_LAYERS} layers`, got);
  }
  const own = Array.from({ length: length as number }, (_, index) =>
    ownLayer((layers as readonly unknown[])[index], index),
  );
  checkChannels(own);
  return own;
}

/** Copies a layer of a list. @throws TaesdError ARG, which names its index */
function ownLayer(layer: unknown, index: number): Layer {
  const what = `layer ${index}`;
  if (typeof layer !== 'object' || layer === null) {
    throw expected('ARG', what, 'an object such as { kind, … }', describe(layer));
  }
  const own: { readonly kind?: unknown } = { ...layer };
  const { kind } = own;
  if (typeof kind !== 'string' || !hasOwn(KINDS, kind)) {
    const isOfVideos = kind === 'memBlock' || kind === 'frameConv';
    const hint = isOfVideos ? 'layers of videos run as parts of their model alone' : undefined;
    const rule = `one of ${Object.keys(KINDS).join(', ')}`;
    throw expected('ARG', `${what} kind`, rule, describe(kind), { hint });
  }
  const known = ['kind', ...Object.keys(KINDS[kind as PublicLayer['kind']])];
  const unknown = Object.keys(own).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    // If a dilation or a padding were ignored, the numbers would be wrong without an error.
    const rule = `no properties of a ${kind} but ${known.join(', ')}`;
    throw expected('ARG', what, rule, unknown);
  }
  return checkLayer(own as PublicLayer, `${what} `);
}

/**
 * Checks the values of a layer's properties.
 *
 * @param prefix  comes before the name of a property in messages: `layer 3 `. Defaults to none
 * @returns the layer
 * @throws TaesdError ARG
 */
export function checkLayer<Kind extends PublicLayer>(layer: Kind, prefix = ''): Kind {
  const rules: Readonly<Record<string, Rule>> = KINDS[layer.kind];
  const values: Readonly<Record<string, unknown>> = { ...layer };
  for (const [name, { rule, fits }] of Object.entries(rules)) {
    const value = values[name];
    if (!fits(value)) throw expected('ARG', `${prefix}${name}`, rule, describe(value));
  }
  return layer;
}

/** @throws TaesdError ARG (no layer gives the channels), SHAPE, LIMIT */
function checkChannels(layers: Network): void {
  let channels = inputChannels(layers);
  if (channels === 0) {
    throw expected('ARG', 'layers', 'a conv or a block, which gives the channels', 'none');
  }
  checkCount('layers', 'into layer 0', channels);
  for (const [index, layer] of layers.entries()) {
    if ('cin' in layer && layer.cin !== channels) {
      const rule = `${channels}, the channels before it`;
      throw expected('SHAPE', `layer ${index} cin`, rule, `${layer.cin}`);
    }
    if (layer.kind === 'pixelShuffle' && channels % layer.factor ** 2 !== 0) {
      const rule = `a factor whose square divides ${channels}, the channels before it`;
      throw expected('SHAPE', `layer ${index} factor`, rule, `${layer.factor}`);
    }
    [channels] = outputShape(layer, [channels, 1, 1]);
    checkCount(`layer ${index}`, 'out of it', channels);
  }
}

function checkCount(what: string, where: string, channels: number): void {
  if (channels <= MAX_CHANNELS) return;
  throw expected('LIMIT', what, `at most ${MAX_CHANNELS} channels ${where}`, `${channels}`);
}
