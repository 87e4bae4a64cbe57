import { toLinear } from '../colour/linear-light.ts';

/*
 * Colours to bytes in sRGB. The colour spaces are those of ImageData: the primaries of sRGB or of
 * Display P3, with the transfer function of sRGB or without one. Their white is D65, so nothing has
 * to be adapted.
 */

/** Linear Display P3 to linear sRGB: the product of their matrices to and from XYZ, row by row. */
const TO_RED: Row = [1.2249401762805598, -0.2249401762805598, 0];
const TO_GREEN: Row = [-0.04205695470968816, 1.0420569547096881, 0];
const TO_BLUE: Row = [-0.01963755459033443, -0.07863604555063188, 1.0982736001409663];

/** A colour space of ImageData. */
export interface ImageDataSpace {
  /** True for the primaries of Display P3. */
  readonly isWide: boolean;
  /** True if the numbers are proportional to light. */
  readonly isLinear: boolean;
}

export const COLOUR_SPACES: ReadonlyMap<unknown, ImageDataSpace> = new Map([
  ['srgb', { isWide: false, isLinear: false }],
  ['srgb-linear', { isWide: false, isLinear: true }],
  ['display-p3', { isWide: true, isLinear: false }],
  ['display-p3-linear', { isWide: true, isLinear: true }],
]);

/** Pixels to convert. */
export interface Colours {
  /** 3 or 4 numbers a pixel, the fourth for alpha. */
  readonly data: ArrayLike<number>;
  readonly channels: 3 | 4;
  /** The number that stands for full light: 255 in bytes, 1 in floats. */
  readonly full: 1 | 255;
  readonly space: ImageDataSpace;
}

/**
 * Returns a function that converts pixels to RGBA bytes in sRGB, rounded to the nearest. Values
 * outside of [0, 1] are clamped, NaN becomes 0.
 *
 * @returns a function of the first pixel and of the one after the last
 */
export function converterToSrgb(
  { data, channels, full, space }: Colours,
  bytes: Uint8ClampedArray,
) {
  const { isWide, isLinear } = space;
  // Numbers in sRGB's own space need no light in between.
  const isSrgb = !isWide && !isLinear;
  const lightOf = isSrgb || isLinear ? (value: number) => value : toLinear;
  const byteOf = isSrgb ? nearestByte : byteOfLight();
  // A byte has 256 values: their light is computed once.
  const lights = full === 255 ? Float64Array.from({ length: 256 }, (_, i) => lightOf(i / 255)) : [];
  const light = (value: number) => (full === 255 ? lights[value] : lightOf(value));
  return (first: number, end: number): void => {
    for (let i = first, from = first * channels; i < end; i++, from += channels) {
      const red = light(data[from]);
      const green = light(data[from + 1]);
      const blue = light(data[from + 2]);
      bytes[4 * i] = byteOf(isWide ? sum(TO_RED, red, green, blue) : red);
      bytes[4 * i + 1] = byteOf(isWide ? sum(TO_GREEN, red, green, blue) : green);
      bytes[4 * i + 2] = byteOf(isWide ? sum(TO_BLUE, red, green, blue) : blue);
      bytes[4 * i + 3] = channels === 4 ? nearestByte(data[from + 3] / full) : 255;
    }
  };
}

type Row = readonly [number, number, number];

const sum = ([r, g, b]: Row, red: number, green: number, blue: number): number =>
  r * red + g * green + b * blue;

// The array clamps, and turns NaN into 0. It would round ties to even: adding 0.5 rounds them up.
const nearestByte = (value: number): number => Math.floor(value * 255 + 0.5);

/** The steps of light at which the search for a byte begins: about one for each byte near black. */
const STEPS = 4096;

/**
 * Returns the function that gives the nearest byte in sRGB for a light. It looks up the lights at
 * which the byte changes. That is exact, and takes a third of the time of powers: 70 ms for a
 * million pixels.
 */
function byteOfLight(): (light: number) => number {
  const changes = Float64Array.from({ length: 257 }, (_, byte) => toLinear((byte - 0.5) / 255));
  changes[256] = Infinity;
  const begin = new Uint8Array(STEPS + 1);
  for (let step = 0, byte = 0; step <= STEPS; step++) {
    while (changes[byte + 1] <= step / STEPS) byte++;
    begin[step] = byte;
  }
  return (light) => {
    if (!(light > 0)) return 0;
    let byte = begin[Math.floor(Math.min(light, 1) * STEPS)];
    while (changes[byte + 1] <= light) byte++;
    return byte;
  };
}
