import type { ModelName } from 'taesd-wasm';

/*
 * The page's address is its state: `#scene/model/layer/channel/x,y`. Each part may be left out from
 * the end. What follows the question mark says how much of the page is shown: `?embed=sum`,
 * `?hide=ribbon,text`.
 */

export const SCENE_IDS = ['0', '1', '2', '3', '4', '5', '6', 'free'] as const;
export type SceneId = (typeof SCENE_IDS)[number];

/** A place in the network and on its maps. */
export interface Address {
  readonly scene: SceneId;
  readonly model: ModelName | undefined;
  /** `decoder.3`, or inside a block `decoder.3.conv.0` */
  readonly layer: string | undefined;
  readonly channel: number | undefined;
  /** In pixels of the layer's output. */
  readonly at: { readonly y: number; readonly x: number } | undefined;
}

/** The figures that `?embed=` can show alone. */
export const FIGURES = ['stage', 'input', 'sum', 'output', 'ribbon'] as const;
export type FigureName = (typeof FIGURES)[number];

/** The figures that a scene does not have. */
const LACKING: Readonly<Partial<Record<SceneId, readonly FigureName[]>>> = {
  '0': ['sum'],
  '4': ['sum'],
  '5': ['input', 'sum', 'output'],
  '6': ['input', 'sum', 'output'],
};

/** Returns the figure that is shown alone: the stage where a scene lacks the one that is wanted. */
export const figureIn = (scene: SceneId, wanted: FigureName): FigureName =>
  LACKING[scene]?.includes(wanted) ? 'stage' : wanted;

/** The parts that `?hide=` can leave out. */
const HIDEABLE = ['header', 'ribbon', 'text', 'question', 'bar', 'settings'] as const;
export type Hideable = (typeof HIDEABLE)[number];

/** How much of the page is shown. */
export interface Extent {
  readonly embed: FigureName | undefined;
  readonly hidden: ReadonlySet<Hideable>;
}

const LAYER = /^(?:encoder|decoder)\.\d+(?:\.[\w+]+)*$/;

/**
 * Reads an address. Parts that are not understood count as left out, so an old link still opens.
 *
 * @param models  the models that the page knows
 */
export function parseAddress(hash: string, models: readonly ModelName[]): Address {
  const [scene, model, layer, channel, at] = hash.replace(/^#/, '').split('/').map(decoded);
  const number = (text: string | undefined) =>
    /^\d{1,6}$/.test(text ?? '') ? Number(text) : undefined;
  const [x, y] = (at ?? '').split(',').map(number);
  return {
    scene: SCENE_IDS.find((id) => id === scene) ?? '0',
    model: models.find((name) => name === model),
    layer: layer !== undefined && LAYER.test(layer) ? layer : undefined,
    channel: number(channel),
    at: x === undefined || y === undefined ? undefined : { y, x },
  };
}

/** A part without its percent signs; empty if they are broken. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

/** Writes an address, up to the first part that is missing. */
export function formatAddress({ scene, model, layer, channel, at }: Address): string {
  const parts = [scene, model, layer, channel, at && `${at.x},${at.y}`];
  const end = parts.indexOf(undefined);
  return `#${(end < 0 ? parts : parts.slice(0, end)).join('/')}`;
}

export function parseExtent(search: string): Extent {
  const query = new URLSearchParams(search);
  const hidden = (query.get('hide') ?? '').split(',');
  return {
    embed: FIGURES.find((name) => name === query.get('embed')),
    hidden: new Set(HIDEABLE.filter((name) => hidden.includes(name))),
  };
}
