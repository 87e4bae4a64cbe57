// Two workers against one, and both against the calling thread alone.
import { median } from '../../machine.mjs';
import { startContestant } from '../contestant.mjs';
import { F32 } from '../contestants.mjs';

const SIZE = { height: 1024, width: 1024 };

/**
 * @returns { counts: { [workers]: { ms, runs } }, ratio }: the time of two workers by that of one,
 *   or of this thread alone if that is faster, so that a slow worker cannot make two of them look
 *   good
 */
export async function measureWorkers({ quick, progress }) {
  const running = [];
  try {
    for (const workers of [0, 1, 2]) {
      progress(`1024²: ${workers} workers, first runs`);
      const contestant = await startContestant(F32, 'decoder', { workers });
      running.push({ workers, contestant, runs: [] });
      for (let i = 0; i < 2; i++) await contestant.run({ size: SIZE });
    }
    const rounds = quick ? 2 : 7;
    for (let round = 1; round <= rounds; round++) {
      progress(`1024², 0, 1 and 2 workers: round ${round} of ${rounds}`);
      for (const { contestant, runs } of running) {
        runs.push((await contestant.run({ size: SIZE })).ms);
      }
    }
  } finally {
    for (const { contestant } of running) await contestant.close();
  }
  const counts = Object.fromEntries(
    running.map(({ workers, runs }) => [workers, { ms: median(runs), runs }]),
  );
  return { counts, ratio: counts[2].ms / Math.min(counts[0].ms, counts[1].ms) };
}
