import type { PixelView, Summary } from '../engine/protocol.ts';

/*
 * The places of the figures' parts, in units of their viewBox: one unit is a pixel at the size
 * that a figure is drawn for. No DOM here.
 */

/** Estimated width of a letter at the figures' size of 12. */
export const LETTER = 7;

export type Tone = 'positive' | 'negative' | 'plain' | 'encoder' | 'decoder' | 'latent';

// Bars

export interface Bar {
  readonly label: string;
  /** Undefined while it is being measured; NaN and infinities count as undefined. */
  readonly value: number | undefined;
  /** Defaults to `positive`, or `negative` below the line that bars begin at. */
  readonly tone?: Tone | undefined;
}

export interface BarRow {
  readonly label: string;
  readonly text: string;
  readonly tone: Tone;
  readonly y: number;
  readonly x: number;
  readonly width: number;
}

export interface BarsLayout {
  readonly width: number;
  readonly height: number;
  readonly rowHeight: number;
  /** The right end of the labels, the line that bars begin at, the right end of the numbers. */
  readonly labelEnd: number;
  readonly zero: number;
  readonly textEnd: number;
  readonly rows: readonly BarRow[];
}

export interface BarsOptions {
  /** The value that bars begin at. Defaults to 0. */
  readonly from?: number | undefined;
  /** The value of a bar as long as it can be. Defaults to the largest. */
  readonly to?: number | undefined;
  readonly format: (value: number) => string;
  /** The width of the figure. Defaults to 420. */
  readonly width?: number | undefined;
}

const ROW = 20;

export function layoutBars(bars: readonly Bar[], options: BarsOptions): BarsLayout {
  const { from = 0, to, format, width = 420 } = options;
  const values = bars.map(({ value }) => finite(value));
  const texts = values.map((value) => (value === undefined ? '…' : format(value)));
  const longest = (list: readonly string[]) =>
    list.reduce((longest, text) => Math.max(longest, text.length), 0) * LETTER;
  const labelEnd = Math.min(longest(bars.map(({ label }) => label)), width / 2);
  const [left, right] = [labelEnd + 8, width - longest(texts) - 8];
  const low = values.reduce((least: number, value) => Math.min(least, value ?? from), from);
  const high = values.reduce(
    (largest: number, value) => Math.max(largest, value ?? from),
    to ?? from,
  );
  const scale = scaleOf([low, high], [left, Math.max(right, left)]);
  const zero = scale(from);
  return {
    ...{ width, height: bars.length * ROW, rowHeight: ROW, labelEnd, zero, textEnd: width },
    rows: bars.map(({ label, tone }, n) => {
      const value = values[n] ?? from;
      const end = scale(Math.min(value, high));
      return {
        ...{ label, text: texts[n], y: n * ROW },
        tone: tone ?? (value < from ? 'negative' : 'positive'),
        x: Math.min(zero, end),
        width: Math.abs(end - zero),
      };
    }),
  };
}

const finite = (value: number | undefined): number | undefined =>
  value !== undefined && Number.isFinite(value) ? value : undefined;

/**
 * Returns the function that takes a range of values to one of units; an empty range to its start.
 */
function scaleOf([low, high]: readonly number[], [start, end]: readonly number[]) {
  const factor = high > low ? (end - start) / (high - low) : 0;
  return (value: number): number => start + (value - low) * factor;
}

// Waterfall

/** A sum that is added up term by term. */
export type WaterfallSum = Pick<PixelView, 'windows' | 'bias' | 'skip' | 'beforeRelu' | 'value'>;

export type TermKind = 'channel' | 'others' | 'bias' | 'skip' | 'relu' | 'value';

export interface Term {
  readonly kind: TermKind;
  /** The input channel. Undefined for the other terms. */
  readonly channel: number | undefined;
  /** How many channels it is the sum of: 0 for terms that are none. */
  readonly count: number;
  readonly value: number;
  /** The running sum before and after it. */
  readonly before: number;
  readonly after: number;
}

