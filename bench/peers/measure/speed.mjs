// All contestants on one picture of 512×512, in turns, so that a slow moment of the machine falls
// on all.
import { median } from '../../machine.mjs';
import { startContestant } from '../contestant.mjs';
import { CONTESTANTS, FAST } from '../contestants.mjs';
import { goldenTrip } from '../shared.mjs';

const SIZE = { height: 512, width: 512 };
/** The maximum difference of f32 to PyTorch. A peer past it computes something else. */
const TOLERANCE = 1e-3;

/**
 * @param part      'encoder' or 'decoder'
 * @param settings  `options` has further options of some contestants, by name
 * @param names     the contestants' names
 * @returns by contestant { ms, runs, largestDifference, decibels }, or { reason } if it cannot run
 */
export async function measureSpeed(
  part,
  { runs, progress, options = {} },
  names = Object.keys(CONTESTANTS),
) {
  const { output: golden } = goldenTrip()[part];
  const results = {};
  const running = [];
  try {
    for (const name of names) {
      progress(`${part} 512²: ${name}, first runs`);
      try {
        const contestant = await startContestant(name, part, options[name]);
        running.push({ name, contestant, times: [] });
        // The first two runs are not timed: compilers and allocators settle.
        const { output } = await contestant.run({ size: SIZE, wantsOutput: true });
        await contestant.run({ size: SIZE });
        results[name] = compare(name, output, golden);
      } catch (error) {
        results[name] = { reason: error.message };
      }
    }
    for (let round = 1; round <= runs; round++) {
      progress(`${part} 512²: round ${round} of ${runs}`);
      for (const { name, contestant, times } of running) {
        if (results[name].reason !== undefined) continue;
        try {
          times.push((await contestant.run({ size: SIZE })).ms);
          Object.assign(results[name], { ms: median(times), runs: times });
        } catch (error) {
          results[name] = { reason: error.message };
        }
      }
    }
  } finally {
    for (const { contestant } of running) await contestant.close();
  }
  return results;
}

/** Compares an output with PyTorch's. @throws if it computes something else */
export function compare(name, output, golden) {
  if (`${output.shape}` !== `${golden.shape}`) {
    throw new Error(`gives [${output.shape}], not [${golden.shape}]`);
  }
  let largestDifference = 0;
  let squares = 0;
  for (let i = 0; i < golden.data.length; i++) {
    const difference = Math.abs(output.data[i] - golden.data[i]);
    largestDifference = Math.max(largestDifference, difference);
    squares += difference ** 2;
  }
  if (name !== FAST && !(largestDifference <= TOLERANCE)) {
    throw new Error(`differs from PyTorch by ${largestDifference.toPrecision(2)}`);
  }
  // The range of pictures is 1, that of latents 6.
  const decibels = -10 * Math.log10(squares / golden.data.length);
  return { largestDifference, decibels };
}

/** Returns a contestant's time by another's. @throws if one of them has none */
export function ratio(results, mine, other) {
  for (const name of [mine, other]) {
    if (results[name].reason !== undefined) throw new Error(`${name}: ${results[name].reason}`);
  }
  return results[mine].ms / results[other].ms;
}
