// The time from weights in memory to the first picture, each time in a fresh process.
import { median } from '../../machine.mjs';
import { runFresh } from './fresh.mjs';

/**
 * @returns { ms: median, runs, importMs: the median of loading the library's modules, not in `ms` }
 */
export function measureStart({ quick, progress }) {
  progress('first 64×64 picture of fresh processes');
  const runs = Array.from({ length: quick ? 7 : 25 }, () => runFresh('first-picture.mjs'));
  const ms = runs.map((run) => run.ms);
  return { ms: median(ms), runs: ms, importMs: median(runs.map((run) => run.importMs)) };
}