/** Columns of channels; the smallest sums past them are one column. */
const MAX_COLUMNS = 64;

/**
 * Returns the terms of a sum in the order in which they are added: channels by size, those that
 * have no column of their own, bias, skip connection, ReLU, and the value.
 */
export function termsOf(
  { windows, bias, skip, beforeRelu, value }: WaterfallSum,
  maxColumns = MAX_COLUMNS,
): Term[] {
  const bySize = [...windows].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const isAll = bySize.length <= maxColumns;
  const shown = isAll ? bySize : bySize.slice(0, maxColumns - 1);
  const rest = bySize.slice(shown.length);
  const terms: Term[] = [];
  let total = 0;
  const add = (kind: TermKind, added: number, count = 0, channel?: number) => {
    terms.push({ kind, channel, count, value: added, before: total, after: total + added });
    total += added;
  };
  for (const { channel, sum } of shown) add('channel', sum, 1, channel);
  if (!isAll) {
    const sum = rest.reduce((all, window) => all + window.sum, 0);
    add('others', sum, rest.length);
  }
  add('bias', bias);
  if (skip !== undefined) add('skip', skip);
  // Nothing happens to a sum that is not below 0.
  if (beforeRelu !== undefined) add('relu', Math.max(-total, 0));
  const last = { kind: 'value', channel: undefined, count: 0 } as const;
  return [...terms, { ...last, value, before: 0, after: value }];
}

export interface Column extends Term {
  readonly x: number;
  readonly width: number;
  /** The bar's upper end and its height. */
  readonly y: number;
  readonly height: number;
  /** The running sum after it, where the line to the next column lies. */
  readonly end: number;
}

export interface WaterfallLayout {
  readonly width: number;
  readonly height: number;
  /** The lines of 0, and of the highest and lowest running sum. */
  readonly zero: number;
  readonly top: number;
  readonly bottom: number;
  readonly max: number;
  readonly min: number;
  readonly left: number;
  readonly columns: readonly Column[];
}

export interface WaterfallOptions {
  /** Defaults to 480. */
  readonly width?: number | undefined;
  /** Defaults to 200. */
  readonly height?: number | undefined;
}

const AXIS = 46;
const FOOT = 18;
const HEAD = 8;
/** The width of a column with a word below it. */
const WORD = 36;
/** Few terms do not fill the width. */
const MAX_COLUMN = 72;

export function layoutWaterfall(
  terms: readonly Term[],
  { width = 480, height = 200 }: WaterfallOptions = {},
): WaterfallLayout {
  const ends = terms.flatMap(({ before, after }) => [before, after]);
  const max = ends.reduce((largest, value) => Math.max(largest, value), 0);
  const min = ends.reduce((least, value) => Math.min(least, value), 0);
  const [top, bottom] = [HEAD, height - FOOT];
  const scale = scaleOf([min, max], [bottom, top]);
  const widths = columnWidths(terms, width - AXIS);
  let x = AXIS;
  const columns = terms.map((term) => {
    const column = widths(term);
    const [from, to] = [scale(term.before), scale(term.after)];
    const bar = { x, width: column, y: Math.min(from, to), height: Math.abs(from - to) };
    x += column;
    return { ...term, ...bar, end: to };
  });
  return { width, height, zero: scale(0), top, bottom, max, min, left: AXIS, columns };
}

/** Terms with words are wide enough for them, if channels are left half of the room at least. */
function columnWidths(terms: readonly Term[], room: number): (term: Term) => number {
  const even = room / terms.length;
  if (even >= WORD) return () => Math.min(even, MAX_COLUMN);
  const channels = terms.filter(({ kind }) => kind === 'channel').length;
  const words = terms.length - channels;
  const word = Math.min(WORD, room / 2 / words);
  const own = (room - words * word) / Math.max(channels, 1);
  return ({ kind }) => (kind === 'channel' ? own : word);
}

