// The decoder of a model beside taesd's and its peers', in turns. Each is held against PyTorch at
// the size of the model's golden picture, and timed at 512². Those of the model are also held
// against this project's f32 at 512², so that the times belong to the same work.
import { describeNetwork } from '../../../dist/model/measure.js';
import { VARIANTS } from '../../../dist/model/variants.js';
import { median } from '../../machine.mjs';
import { startContestant } from '../contestant.mjs';
import { F32, FAST, NATIVE, WEB } from '../contestants.mjs';
import { SEEDED_MODELS } from '../models.mjs';
import { goldenTrip, inputSize } from '../shared.mjs';
import { compare } from './speed.mjs';

const SIZE = { height: 512, width: 512 };
/** The numbers of workers whose memory is told. */
const WORKERS = [2, 4];

/**
 * @returns by contestant { ms, runs, wasmBytes, multiplyAdds, largestDifference, decibels,
 *   fromF32 }, or { reason } if it cannot run. `taesd` is this project's f32 decoder of taesd.
 *   `2 workers` is its f32 decoder of the model, of which only { wasmBytes } is measured.
 *   Differences and decibels are to PyTorch's picture, those in `fromF32` to this project's f32
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
  let f32;
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
        // The run before and this one are not timed: compilers and allocators settle.
        const large = (await contestant.run({ size: SIZE, wantsOutput: true })).output;
        results[label].multiplyAdds = multiplyAdds(of);
        if (label === F32) f32 = large;
        else if (of === model && f32) results[label].fromF32 = compare(name, large, f32);
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
  if (!SEEDED_MODELS.includes(model)) return results;
  for (const workers of WORKERS) {
    progress(`${model} 512²: memory with ${workers} workers`);
    results[`${workers} workers`] = await memoryOf(model, workers);
  }
  return results;
}

/** The multiply-adds of this project's decode at 512², with convolutions as if direct. */
function multiplyAdds(model) {
  const { latentChannels, networks } = VARIANTS[model];
  const input = [latentChannels, ...inputSize('decoder', model, SIZE)];
  return describeNetwork(networks.decoder, input).reduce((sum, row) => sum + row.multiplyAdds, 0);
}

async function memoryOf(model, workers) {
  let contestant;
  try {
    contestant = await startContestant(F32, 'decoder', { workers }, model);
    await contestant.run({ size: SIZE });
    return await contestant.memory();
  } catch (error) {
    return { reason: error.message };
  } finally {
    await contestant?.close();
  }
}
