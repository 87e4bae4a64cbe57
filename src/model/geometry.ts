import type { Layer } from './layers.ts';

/*
 * The way each kind of layer turns the map it reads into the map it makes: one row a kind. Shapes,
 * receptive fields and the rows that backends keep follow from it.
 */

/** A kind's row. Output element o stands on input element ⌊o / up⌋ · down, along either axis. */
interface Geometry {
  /** Output elements for each input element. Defaults to 1. */
  readonly up?: number;
  /** Input elements for each output element. Defaults to 1. */
  readonly down?: number;
  /** Elements before the one it stands on that an output element depends on. Defaults to 0. */
  readonly before?: number;
  /** Elements after it. Defaults to 0. */
  readonly after?: number;
  /** The output's channels. Defaults to the input's. */
  readonly channels?: number;
}

type RowsByKind = {
  readonly [Kind in Layer['kind']]: (
    layer: Extract<Layer, { kind: Kind }>,
    channels: number,
  ) => Geometry;
};

const unchanged = (): Geometry => ({});

const GEOMETRY: RowsByKind = {
  conv({ cout, kernel, stride }) {
    const radius = (kernel - 1) / 2;
    return { down: stride, before: radius, after: radius, channels: cout };
  },
  // Three 3×3 convolutions.
  block: ({ cout }) => ({ before: 3, after: 3, channels: cout }),
  relu: unchanged,
  clamp: unchanged,
  upsample2x: () => ({ up: 2 }),
  pixelShuffle: ({ factor }, channels) => ({ up: factor, channels: channels / factor ** 2 }),
  pixelUnshuffle: ({ factor }, channels) => ({
    down: factor,
    after: factor - 1,
    channels: channels * factor ** 2,
  }),
};

/** Returns the geometry of a layer that reads so many channels. */
export function geometryOf(layer: Layer, channels = 0): Required<Geometry> {
  const rowOf = GEOMETRY[layer.kind] as (layer: Layer, channels: number) => Geometry;
  return { up: 1, down: 1, before: 0, after: 0, channels, ...rowOf(layer, channels) };
}

/** Elements along an axis, `first` and `last` included. */
export interface InputRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Returns the range of a layer's input that a range of its output depends on, along either axis.
 * The range may go past the edges, where elements count as 0.
 */
export function inputRange(layer: Layer, { first, last }: InputRange): InputRange {
  const { up, down, before, after } = geometryOf(layer);
  return {
    first: Math.floor(first / up) * down - before,
    last: Math.floor(last / up) * down + after,
  };
}
