// This project, through its public API. Another built checkout of it can take part.
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readWeights } from '../weights.mjs';

/** This checkout. */
const HERE = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * @param part     'encoder' or 'decoder'
 * @param options  options of `Taesd.load`: precision, workers. `checkout`: the folder of another
 *                 built checkout. `isPicture`: true if the decoder makes a picture of bytes
 */
export async function load(part, { checkout = HERE, isPicture = false, ...options }, model) {
  const { Taesd } = await import(pathToFileURL(resolve(checkout, 'dist/index.js')).href);
  const bytes = await readWeights(part, model);
  const taesd = await Taesd.load({
    model,
    weights: { [part]: bytes },
    only: part,
    ...options,
  });
  if (options.precision === 'fast' && taesd.info.precision !== 'fast') {
    throw new Error("this build has no precision: 'fast'");
  }
  const { workers, workersReason = 'this build has no workers' } = taesd.info;
  if (options.workers > 0 && workers !== options.workers) throw new Error(workersReason);
  // The peak: a call that took much memory gives it back at its end.
  let wasmBytes = 0;
  const onProgress = () => {
    wasmBytes = Math.max(wasmBytes, taesd.info.memoryBytes);
  };
  return {
    /**
     * @param rows  true passes rows on as they come and keeps none; false returns a tensor, as the
     *              peers do
     */
    async run(input, { rows = false } = {}) {
      if (part === 'encoder') return taesd.encode(input, { onProgress });
      if (isPicture) return taesd.decode(input, { onProgress });
      if (!rows) return taesd.decode(input, { output: 'tensor', onProgress });
      for await (const _ of taesd.decodeRows(input, { onProgress }));
      return undefined;
    },
    wasmBytes: () => Math.max(wasmBytes, taesd.info.memoryBytes),
  };
}
