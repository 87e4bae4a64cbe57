// The decoder of a model beside taesd's and its peers', in turns. Each is held against PyTorch at
// the size of the model's golden picture, and timed at 512².
import { median } from '../../machine.mjs';
import { startContestant } from '../contestant.mjs';
import { F32, FAST, NATIVE, WEB } from '../contestants.mjs';
import { goldenTrip } from '../shared.mjs';
import { compare } from './speed.mjs';

const SIZE = { height: 512, width: 512 };

/**
 * @returns by contestant { ms, runs, wasmBytes, largestDifference, decibels }, or { reason } if it
 *   cannot run; `taesd` is this project's f32 decoder of taesd
 */
export async function measureModel(model, { runs, progress }) {
  const contestants = [
    ['taesd', F32, 'taesd'],
    [F32, F32, model],
    [FAST, FAST, model],
    [WEB, WEB, model],
    [NATIVE, NATIVE, model],
  ];
  const results = {};
  const running = [];
  try {
    for (const [label, name, of] of contestants) {
      progress(`${model} 512²: ${label}, first runs`);
      try {
        const contestant = await startContestant(name, 'decoder', undefined, of);
        running.push({ label, contestant, times: [] });
        const { output: golden } = goldenTrip(of).decoder;
        const [, , height, width] = golden.shape;
        const { output } = await contestant.run({ size: { height, width }, wantsOutput: true });
        results[label] = compare(name, output, golden);
        await contestant.run({ size: SIZE });
      } catch (error) {
        results[label] = { reason: error.message };
      }
    }
    for (let round = 1; round <= runs; round++) {
      progress(`${model} 512²: round ${round} of ${runs}`);
      for (const { label, contestant, times } of running) {
        if (results[label].reason !== undefined) continue;
        times.push((await contestant.run({ size: SIZE })).ms);
        const { wasmBytes } = await contestant.memory();
        Object.assign(results[label], { ms: median(times), runs: times, wasmBytes });
      }
    }
  } finally {
    for (const { contestant } of running) await contestant.close();
  }
  return results;
}
