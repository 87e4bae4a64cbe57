import { predictOriginal } from 'taesd-wasm/preview';
import { loadDream } from '../../../examples/dream/dream.mjs';
import { answer, tell } from './answer.ts';
import type { DreamMethods } from './protocol.ts';

/*
 * `dream`, the project's own diffusion model: from noise to the latents of a landscape.
 */

/** An asset of the build, 1.6 MB. */
const WEIGHTS = new URL('../../../weights/dream/dream.safetensors', import.meta.url);

/** Those of `generate`, if a request does not say them. */
const DEFAULTS = { seed: 0, steps: 20, guidance: 2 };

let loading: ReturnType<typeof load> | undefined;
let abort = new AbortController();

async function load() {
  const response = await fetch(WEIGHTS);
  if (!response.ok) throw new Error('The weights of “dream” are not beside this page.');
  return loadDream(await bytesOf(response), { workers: 0 });
}

/** The body, and events on how much of it has come. */
async function bytesOf(response: Response): Promise<Uint8Array> {
  const isPacked = response.headers.get('content-encoding') !== null;
  const length = Number(response.headers.get('content-length'));
  const total = isPacked || length === 0 ? undefined : length;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let done = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (part?.value === undefined) break;
    parts.push(part.value);
    done += part.value.length;
    tell({ type: 'download', done, total });
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** The model, fetched when it is asked for first, and again if that failed. */
async function dream() {
  loading ??= load();
  try {
    return await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

const methods: DreamMethods = {
  labels: async () => (await dream()).labels,
  async generate({ seed, steps, guidance, ...labels }) {
    abort.abort();
    abort = new AbortController();
    const { signal } = abort;
    const model = await dream();
    const wanted = Object.fromEntries(
      Object.entries(labels).flatMap(([label, value]) =>
        value === undefined ? [] : [[label, value]],
      ),
    );
    const started = performance.now();
    const numbers = {
      seed: seed ?? DEFAULTS.seed,
      steps: steps ?? DEFAULTS.steps,
      guidance: guidance ?? DEFAULTS.guidance,
    };
    const latents = await model.generate({
      ...{ ...numbers, wanted, signal },
      async onStep({ step, sigma, sample, output }) {
        const predicted = await predictOriginal(sample, output, { prediction: 'flow', sigma });
        tell({ type: 'dream', step, steps: numbers.steps, sigma, sample, predicted });
      },
    });
    return { latents, elapsedMs: performance.now() - started };
  },
  async stop() {
    abort.abort();
  },
};

answer(methods);
