import { type Layer, needsWholeMap } from './layers.ts';

/*
 * The way each kind of layer turns the map it reads into the map it makes: one row a kind. Shapes,
 * receptive fields and the rows that backends keep follow from it.
 */

/**
 * The geometry of a layer, along either axis. Output element o stands on input element
 * ⌊o / up⌋ · down, and depends on the elements from `before` it to `after` it.
 */
type Geometry = readonly [
  up: number,
  down: number,
  before: number,
  after: number,
  channels: number,
];

/** Returns the geometry of a layer that reads so many channels. */
type GeometryOf<Kind> = (layer: Kind, channels: number) => Geometry;

type Table = { readonly [Kind in Layer['kind']]: GeometryOf<Extract<Layer, { kind: Kind }>> };

const unchanged: GeometryOf<Layer> = (_, channels) => [1, 1, 0, 0, channels];

const GEOMETRY: Table = {
  conv: ({ cout, kernel, stride }) => [1, stride, kernel >> 1, kernel >> 1, cout],
  block: ({ cout }) => [1, 1, 3, 3, cout], // three 3×3 convolutions
  memBlock: ({ channels, to }) => [1, 1, 3, 3, to * channels],
  frameConv: ({ conv: { cout, stride }, to }) => [1, stride, 1, 1, to * cout],
  relu: unchanged,
  upsample2x: (_, channels) => [2, 1, 0, 0, channels],
  groupNorm: unchanged,
  clamp: unchanged,
  pixelShuffle: ({ factor }, channels) => [factor, 1, 0, 0, channels / factor ** 2],
  pixelUnshuffle: ({ factor }, channels) => [1, factor, 0, factor - 1, channels * factor ** 2],
};

export const geometryOf = (layer: Layer, channels = 0): Geometry =>
  (GEOMETRY[layer.kind] as GeometryOf<Layer>)(layer, channels);

/** Elements along an axis, `first` and `last` included. */
export interface InputRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Returns the range of a layer's input that a range of its output depends on, along either axis.
 * The range may go past the edges, where elements count as 0. It is infinite for a layer that needs
 * the whole map.
 */
export function inputRange(layer: Layer, { first, last }: InputRange): InputRange {
  if (needsWholeMap(layer)) return { first: -Infinity, last: Infinity };
  const [up, down, before, after] = geometryOf(layer);
  return {
    first: Math.floor(first / up) * down - before,
    last: Math.floor(last / up) * down + after,
  };
}
