// The decoder of nano at 512², to a picture of bytes, in f32 and fast, in turns with the f32 of
// another build of this project.
import { median } from '../../machine.mjs';
import { startContestant } from '../contestant.mjs';
import { F32, FAST } from '../contestants.mjs';

const SIZE = { height: 512, width: 512 };
/** A run takes 40 ms: several make one figure of a round. */
const RUNS_A_ROUND = 5;
const ROUNDS = 15;
/** The other build's f32. */
export const OTHER = 'f32 of the other build';

/**
 * @param settings  `against`, the folder of the other build, made from the commit the promise names
 * @returns by contestant { ms, runs }
 * @throws if there is no other build
 */
export async function measureNano({ quick, progress, against }) {
  if (against === undefined) throw new Error('no --against DIR with another build');
  const contestants = [
    [FAST, FAST],
    [F32, F32],
    [OTHER, F32, against],
  ];
  const running = [];
  try {
    for (const [label, name, checkout] of contestants) {
      progress(`nano 512²: ${label}, first runs`);
      const options = { isPicture: true, checkout };
      const contestant = await startContestant(name, 'decoder', options, 'nano');
      running.push({ label, contestant, runs: [] });
      for (let i = 0; i < RUNS_A_ROUND; i++) await contestant.run({ size: SIZE });
    }
    for (let round = 1; round <= (quick ? 5 : ROUNDS); round++) {
      progress(`nano 512²: round ${round}`);
      for (const { contestant, runs } of running) {
        const times = [];
        for (let i = 0; i < RUNS_A_ROUND; i++) {
          times.push((await contestant.run({ size: SIZE })).ms);
        }
        runs.push(median(times));
      }
    }
  } finally {
    for (const { contestant } of running) await contestant.close();
  }
  return Object.fromEntries(running.map(({ label, runs }) => [label, { ms: median(runs), runs }]));
}