// Histogram

export interface HistogramBar {
  readonly x: number;
  readonly width: number;
  readonly y: number;
  readonly height: number;
  /** From 0 to 1. */
  readonly share: number;
  /** The numbers it counts: from … to. */
  readonly from: number;
  readonly to: number;
  /** Whether the bar is longer than the figure is high. */
  readonly isCut: boolean;
}

export interface HistogramLayout {
  readonly width: number;
  readonly height: number;
  readonly bottom: number;
  /** The place of 0, if it is in the range. */
  readonly zero: number | undefined;
  readonly all: readonly HistogramBar[];
  /** The channel's bars in the wider range of all; empty without a channel. */
  readonly own: readonly HistogramBar[];
}

/** A bar so many times as long as the next one is cut, so that the others can be seen. */
const MAX_RATIO = 3;

/** @param channel  one channel's numbers, drawn over those of all */
export function layoutHistogram(
  all: Summary,
  channel: Summary | undefined,
  { width = 420, height = 140 }: WaterfallOptions = {},
): HistogramLayout {
  const shares = sharesOf(all);
  const own = channel === undefined ? [] : spread(channel, all);
  const longest = [...shares, ...own].sort((a, b) => b - a);
  const second = longest.find((value) => value < longest[0]) ?? 0;
  const isCut = second > 0 && longest[0] > MAX_RATIO * second;
  const limit = isCut ? second * 1.4 : longest[0];
  const [top, bottom] = [HEAD + 12, height - FOOT];
  const scale = scaleOf([0, limit], [bottom, top]);
  const column = width / shares.length;
  const step = (all.max - all.min) / shares.length;
  const bar = (share: number, n: number): HistogramBar => {
    const y = scale(Math.min(share, limit));
    return {
      ...{ x: n * column, width: column, y, height: bottom - y, share },
      ...{ from: all.min + n * step, to: all.min + (n + 1) * step, isCut: share > limit },
    };
  };
  const isInside = all.min <= 0 && all.max >= 0 && all.max > all.min;
  return {
    ...{ width, height, bottom, all: shares.map(bar), own: own.map(bar) },
    zero: isInside ? (width * -all.min) / (all.max - all.min) : undefined,
  };
}

function sharesOf({ histogram }: Summary): number[] {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  return [...histogram].map((count) => (total === 0 ? 0 : count / total));
}

/** A channel's bars in the wider range of all of them: each falls where its middle is. */
function spread(channel: Summary, all: Summary): number[] {
  const bars = new Array<number>(all.histogram.length).fill(0);
  const width = (all.max - all.min) / bars.length;
  const step = (channel.max - channel.min) / channel.histogram.length;
  for (const [n, share] of sharesOf(channel).entries()) {
    const middle = channel.min + (n + 0.5) * step;
    const at = width > 0 ? Math.floor((middle - all.min) / width) : 0;
    bars[Math.min(Math.max(at, 0), bars.length - 1)] += share;
  }
  return bars;
}

// Rings

/** Rings with a bar of their own if nothing else is said. */
const MAX_RINGS = 8;

/**
 * Returns the bars of rings: the square itself, each ring by its distance in pixels, and the
 * largest change of those farther out.
 *
 * @param size  the side of a square in pixels
 * @param most  the rings with a bar of their own; those farther out are one bar. Defaults to 8
 */
export function barsOfRings(rings: readonly number[], size: number, limit = MAX_RINGS): Bar[] {
  const own = rings.slice(0, limit).map((value, ring) => ({
    label: ring === 0 ? 'its square' : `${(ring - 1) * size}–${ring * size} px away`,
    value,
  }));
  const rest = rings.slice(limit);
  if (rest.length === 0) return own;
  const value = rest.reduce((largest, change) => Math.max(largest, change), 0);
  return [...own, { label: 'farther away', value }];
}
