// npm run bench -- --against DIR: this build beside another built checkout, level by level, in one
// process.
//
// Both run in pairs, and the two runs of a pair in slices of some milliseconds, A B B A in turn, so
// that a drift of the machine's speed falls on both. Times are processor time: other programs that
// take the core for a while do not count. The figure of a level is the median of the pairs' ratios,
// this build's time by the other's. Its interval reaches from the 4th to the 12th of the 15 ordered
// ratios. It holds the true median with 96.5 % (order statistics, by the binomial distribution),
// whatever the ratios' distribution is.
import { loadCheckout, piecesOf, preparePiece } from './checkout.mjs';
import { HERE } from './levels.mjs';
import { median } from './machine.mjs';

/** A level is slower if the whole interval lies above this. */
const SLOWER = 1.01;
const FASTER = 1 / SLOWER;

/** Fresh instances of both builds. A memory's address affects a figure. */
const INSTANCES = 3;
/** Pairs on each instance, after one that is not timed, in which V8 compiles the kernels anew. */
const PAIRS = 5;
const WARMUPS = 1;
/** A level that takes less runs several times in each half of a pair. */
const LEAST_MS = 120;
/** The runs of a pair alternate every `SLICE_MS`, so a slow phase of the machine affects both. */
const SLICE_MS = 8;
/** Places of the interval's ends among the 15 ordered ratios, counted from 0. */
const [LOW, HIGH] = [3, 11];

const SIZE = 512;

/** Each level of taesd, in both precisions. */
const NETWORKS = ['decoder', 'encoder'].flatMap((half) =>
  ['f32', 'fast'].map((precision) => ({
    name: `${half} ${precision}`,
    model: 'taesd',
    half,
    precisions: [precision, precision],
  })),
);
/**
 * The small decoder in one piece: its levels take some milliseconds. Builds before its 16-bit
 * products ran it in f32 whatever the precision.
 */
const NANO = [
  ['f32', 'f32'],
  ['fast', 'fast'],
  ['fast', 'f32'],
].map(([ours, other]) => ({
  name: ours === other ? `nano decoder ${ours}` : `nano decoder ${ours} by ${other}`,
  model: 'nano',
  half: 'decoder',
  precisions: [ours, other],
  isWhole: true,
}));

/**
 * Compares every level whose name contains one of the texts `only`, or all levels.
 *
 * @param folder    the other checkout, built
 * @param only      parts of names like `decoder fast 64×64`; an x counts as ×
 * @param progress  gets each level's figures as soon as they are known
 * @returns levels { name, ms, otherMs, ratio, low, high, verdict }
 */
export async function compareWith(folder, only, progress) {
  const builds = [await loadCheckout(HERE), await loadCheckout(folder)];
  const wanted = only.map((text) => text.replaceAll('x', '×'));
  const compared = [];
  for (const { name: network, model, half, precisions, isWhole = false } of [
    ...NETWORKS,
    ...NANO,
  ]) {
    const pieces = builds.map((build) => piecesOf(build, half, SIZE, model));
    for (const [n, { level }] of pieces[0].entries()) {
      const name = `${network} ${level}`;
      if (isWhole && level !== 'whole') continue;
      if (wanted.length > 0 && !wanted.some((text) => name.includes(text))) continue;
      const sides = builds.map((build, side) => ({
        build,
        piece: pieces[side][n],
        precision: precisions[side],
      }));
      const row = { name, ...judge(await timePairs(sides)) };
      compared.push(row);
      progress(row);
    }
  }
  return compared;
}

/** @returns pairs [this build's ms, the other's ms] */
async function timePairs(sides) {
  const pairs = [];
  for (let instance = 0; instance < INSTANCES; instance++) {
    const starts = [];
    for (const { build, piece, precision } of sides) {
      const backend = await build.createWasmBackend({ precision });
      starts.push(preparePiece(backend, build, piece));
    }
    let times = 1;
    for (let n = -WARMUPS; n < PAIRS; n++) {
      const pair = timePair(starts, times, pairs.length % 2);
      if (n >= 0) pairs.push(pair);
      else times = Math.max(1, Math.ceil(LEAST_MS / Math.min(...pair)));
    }
  }
  return pairs;
}

/**
 * Runs both sides `times` times each, in slices: A B B A A B B A …
 *
 * @param first  the side that begins, 0 or 1
 * @returns milliseconds of processor time of one run of each side
 */
function timePair(starts, times, first) {
  const runs = starts.map((start) => ({ work: repeated(start, times), ms: 0, done: false }));
  for (let side = first, n = 0; runs.some(({ done }) => !done); n++) {
    timeSlice(runs[side]);
    if (n % 2 === 0) side = 1 - side;
  }
  return runs.map(({ ms }) => ms / times);
}

function* repeated(start, times) {
  for (let n = 0; n < times; n++) yield* start();
}

/** Goes on with a run for a slice of time, and adds the processor time of it. */
function timeSlice(run) {
  if (run.done) return;
  const until = performance.now() + SLICE_MS;
  const started = process.cpuUsage();
  while (!run.done && performance.now() < until) run.done = run.work.next().done;
  const { user, system } = process.cpuUsage(started);
  run.ms += (user + system) / 1000;
}

function judge(pairs) {
  const ratios = pairs.map(([ours, other]) => ours / other).sort((a, b) => a - b);
  const [low, high] = [ratios[LOW], ratios[HIGH]];
  let verdict = 'equal';
  if (low > SLOWER) verdict = 'SLOWER';
  else if (high < FASTER) verdict = 'faster';
  return {
    ms: median(pairs.map(([ours]) => ours)),
    otherMs: median(pairs.map(([, other]) => other)),
    ratio: median(ratios),
    low,
    high,
    verdict,
  };
}

/** One line of the comparison. */
export function lineOf({ name, ms, otherMs, ratio, low, high, verdict }) {
  const times = `${ms.toFixed(1).padStart(8)} ms ${otherMs.toFixed(1).padStart(8)} ms`;
  const figures = `${ratio.toFixed(3)}  ${low.toFixed(3)} … ${high.toFixed(3)}`;
  return `  ${name.padEnd(30)}${times}   ${figures}  ${verdict}`;
}
