import type { PixelView, StepView } from '../engine/protocol.ts';
import type { Colour, FilterKind } from '../measure/filter-kinds.ts';
import type { Follows } from '../measure/follows.ts';
import { reach } from '../measure/rings.ts';

/*
 * Sentences made from measurements. None of them claims more than the numbers that it is given.
 */

/** Correlations below this are not told. */
const LEAST_CORRELATION = 0.3;
const MINUS = '−';

/** Returns a number with so many decimals and a true minus sign. A rounded 0 has no sign. */
export function fixed(value: number, decimals: number): string {
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** Returns a number of a map with about three digits, never in powers of ten. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 0.0005) return 'about 0';
  return fixed(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** Returns a share as "37 %". A share that is not 0 or 1 is never called so. */
export function share(part: number): string {
  if (part > 0 && part < 0.01) return 'fewer than 1 %';
  if (part < 1 && part >= 0.995) return 'more than 99 %';
  return `${Math.round(100 * part)} %`;
}

/** Returns "1st", "12th", "22nd". */
export function ordinal(place: number): string {
  const isTeen = place % 100 >= 11 && place % 100 <= 13;
  return `${place}${(isTeen ? undefined : ['th', 'st', 'nd', 'rd'][place % 10]) ?? 'th'}`;
}

/** Returns "1 channel", "4 channels". */
const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Returns "red", "red and green", "red, green and blue". */
const listed = (words: readonly string[]): string =>
  [words.slice(0, -1).join(', '), words[words.length - 1]].filter(Boolean).join(' and ');

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

// Layers

/**
 * Tells what a block does for the picture.
 *
 * @param whole    the decoded picture's PSNR to the original, in dB
 * @param without  the PSNR with the block switched off
 */
export function blockOffText(whole: number, without: number): string {
  if (!Number.isFinite(whole) || !Number.isFinite(without)) {
    return 'The picture is equal to the original, so no loss can be told in dB.';
  }
  // The difference of the rounded numbers, so that the sentence adds up.
  const [all, less] = [whole, without].map((value) => Number(value.toFixed(1)));
  const loss = fixed(Math.abs(all - less), 1);
  const [now, before] = [fixed(less, 1), fixed(all, 1)];
  if (all === less) return `Without this block the picture stays as it is: ${before} dB.`;
  const verb = less < all ? 'loses' : 'gains';
  return `Without this block the picture ${verb} ${loss} dB: ${now} instead of ${before}.`;
}

/** Tells how many numbers of a map are 0. */
export function zerosText(zeros: number): string {
  if (!(zeros > 0)) return 'None of its numbers is 0.';
  if (zeros === 1) return 'All of its numbers are 0.';
  return `${capital(share(zeros))} of its numbers are 0.`;
}

/** Tells what the numbers of a step are: its zeros, range, mean and silent channels. */
export function stepText({ summary, channels, shape }: StepView): string {
  const { min, max, mean, zeros } = summary;
  const silent = channels.filter((channel) => channel.zeros === 1).length;
  if (min === max) {
    return `All of its ${grouped(shape.slice(1).reduce((a, b) => a * b, 1))} numbers are ${figure(min)}.`;
  }
  const highest = channels.findIndex((channel) => channel.max === max);
  const sentences = [
    zerosText(zeros),
    `They go from ${figure(min)} to ${figure(max)}, on average ${figure(mean)}.`,
  ];
  if (channels.length > 1 && highest >= 0) {
    sentences.push(`The largest is in channel ${highest}.`);
  }
  if (silent > 0 && channels.length > 1) {
    const verb = silent === 1 ? 'is' : 'are';
    sentences.push(`${silent} of ${counted(channels.length, 'channel')} ${verb} 0 everywhere.`);
  }
  return sentences.join(' ');
}

/** Returns 1234567 as 1,234,567. */
const grouped = (value: number): string => `${value}`.replace(/\B(?=(?:\d{3})+$)/g, ',');

// One number

/** The numbers that tell a sum. */
export type SumView = Pick<PixelView, 'windows' | 'sum' | 'bias' | 'skip' | 'beforeRelu' | 'value'>;

/** Tells how one number came about: the channels that count most, bias, skip and ReLU. */
export function sumText({ windows, sum, bias, skip, beforeRelu, value }: SumView): string {
  const largest = windows.reduce(
    (largest, window) => (Math.abs(window.sum) > Math.abs(largest.sum) ? window : largest),
    windows[0],
  );
  const of = windows.length === 1 ? 'The channel gives' : `${windows.length} channels add up to`;
  const own =
    windows.length === 1 || largest.sum === 0
      ? ''
      : `; channel ${largest.channel} counts most, with ${fixed(largest.sum, 3)}`;
  const added = skip === undefined ? '' : ` and the skip connection ${fixed(skip, 3)}`;
  const isCut = beforeRelu !== undefined && beforeRelu < 0;
  const end = isCut
    ? `that makes ${fixed(beforeRelu, 3)}, and the ReLU makes it 0`
    : `that makes ${fixed(value, 3)}`;
  return `${of} ${fixed(sum, 3)}${own}. With the bias ${fixed(bias, 3)}${added} ${end}.`;
}

// Filters

const DIRECTIONS = [
  'to the right',
  'to the upper right',
  'upwards',
  'to the upper left',
  'to the left',
  'to the lower left',
  'downwards',
  'to the lower right',
];

/** Returns a direction in words, to the next eighth of a turn. */
const directionText = (degrees: number): string =>
  DIRECTIONS[Math.round(degrees / 45) % DIRECTIONS.length];

/** Tells what a filter answers to. */
export function filterText(kind: FilterKind): string {
  const flat = flatText(kind);
  return flat === '' ? answerText(kind) : `${answerText(kind)} ${flat}`;
}

function answerText(found: FilterKind): string {
  const { kind, isPositive, degrees, raising, lowering } = found;
  switch (kind) {
    case 'none':
      return 'All weights are 0.';
    case 'brightness':
      return `Bright where the picture is ${isPositive ? 'bright' : 'dark'}.`;
    case 'colour':
      return `Bright where there is ${moreThan(raising, lowering)}.`;
    case 'edge': {
      const way = directionText(degrees ?? 0);
      if (raising.length === 0) return `Bright where the picture gets brighter ${way}.`;
      return `Bright where ${listed(raising)} ${verbOf(raising)} over from ${listed(lowering)} ${way}.`;
    }
    case 'texture':
      return `Bright at a fine pattern, which makes ${share(found.share)} of its map.`;
  }
}

const verbOf = (colours: readonly Colour[]): string => (colours.length === 1 ? 'takes' : 'take');

const moreThan = (raising: readonly string[], lowering: readonly string[]): string =>
  `more ${listed(raising)} than ${listed(lowering)}`;

/** Tells what a filter makes of an area of one colour, if that is always one number. */
function flatText({ kind, isFlat, bias }: FilterKind): string {
  if (kind === 'none') return `The map is ${figure(bias)} everywhere.`;
  if (!isFlat) return '';
  const rounded = figure(bias);
  return rounded === '0' || rounded === 'about 0'
    ? 'It is 0 on flat areas.'
    : `On flat areas it is its bias, ${rounded}.`;
}

// The latent

/** Tells what a channel of the latent follows. */
export function followsText(found: Follows): string {
  const { channel, isConstant, luma, red, blue } = found;
  const name = `Channel ${channel}`;
  if (isConstant) return `${name} is the same everywhere, so it follows nothing.`;
  if (luma === undefined && red === undefined && blue === undefined) {
    return `The picture is the same everywhere, so ${name.toLowerCase()} has nothing to follow.`;
  }
  const isGrey = red === undefined && blue === undefined;
  const colour = colourText(red, blue);
  const bright = Math.abs(luma ?? 0);
  const tinted = Math.max(Math.abs(red ?? 0), Math.abs(blue ?? 0));
  const isBright = luma !== undefined && bright >= LEAST_CORRELATION;
  if (!isBright && colour === undefined) {
    return isGrey
      ? `${name} does not follow brightness (below ${LEAST_CORRELATION}).`
      : `${name} follows neither brightness nor colour (below ${LEAST_CORRELATION}).`;
  }
  const light = isBright ? brightnessText(luma) : undefined;
  if (colour === undefined || light === undefined) {
    return light === undefined
      ? `${name} is high where the picture is ${colour}.`
      : `${name} ${light.first}.`;
  }
  return bright >= tinted
    ? `${name} ${light.first}, and less so where it is ${colour}.`
    : `${name} is high where the picture is ${colour}, and less so where it is ${light.second}.`;
}

function brightnessText(luma: number): { first: string; second: string } {
  const value = fixed(luma, 2);
  return luma > 0
    ? { first: `follows brightness (${value})`, second: `bright (${value})` }
    : { first: `is high where the picture is dark (${value})`, second: `dark (${value})` };
}

/** Returns a colour and its correlations, such as "blue (−0.62 red, 0.53 blue)". */
function colourText(red = 0, blue = 0): string | undefined {
  const sign = (value: number) => (Math.abs(value) < LEAST_CORRELATION ? 0 : Math.sign(value));
  const colour = COLOUR_NAMES[`${sign(red)},${sign(blue)}`];
  if (colour === undefined) return undefined;
  const numbers = [
    [red, 'red'],
    [blue, 'blue'],
  ] as const;
  const told = numbers.filter(([value]) => sign(value) !== 0);
  return `${colour} (${told.map(([value, name]) => `${fixed(value, 2)} ${name}`).join(', ')})`;
}

/** By the signs of red − Y and blue − Y. */
const COLOUR_NAMES: Readonly<Record<string, string>> = {
  '1,-1': 'orange',
  '1,0': 'red',
  '1,1': 'purple',
  '0,1': 'blue',
  '-1,1': 'blue',
  '-1,0': 'green or blue',
  '-1,-1': 'green',
  '0,-1': 'yellow or green',
};

// How far it sees

/**
 * Tells how far a change of one number of the latent reaches.
 *
 * @param rings  as `ringsAround` gives them
 * @param least  the smallest difference that counts, from 1 to 255
 * @param size   the side of a square in pixels
 */
export function ringsText(rings: readonly number[], least: number, size: number): string {
  const away = reach(rings, least, size);
  const less = least - 1;
  if (away === undefined) {
    return less === 0 ? 'Nothing changes.' : `Nothing changes by more than ${less} of 255.`;
  }
  const own = `In its own square of the picture it changes up to ${rings[0]} of 255.`;
  if (away === (rings.length - 1) * size) {
    return `${own} It changes the picture up to the edge by ${least} or more.`;
  }
  const where = away === 0 ? 'Outside of that square' : `Beyond ${away} px around it`;
  const rest = less === 0 ? 'nothing changes' : `nothing changes by more than ${less} of 255`;
  return `${own} ${where} ${rest}.`;
}

/** Tells how well two halves fit, from the largest difference to the whole picture. */
export function seamText(overlap: number, difference: number): string {
  const overlapped =
    overlap === 0 ? 'Without overlap' : `With ${counted(overlap, 'cell')} of overlap`;
  return difference === 0
    ? `${overlapped} the halves are equal to the whole picture.`
    : `${overlapped} the halves differ from the whole by at most ${difference} of 255.`;
}
