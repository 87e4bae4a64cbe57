// The rules of the soak: which measures may grow, and by how much.

/**
 * Measures that may waver, and how far they may grow, in bytes. V8 compiles more functions for a
 * long time: 1 to 1.5 MB of the heap in 2500 calls.
 */
const MAX_GROWTH = 2e6;
/**
 * The samples at either end of which the least counts: a worker that was just told to end may keep
 * its last rows during one of them, and what leaks is in all.
 */
const AT_END = 3;
const WAVERING = ['heap', 'buffers', 'heap of workers', 'buffers of workers'];
/** Measures that are shown and not judged: the allocator's caches are in it. */
const SHOWN = new Set(['process']);
/** Fewer samples have no trend. */
const TREND_SAMPLES = 8;

/**
 * Judges the samples of a run, the first of them taken after the warm-up.
 *
 * @returns {string[]} the faults
 */
export function faultsOf(samples) {
  const [first] = samples;
  const faults = [];
  for (const name of Object.keys(first)) {
    if (SHOWN.has(name)) continue;
    const values = samples.map((one) => one[name]);
    if (!WAVERING.includes(name)) {
      const at = values.findIndex((value) => value !== first[name]);
      if (at > 0)
        faults.push(
          `${name}: ${shown(first[name])} at first, ${shown(values[at])} in sample ${at}`,
        );
      continue;
    }
    const growth = Math.min(...values.slice(-AT_END)) - Math.min(...values.slice(0, AT_END));
    if (growth > MAX_GROWTH) faults.push(`${name}: grew by ${inMB(growth)}`);
    const trend = trendOf(values);
    if (trend > MAX_GROWTH) faults.push(`${name}: rises by ${inMB(trend)} from end to end`);
  }
  return faults;
}

/**
 * Returns the rise from the first sample to the last by the median of the slopes between all pairs
 * (Theil and Sen), which single outliers do not move.
 */
export function trendOf(values) {
  if (values.length < TREND_SAMPLES) return 0;
  const slopes = values.flatMap((value, i) =>
    values.slice(0, i).map((before, j) => (value - before) / (i - j)),
  );
  slopes.sort((a, b) => a - b);
  return slopes[slopes.length >> 1] * (values.length - 1);
}

export const inMB = (bytes) => `${bytes < 0 ? '−' : ''}${(Math.abs(bytes) / 1e6).toFixed(2)} MB`;

const shown = (value) => (value === '' ? 'none' : `${value}`.slice(0, 200));
