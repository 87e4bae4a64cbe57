/*
 * Numbers as colours: 0 is black, positive numbers glow amber, negative ones blue, the larger the
 * brighter. It is the same in light and dark.
 */

const POSITIVE = [
  [12, 12, 14],
  [124, 58, 18],
  [222, 122, 36],
  [255, 200, 110],
  [255, 247, 226],
];
const NEGATIVE = [
  [12, 12, 14],
  [22, 62, 120],
  [40, 122, 196],
  [126, 192, 240],
  [228, 246, 255],
];
const STEPS = 256;
/** Below 1: small numbers can be told from 0. */
const GAMMA = 0.7;

const table = (stops: readonly (readonly number[])[]): Uint32Array =>
  Uint32Array.from({ length: STEPS }, (_, n) => {
    const place = (n / (STEPS - 1)) ** GAMMA * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    const [red, green, blue] = stops[low].map((value, c) =>
      Math.round(value + (stops[low + 1][c] - value) * (place - low)),
    );
    // In the order of bytes that pictures have, on machines that put the lowest first: all that
    // browsers run on.
    return (255 << 24) | (blue << 16) | (green << 8) | red;
  });

const TABLES = { positive: table(POSITIVE), negative: table(NEGATIVE) };

/**
 * A number's colour as a picture has it. `factor` is the table's last place divided by the
 * brightest number.
 */
const pixelOf = (value: number, factor: number): number =>
  value < 0
    ? TABLES.negative[Math.min((-value * factor) | 0, STEPS - 1)]
    : TABLES.positive[Math.min((value * factor) | 0, STEPS - 1)];

const factorFor = (scale: number): number => (scale > 0 ? (STEPS - 1) / scale : 0);

/** @param scale  the number that is brightest */
export function coloured(
  data: Float32Array,
  width: number,
  height: number,
  scale: number,
): ImageData {
  const pixels = new Uint32Array(width * height);
  const factor = factorFor(scale);
  for (let i = 0; i < pixels.length; i++) pixels[i] = pixelOf(data[i], factor);
  return new ImageData(new Uint8ClampedArray(pixels.buffer), width, height);
}

/** A cell’s colour, and whether dark text is read better on it than light. */
export interface CellColour {
  readonly colour: string;
  readonly isBright: boolean;
}

/**
 * The colour of a primary’s share of a picture, from 0 to 1: red is brighter the more of it there
 * is.
 */
export function primaryColour(channel: number, value: number): CellColour {
  const byte = Math.round(255 * Math.min(Math.max(value, 0), 1));
  const [red, green, blue] = [0, 1, 2].map((n) => (n === channel ? byte : 0));
  return cellOf(red, green, blue);
}

/** The colour of one number. */
export function cellColour(value: number, scale: number): CellColour {
  const pixel = pixelOf(value, factorFor(scale));
  return cellOf(pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255);
}

function cellOf(red: number, green: number, blue: number): CellColour {
  const linear = (byte: number) => (byte / 255) ** 2.2;
  // Relative luminance (WCAG 2); at 0.18 black and white text have the same contrast.
  const luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  return { colour: `rgb(${red} ${green} ${blue})`, isBright: luminance > 0.18 };
}
