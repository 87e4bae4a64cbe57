// One contestant in a process of its own. contestant.mjs sends requests, this answers. Arguments:
// the adapter, its options.
import { residentBytes } from './process-memory.mjs';

// Read before anything else is loaded, so that all memory of the contestant lies above it.
const startBytes = residentBytes('VmRSS');
const [adapter, options] = process.argv.slice(2);
let contestant;
let prepared;

const answers = {
  /** @param base  the input that others are made of */
  async load({ part, base, model }) {
    const { load } = await import(`./adapters/${adapter}.mjs`);
    contestant = await load(part, JSON.parse(options), model);
    prepared = { base, part, model };
  },
  /**
   * Runs the contestant once. A program measures its own time.
   * @param size  the picture's size: { height, width }
   * @param rows  see adapters/this-project.mjs
   * @param wantsOutput  true sends `output` too
   */
  async run({ size, rows, wantsOutput = false }) {
    const input = await inputOf(size);
    globalThis.gc?.();
    const started = performance.now();
    const output = await contestant.run(input, { rows });
    const ms = performance.now() - started;
    return { ms: output?.ms ?? ms, output: wantsOutput ? output : undefined };
  },
  memory() {
    const peakBytes = residentBytes('VmHWM');
    return {
      aboveStartBytes: peakBytes === undefined ? undefined : peakBytes - startBytes,
      wasmBytes: contestant.wasmBytes?.(),
    };
  },
};

async function inputOf(size) {
  const { inputSize, tile } = await import('./shared.mjs');
  const { part, model, input } = prepared;
  const [h, w] = inputSize(part, model, size);
  if (input?.shape[2] === h && input.shape[3] === w) return input;
  prepared.input = tile(prepared.base, h, w);
  return prepared.input;
}

process.on('message', async ({ ask, ...details }) => {
  try {
    process.send({ value: await answers[ask](details) });
  } catch (error) {
    process.send({ error: `${error?.message ?? error}`.split('\n')[0] });
  }
});
