import type { Filter, Planes } from './convolution.ts';

/*
 * The kind of a 3×3 filter on red, green and blue: its subject, measured from its weights.
 *
 * The 27 weights are split into four parts that add up to them: the mean of all (brightness), what
 * is left of each colour's mean (colour), the slope across the window (edge), and the rest
 * (texture). Each part alone would make a map. The kind of a filter is the part whose map varies
 * most. Neighbouring pixels are nearly equal, so that maps of a small mean vary more than those of
 * a large texture: the plain size of the parts would call 59 of taesd's 64 first filters texture,
 * the maps' variation 7 brightness, 15 colour, 21 edge and 21 texture.
 */

export type Kind = 'brightness' | 'edge' | 'colour' | 'texture' | 'none';

export type Colour = 'red' | 'green' | 'blue';

export interface FilterKind {
  readonly kind: Kind;
  /** The part that its kind has in the map's variation, from 0 to 1. */
  readonly share: number;
  /** Whether the map is high where the picture is bright; false where it is dark. */
  readonly isPositive: boolean;
  /**
   * An edge's direction, in which the picture gets brighter where the map is high: 0 to the right,
   * 90 upwards, below 360. Undefined for other kinds.
   */
  readonly degrees: number | undefined;
  /** How steep the slope is: the root of its squares. */
  readonly strength: number;
  /** The colours that raise the map and those that lower it, for colours and edges of colour. */
  readonly raising: readonly Colour[];
  readonly lowering: readonly Colour[];
  /** The sum of the weights of each colour: the answer to an area full of it. */
  readonly flatness: readonly number[];
  /** Whether all three sums are about 0, so that areas of one colour give the bias alone. */
  readonly isFlat: boolean;
  readonly bias: number;
  /** Filters sorted by it lie by kind, then by direction, colour or share. */
  readonly order: number;
}

const COLOURS: readonly Colour[] = ['red', 'green', 'blue'];
const KINDS: readonly Kind[] = ['brightness', 'edge', 'colour', 'texture', 'none'];
/** A sum of weights up to this part of their sizes counts as 0. */
const FLAT = 0.01;
/** A colour counts if it has at least this part of the strongest one's weight. */
const LEAST_COLOUR = 1 / 3;

/** Correlations of pixels one place apart, and of two colours of a pixel, in photographs. */
const USUAL = { neighbours: 0.95, colours: 0.9 };

/** The covariance of the 27 numbers of a window: [27, 27]. */
export type Covariance = Float64Array;

/** Returns the covariance of windows in usual pictures. */
export function usualCovariance(): Covariance {
  return covarianceFrom((i, j) => {
    const away = Math.hypot(rowOf(i) - rowOf(j), columnOf(i) - columnOf(j));
    return USUAL.neighbours ** away * (colourOf(i) === colourOf(j) ? 1 : USUAL.colours);
  });
}

/** Measures the covariance of the windows of a picture, of every second one in both directions. */
export function covarianceOf({ width, height, data }: Planes): Covariance {
  const means = new Float64Array(27);
  const products = new Float64Array(27 * 27);
  const window = new Float64Array(27);
  let count = 0;
  for (let y = 1; y < height - 1; y += 2) {
    for (let x = 1; x < width - 1; x += 2, count++) {
      for (let i = 0; i < 27; i++) {
        window[i] = data[(colourOf(i) * height + y + rowOf(i)) * width + x + columnOf(i)];
        means[i] += window[i];
        for (let j = 0; j <= i; j++) products[i * 27 + j] += window[i] * window[j];
      }
    }
  }
  if (count === 0) return usualCovariance();
  return covarianceFrom((i, j) => {
    const [high, low] = [Math.max(i, j), Math.min(i, j)];
    return products[high * 27 + low] / count - (means[i] / count) * (means[j] / count);
  });
}

const covarianceFrom = (value: (i: number, j: number) => number): Covariance =>
  Float64Array.from({ length: 27 * 27 }, (_, at) => value(Math.floor(at / 27), at % 27));

const colourOf = (i: number): number => Math.floor(i / 9);
/** From −1 to 1, as `columnOf`. */
const rowOf = (i: number): number => Math.floor((i % 9) / 3) - 1;
const columnOf = (i: number): number => (i % 3) - 1;

/**
 * Tells what a filter answers to.
 *
 * @param filter      one of three input channels
 * @param covariance  that of the picture at hand. Defaults to that of usual pictures.
 * @returns undefined for a filter of other than three channels
 */
export function kindOf(
  { weight, bias }: Filter,
  covariance: Covariance = usualCovariance(),
): FilterKind | undefined {
  if (weight.length !== 27) return undefined;
  const flatness = sumsOf(weight, () => 1);
  const slopes = [sumsOf(weight, columnOf), sumsOf(weight, rowOf)].map((sums) =>
    sums.map((sum) => sum / 6),
  );
  const parts = partsOf(weight, flatness, slopes);
  const variances = parts.map((part) => variance(part, covariance));
  const total = variances.reduce((sum, value) => sum + value, 0);
  const largest = variances.reduce((best, value, n) => (value > variances[best] ? n : best), 0);
  const kind = total > 0 ? PARTS[largest] : 'none';
  const share = total > 0 ? variances[largest] / total : 0;
  const size = weight.reduce((sum, value) => sum + Math.abs(value), 0);
  const edge = kind === 'edge' ? edgeOf(slopes, covariance) : undefined;
  const colours = kind === 'colour' ? coloursOf(lessMean(flatness)) : edge?.colours;
  const { raising = [], lowering = [] } = colours ?? {};
  const found = {
    ...{ kind, share, bias, flatness, raising, lowering },
    isPositive: mean(flatness) > 0,
    degrees: edge?.degrees,
    strength: Math.hypot(...slopes[0], ...slopes[1]),
    isFlat: flatness.every((sum) => Math.abs(sum) <= FLAT * size),
  };
  return { ...found, order: orderOf(found) };
}

