import { expect, test, vi } from 'vitest';
import { summarise } from '../../explorer/src/engine/summarise.ts';
import { Bars } from '../../explorer/src/figures/bars.tsx';
import { Histogram } from '../../explorer/src/figures/histogram.tsx';
import {
  barsOfRings,
  layoutBars,
  layoutHistogram,
  layoutWaterfall,
  termsOf,
  type WaterfallSum,
} from '../../explorer/src/figures/layout.ts';
import { Rings } from '../../explorer/src/figures/rings.tsx';
import { Waterfall } from '../../explorer/src/figures/waterfall.tsx';
import { drawn, withClass } from './drawn.ts';

const TEXTS = { title: 'Title', describe: 'A sentence.' };
const oneDecimal = (value: number) => value.toFixed(1);

test('bars: 10, 5 and −5 → lengths in proportion, on both sides of one line', () => {
  const bars = [10, 5, -5].map((value) => ({ label: `${value}`, value }));
  const { rows, zero, height } = layoutBars(bars, { format: oneDecimal });
  expect(height).toBe(60);
  expect(rows[0].width).toBeCloseTo(2 * rows[1].width, 9);
  expect(rows[2].width).toBeCloseTo(rows[1].width, 9);
  expect(rows.map(({ x }) => x < zero)).toEqual([false, false, true]);
  expect(rows.map(({ tone }) => tone)).toEqual(['positive', 'positive', 'negative']);
  expect(rows.map(({ text }) => text)).toEqual(['10.0', '5.0', '-5.0']);
});

test('bars: what is not measured yet, NaN, infinity → no bar, a sign for it', () => {
  const values = [undefined, Number.NaN, Infinity, 4];
  const bars = values.map((value, n) => ({ label: `${n}`, value }));
  const { rows } = layoutBars(bars, { format: oneDecimal });
  expect(rows.map(({ text }) => text)).toEqual(['…', '…', '…', '4.0']);
  expect(rows.slice(0, 3).map(({ width }) => width)).toEqual([0, 0, 0]);
  expect(rows[3].width).toBeGreaterThan(100);
});

test('bars from 32.2: 22.2 and 27.2 → the first twice as long, to the left', () => {
  const bars = [22.2, 27.2].map((value) => ({ label: `${value}`, value }));
  const { rows, zero } = layoutBars(bars, { from: 32.2, format: oneDecimal });
  expect(rows[0].width).toBeCloseTo(2 * rows[1].width, 6);
  expect(rows[0].x + rows[0].width).toBeCloseTo(zero, 9);
});

test('bars: none, all equal, one longer than the scale → no NaN, nothing past the end', () => {
  expect(layoutBars([], { format: oneDecimal }).height).toBe(0);
  const even = layoutBars([{ label: 'a', value: 0 }], { format: oneDecimal });
  expect(even.rows[0]).toMatchObject({ width: 0, x: even.zero });
  const long = layoutBars([{ label: 'a', value: 9 }], { to: 3, format: oneDecimal });
  expect(long.rows[0].x + long.rows[0].width).toBeLessThanOrEqual(long.textEnd);
});

test('figure of bars → one picture with a name, a title for each bar, a pick for each', () => {
  const onPick = vi.fn();
  const bars = [
    { label: 'decoder.3', value: 25.9 },
    { label: 'decoder.4', value: 30.1 },
  ];
  const all = drawn(Bars({ ...TEXTS, bars, format: oneDecimal, chosen: 1, onPick }));
  expect(all[0].props).toMatchObject({ role: 'img', 'aria-label': 'Title. A sentence.' });
  const titles = all.filter(({ type }) => type === 'title').map(({ text }) => text);
  expect(titles).toEqual(['decoder.3: 25.9', 'decoder.4: 30.1']);
  const targets = withClass(all, 'g', 'pickable');
  (targets[1].props.onClick as () => void)();
  expect(onPick.mock.calls).toEqual([[1]]);
  expect(withClass(all, 'g', 'chosen')).toEqual([targets[1]]);
});

/** Returns a sum of channels of these sums. */
function sum(channels: readonly number[], bias: number, skip?: number): WaterfallSum {
  const total = channels.reduce((all, one) => all + one, bias + (skip ?? 0));
  return {
    windows: channels.map((value, channel) => ({ channel, products: [], sum: value })),
    ...{ bias, skip },
    beforeRelu: skip === undefined ? undefined : total,
    value: skip === undefined ? total : Math.max(total, 0),
  };
}

test('waterfall: channels, bias, skip, ReLU → by size, each from where the last one ended', () => {
  const terms = termsOf(sum([0.5, -2, 1], 0.25, -1));
  expect(terms.map(({ kind, channel, value }) => [kind, channel, value])).toEqual([
    ['channel', 1, -2],
    ['channel', 2, 1],
    ['channel', 0, 0.5],
    ['bias', undefined, 0.25],
    ['skip', undefined, -1],
    ['relu', undefined, 1.25],
    ['value', undefined, 0],
  ]);
  for (const [n, term] of terms.slice(1, -1).entries()) expect(term.before).toBe(terms[n].after);
  expect(terms[5].after).toBe(0);
});

test('waterfall: 100 channels → 63 columns, and one of the other 37', () => {
  const channels = Array.from({ length: 100 }, (_, n) => n / 8);
  const terms = termsOf(sum(channels, 0));
  const others = terms[63];
  expect(terms.filter(({ kind }) => kind === 'channel').length).toBe(63);
  expect(others).toMatchObject({ kind: 'others', count: 37, value: (36 * 37) / 2 / 8 });
  expect(terms[64].after).toBe(terms[65].value);
});

