// This project, as its users see it.
import { readFileSync } from 'node:fs';
import { Taesd } from '../../../dist/index.js';
import { weightsUrl } from '../shared.mjs';

/**
 * @param part     'encoder' or 'decoder'
 * @param options  of `Taesd.load`: precision, workers
 */
export async function load(part, options) {
  const bytes = readFileSync(weightsUrl(part));
  const taesd = await Taesd.load({
    model: 'taesd',
    weights: { [part]: bytes },
    only: part,
    ...options,
  });
  if (options.precision === 'fast' && taesd.info.precision !== 'fast') {
    throw new Error("this build has no precision: 'fast'");
  }
  const { workers, workersReason = 'this build has no workers' } = taesd.info;
  if (options.workers > 0 && workers !== options.workers) throw new Error(workersReason);
  return {
    /** @param rows  true: rows are handed on as they come and kept nowhere; else a tensor, as the peers give */
    async run(input, { rows = false } = {}) {
      if (part === 'encoder') return taesd.encode(input);
      if (!rows) return taesd.decode(input, { output: 'tensor' });
      for await (const _ of taesd.decodeRows(input));
      return undefined;
    },
    wasmBytes: () => taesd.info.memoryBytes,
  };
}