/** The order of `partsOf`. */
const PARTS: readonly Kind[] = ['brightness', 'colour', 'edge', 'texture'];

/** Splits the weights into four parts that add up to them. */
function partsOf(
  weight: Float32Array,
  flatness: readonly number[],
  [across, down]: readonly (readonly number[])[],
): Float64Array[] {
  const grey = mean(flatness) / 9;
  const split = [...weight].map((value, i) => {
    const colour = flatness[colourOf(i)] / 9 - grey;
    const edge = across[colourOf(i)] * columnOf(i) + down[colourOf(i)] * rowOf(i);
    return [grey, colour, edge, value - grey - colour - edge];
  });
  return PARTS.map((_, part) => Float64Array.from(split, (values) => values[part]));
}

interface Edge {
  readonly degrees: number;
  /** Undefined for an edge of brightness. */
  readonly colours: ReturnType<typeof coloursOf> | undefined;
}

/** Returns the direction of a slope, of brightness or of colours, whichever varies more. */
function edgeOf(slopes: readonly (readonly number[])[], covariance: Covariance): Edge {
  const greys = slopes.map(mean);
  const [across, down] = slopes.map(lessMean);
  const slope = (x: (c: number) => number, y: (c: number) => number) =>
    variance(
      Float64Array.from({ length: 27 }, (_, i) => {
        const c = colourOf(i);
        return x(c) * columnOf(i) + y(c) * rowOf(i);
      }),
      covariance,
    );
  const ofGrey = slope(
    () => greys[0],
    () => greys[1],
  );
  const ofColour = slope(
    (c) => across[c],
    (c) => down[c],
  );
  if (ofGrey >= ofColour) return { degrees: degreesOf(greys[0], greys[1]), colours: undefined };
  // The direction along which the colours differ most: the first axis of their slopes.
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, c) => sum + value * b[c], 0);
  const angle = Math.atan2(2 * dot(across, down), dot(across, across) - dot(down, down)) / 2;
  const [x, y] = [Math.cos(angle), Math.sin(angle)];
  const along = across.map((value, c) => value * x + down[c] * y);
  // Both ways along an axis are right: the one in which the strongest colour grows is told.
  const strongest = along.reduce((largest, value) =>
    Math.abs(value) > Math.abs(largest) ? value : largest,
  );
  const sign = Math.sign(strongest);
  return {
    degrees: degreesOf(x * sign, y * sign),
    colours: coloursOf(along.map((value) => value * sign)),
  };
}

/** Rows count downwards, degrees upwards. */
function degreesOf(x: number, y: number): number {
  const degrees = (Math.atan2(-y, x) * 180) / Math.PI;
  return (degrees + 360) % 360;
}

function coloursOf(weights: readonly number[]): { raising: Colour[]; lowering: Colour[] } {
  const least =
    LEAST_COLOUR * weights.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  return {
    raising: COLOURS.filter((_, c) => weights[c] > 0 && weights[c] >= least),
    lowering: COLOURS.filter((_, c) => weights[c] < 0 && -weights[c] >= least),
  };
}

function orderOf(found: Omit<FilterKind, 'order'>): number {
  const { kind, share, isPositive, degrees = 0, raising, flatness } = found;
  const rank = KINDS.indexOf(kind);
  if (kind === 'edge') return rank + (raising.length > 0 ? 0.5 : 0) + degrees / 1000;
  if (kind === 'colour') return rank + hueOf(lessMean(flatness)) / 1000;
  return rank + (kind === 'brightness' && !isPositive ? 0.5 : 0) + (1 - share) / 4;
}

/** Returns the place of three sums on the wheel of colours: red 0, green 120, blue 240. */
function hueOf([red, green, blue]: readonly number[]): number {
  const degrees =
    (Math.atan2(Math.sqrt(3) * (green - blue), 2 * red - green - blue) * 180) / Math.PI;
  return (degrees + 360) % 360;
}

/** Returns each colour's sum of weights, each times a factor of its place. */
const sumsOf = (weight: Float32Array, factor: (i: number) => number): number[] =>
  COLOURS.map((_, c) => {
    let sum = 0;
    for (let i = 9 * c; i < 9 * (c + 1); i++) sum += weight[i] * factor(i);
    return sum;
  });

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function lessMean(values: readonly number[]): number[] {
  const middle = mean(values);
  return values.map((value) => value - middle);
}

/** The variance of a map that these weights make. Rounding may go below 0. */
function variance(weights: Float64Array, covariance: Covariance): number {
  let sum = 0;
  for (let i = 0; i < 27; i++) {
    for (let j = 0; j < 27; j++) sum += weights[i] * covariance[i * 27 + j] * weights[j];
  }
  return Math.max(sum, 0);
}