test('waterfall: 64 channels → every column inside the figure, the end at the value', () => {
  const channels = Array.from({ length: 64 }, (_, n) => (n % 2 === 0 ? 1 : -1) * (n + 1));
  const layout = layoutWaterfall(termsOf(sum(channels, 3, 2)));
  for (const { x, width, y, height } of layout.columns) {
    expect(x).toBeGreaterThanOrEqual(layout.left);
    expect(x + width).toBeLessThanOrEqual(layout.width + 1e-9);
    expect(width).toBeGreaterThan(3);
    expect(y).toBeGreaterThanOrEqual(layout.top - 1e-9);
    expect(y + height).toBeLessThanOrEqual(layout.bottom + 1e-9);
  }
  const [relu, value] = layout.columns.slice(-2);
  expect(value.end).toBeCloseTo(relu.end, 9);
});

test('waterfall: a sum of nothing → a flat figure without NaN', () => {
  const { columns, zero } = layoutWaterfall(termsOf(sum([0, 0], 0)));
  expect(columns.map(({ y, height }) => [y, height])).toEqual(columns.map(() => [zero, 0]));
});

test('figure of a waterfall → titles with running sums; only channels can be picked', () => {
  const [onPick, onPoint] = [vi.fn(), vi.fn()];
  const view = sum([0.5, -2], 0.25, 1);
  const all = drawn(Waterfall({ ...TEXTS, sum: view, chosen: 0, onPick, onPoint }));
  const titles = all.filter(({ type }) => type === 'title').map(({ text }) => text);
  expect(titles).toEqual([
    'channel 1: −2.000; the sum so far is −2.000',
    'channel 0: 0.500; the sum so far is −1.500',
    'bias: 0.250; the sum so far is −1.250',
    'skip connection: 1.000; the sum so far is −0.250',
    'ReLU: the sum becomes 0',
    'value: 0.000',
  ]);
  const targets = withClass(all, 'g', 'pickable');
  expect(targets.length).toBe(2);
  (targets[0].props.onClick as () => void)();
  (targets[0].props.onPointerEnter as () => void)();
  (targets[0].props.onPointerLeave as () => void)();
  expect(onPick.mock.calls).toEqual([[1]]);
  expect(onPoint.mock.calls).toEqual([[1], [undefined]]);
  expect(withClass(all, 'g', 'chosen')).toEqual([targets[1]]);
});

test('histogram: a uniform range → bars of one height that cover the width', () => {
  const data = Float32Array.from({ length: 4000 }, (_, n) => n / 4000 - 0.5);
  const { all, own, width, zero } = layoutHistogram(summarise(data), undefined);
  expect(all.length).toBe(40);
  expect(all[39].x + all[39].width).toBeCloseTo(width, 9);
  expect(Math.max(...all.map(({ share }) => Math.abs(share - 1 / 40)))).toBeLessThan(0.001);
  expect(zero).toBeCloseTo(width / 2, 0);
  expect(own).toEqual([]);
  expect(all.some(({ isCut }) => isCut)).toBe(false);
});

test('histogram after a ReLU: nine of ten are 0 → that bar is cut and told, others are seen', () => {
  const data = Float32Array.from({ length: 4000 }, (_, n) => (n % 10 === 0 ? n / 4000 : 0));
  const summary = summarise(data);
  const { all, bottom } = layoutHistogram(summary, summary);
  expect(all.map(({ isCut }) => isCut).indexOf(true)).toBe(0);
  expect(all[20].height).toBeGreaterThan(bottom / 3);
  const drawing = drawn(Histogram({ ...TEXTS, all: summary, channel: summary }));
  expect(withClass(drawing, 'text', 'number')[0].text).toBe('90 %');
  expect(withClass(drawing, 'path', 'own').length).toBe(1);
});

test('histogram: all numbers equal, one number, a channel in a wider range → no NaN', () => {
  const one = summarise(Float32Array.of(2));
  const wide = summarise(Float32Array.of(-4, 0, 4, 4));
  for (const [all, channel] of [
    [one, one],
    [one, undefined],
    [wide, one],
    [summarise(new Float32Array(9)), undefined],
  ] as const) {
    const text = JSON.stringify(drawn(Histogram({ ...TEXTS, all, channel })));
    expect(text).not.toMatch(/NaN|Infinity/);
  }
  const { own } = layoutHistogram(wide, one);
  expect(own.findIndex(({ share }) => share === 1)).toBe(30);
});

test('rings: 11 rings → the square, seven distances, the largest of the rest', () => {
  const rings = [44, 35, 15, 4, 4, 2, 1, 1, 0, 1, 0];
  expect(barsOfRings(rings, 8)).toEqual([
    { label: 'its square', value: 44 },
    { label: '0–8 px away', value: 35 },
    { label: '8–16 px away', value: 15 },
    { label: '16–24 px away', value: 4 },
    { label: '24–32 px away', value: 4 },
    { label: '32–40 px away', value: 2 },
    { label: '40–48 px away', value: 1 },
    { label: '48–56 px away', value: 1 },
    { label: 'farther away', value: 1 },
  ]);
  expect(barsOfRings([3], 8)).toEqual([{ label: 'its square', value: 3 }]);
  const titles = drawn(Rings({ ...TEXTS, rings, size: 8 })).filter(({ type }) => type === 'title');
  expect(titles[0].text).toBe('its square: 44');
});
