// Time and memory of decoding against the picture's size, for the plot. One process at a time: some
// need all of the memory.
import { median } from '../../machine.mjs';
import { MEMORY_LIMIT_BYTES, startContestant } from '../contestant.mjs';
import { CONTESTANTS, NCNN } from '../contestants.mjs';

const WARM_UP = { height: 256, width: 256 };
const MAX_WARM_UPS = 8;
/** The program is left out: its memory is that of another process. */
const NAMES = Object.keys(CONTESTANTS).filter((name) => name !== NCNN);

/**
 * @returns [{ name, size, ms, runs, aboveStartBytes }], with a `reason` instead of figures if it
 *   could not run
 */
export async function measureSizes({ quick, progress }) {
  const steps = [
    { size: 256, rounds: 5 },
    { size: 512, rounds: 3 },
    { size: 1024, rounds: 2 },
    { size: 2048, rounds: 1 },
    { size: 4096, rounds: 1 },
  ];
  const rows = [];
  for (const { size, rounds } of quick ? steps.slice(0, 2) : steps) {
    const found = NAMES.map((name) => ({ name, size, runs: [], peaks: [] }));
    for (const row of found) row.reason = whyNot(row, rows);
    for (let round = 1; round <= (quick ? 1 : rounds); round++) {
      for (const row of found) {
        if (row.reason !== undefined) continue;
        progress(`decode ${size}²: ${row.name}, round ${round} of ${quick ? 1 : rounds}`);
        await measureOnce(row);
      }
    }
    for (const { name, runs, peaks, reason } of found) {
      rows.push(
        reason === undefined
          ? { name, size, ms: median(runs), runs, aboveStartBytes: Math.max(...peaks) }
          : { name, size, reason },
      );
    }
  }
  return rows;
}

/** Runs once in a fresh process, after small pictures have warmed it. */
async function measureOnce(row) {
  let contestant;
  try {
    contestant = await startContestant(row.name, 'decoder');
    await warmUp(contestant);
    const { ms } = await contestant.run({
      size: { height: row.size, width: row.size },
      rows: true,
    });
    row.runs.push(ms);
    row.peaks.push((await contestant.memory()).aboveStartBytes);
  } catch (error) {
    row.reason = error.message;
  } finally {
    await contestant?.close();
  }
}

/**
 * Runs small pictures until one is not faster than those before it: the compiler has done its work.
 */
async function warmUp(contestant) {
  let best = Infinity;
  for (let i = 0; i < MAX_WARM_UPS; i++) {
    const { ms } = await contestant.run({ size: WARM_UP, rows: true });
    if (ms > 0.9 * best) return;
    best = Math.min(best, ms);
  }
}

/**
 * Skips a size whose failure follows from a smaller one: whole maps take four times the memory at
 * twice the size.
 */
function whyNot({ name, size }, rows) {
  const before = rows.findLast((row) => row.name === name);
  if (before === undefined) return undefined;
  if (before.reason !== undefined) return before.reason;
  const smaller = rows.findLast((row) => row.name === name && row.size * 4 === size);
  if (smaller === undefined) return undefined;
  const growth = Math.max(before.aboveStartBytes / smaller.aboveStartBytes, 1);
  const expected = before.aboveStartBytes * growth;
  if (expected <= MEMORY_LIMIT_BYTES) return undefined;
  return `would need some ${Math.round(expected / 1e9)} GB, more than ${MEMORY_LIMIT_BYTES / 1e9} GB`;
}
