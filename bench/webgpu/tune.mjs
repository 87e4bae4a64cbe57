// Finds the best tuning of src/backend/webgpu/tuning.ts for an adapter: one choice after the other,
// each with the best of those before it. A choice replaces the default only if it gains 3 %.
import { table } from '../peers/report.mjs';

const MB = 2 ** 20;
const GAIN = 1.03;

/** The choices that are tried. A software adapter tries a few, which shows that all of them run. */
const CHOICES = {
  pointsBytes: { card: [4 * MB, 8 * MB, 32 * MB, 64 * MB, 128 * MB], software: [MB / 2] },
  portions: { card: [2, 3], software: [2, 3] },
  pictures: { card: ['bytes'], software: ['bytes'] },
  keptBytes: { card: [1024 * MB, 2048 * MB], software: [MB] },
};

/**
 * @param browser   a browser of browser.mjs
 * @param options   { software, size, runs, progress }
 * @returns { size, rows: [{ what, value, ms, ratio }], defaults, chosen }
 */
export async function tune(browser, { software, size, runs, progress }) {
  const defaults = await browser.ask('tunings');
  progress(`decoder ${size}²: the default tuning`);
  const first = await browser.ask('tuned', size, runs, {});
  const rows = [{ what: 'default', value: '', ms: first.ms, ratio: 1 }];
  let chosen = {};
  let best = first.ms;
  for (const [what, values] of Object.entries(CHOICES)) {
    let better;
    // Timed again beside the others, since a card's clock changes in the meantime.
    const { ms: own } = await browser.ask('tuned', size, runs, chosen);
    for (const value of values[software ? 'software' : 'card']) {
      progress(`decoder ${size}²: ${what} ${textOf(value)}`);
      const { ms, sum } = await browser.ask('tuned', size, runs, { ...chosen, [what]: value });
      // Some bytes may be a step off.
      if (Math.abs(sum - first.sum) > first.sum / 1e4) {
        throw new Error(`${what} ${value}: another picture`);
      }
      rows.push({ what, value: textOf(value), ms, ratio: ms / own });
      if (ms * GAIN < own && (better === undefined || ms < better.ms)) better = { value, ms };
    }
    if (better === undefined) continue;
    chosen = { ...chosen, [what]: better.value };
    best = better.ms;
  }
  return { size, rows, defaults, chosen, ms: best };
}

/**
 * @param rateOf  the multiply-adds and the share of the peak, in words, of a decode of that size in
 *   so many ms
 */
export function tuningReport({ size, rows, defaults, chosen, ms }, rateOf) {
  const line = Object.entries({ ...defaults, ...chosen })
    .map(([what, value]) => `${what} ${textOf(value)}${what in chosen ? ' (not the default)' : ''}`)
    .join(', ');
  return [
    table(
      [`tuning, decode ${size}² to bytes`, 'time', 'of the best before', 'of the peak'],
      rows.map((row) => [
        `${row.what} ${row.value}`,
        `${row.ms.toFixed(1)} ms`,
        `${row.ratio.toFixed(3)} ×`,
        rateOf(row.ms, size),
      ]),
    ),
    `chosen: ${line}; ${ms.toFixed(1)} ms`,
  ].join('\n');
}

const textOf = (value) =>
  typeof value === 'number' && value >= 2 ** 16 ? `${value / MB} MB` : `${value}`;
