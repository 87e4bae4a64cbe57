// `dream`: from noise to the latents of a landscape, step by step. Its network is a list of this
// package's layers and runs through taesd-wasm/network; weights/dream has its weights and tells how
// they were trained. Runs wherever the package does.
import { readSafetensors } from 'taesd-wasm';
import { loadNetwork } from 'taesd-wasm/network';
import { noise } from './noise.mjs';

const CHANNELS = 4;
/** Latents of 32×32, pictures of 256×256: the size that it learned. */
const SIZE = 32;
const POINTS = SIZE * SIZE;
const SHAPE = [1, CHANNELS, SIZE, SIZE];
const TIME_CHANNELS = 9;

/**
 * Loads the model.
 *
 * @param {Uint8Array} bytes  weights/dream/dream.safetensors
 * @param {import('taesd-wasm/network').LoadNetworkOptions} [options]  for `loadNetwork`
 */
export async function loadDream(bytes, options) {
  const { metadata } = readSafetensors(bytes);
  const facts = Object.fromEntries(
    ['layers', 'labels', 'latent_mean', 'latent_spread'].map((name) => [
      name,
      JSON.parse(metadata.get(name)),
    ]),
  );
  const network = await loadNetwork(facts.layers, bytes, options);
  /** @type {Readonly<Record<string, readonly string[]>>} */
  const labels = facts.labels;
  const latents = latentsOf(facts.latent_mean, facts.latent_spread);
  return {
    /** The names of the labels and their values, in the order of the network's channels. */
    labels,

    /**
     * Makes latents for `taesd` or `nano`, of shape [1, 4, 32, 32].
     *
     * @param {object} [request]
     * @param {number} [request.seed]  an integer from 0 to 2³² − 1; defaults to 0
     * @param {Record<string, string>} [request.wanted]  such as { time: 'dusk' }; a label that is
     *   left out is left open
     * @param {number} [request.steps]  defaults to 20
     * @param {number} [request.guidance]  the weight of the labels; 1 is what the network says,
     *   more exaggerates it. Defaults to 2
     * @param {AbortSignal} [request.signal]
     * @param {(step: DreamStep) => unknown} [request.onStep]  called before each step with what a
     *   previewer takes; the loop waits for its promise
     */
    async generate(request = {}) {
      const { seed = 0, wanted = {}, steps = 20, guidance = 2, signal, onStep } = request;
      const hot = labelChannels(labels, wanted);
      const none = hot.map(() => 0);
      let x = noise(seed, CHANNELS * POINTS);
      let before;
      for (let step = 0; step < steps; step++) {
        const t = (steps - step) / steps;
        const input = networkInput(x, t, guidance === 1 ? [hot] : [hot, none]);
        const { data } = await network.run(input, { signal });
        const v = velocity(x, t, data, guidance);
        await onStep?.({ step, sigma: t, sample: latents(x), output: latents(v, 0) });
        // Adams and Bashforth's method of order 2; the first step is Euler's.
        const [now, last] = before === undefined ? [1, 0] : [1.5, 0.5];
        const previous = before ?? v;
        x = x.map((value, i) => value - (now * v[i] - last * previous[i]) / steps);
        before = v;
      }
      return latents(x);
    },

    /** Releases the network's memory. */
    dispose: () => network.dispose(),
  };
}

/**
 * A step, for a previewer: `push(sample, { step, output, prediction: 'flow', sigma })`.
 *
 * @typedef {object} DreamStep
 * @property {number} step    from 0
 * @property {number} sigma   the part of noise: 1 at the first step
 * @property {import('taesd-wasm').Tensor} sample  the noisy latents
 * @property {import('taesd-wasm').Tensor} output  their velocity, from the picture to the noise
 */

/**
 * Returns the function that takes numbers of the flow, of spread 1, to latents. Velocities are
 * differences of latents, so they have mean 0.
 */
function latentsOf(mean, spread) {
  return (x, meanPart = 1) => ({
    shape: SHAPE,
    data: Float32Array.from(x, (value, i) => {
      const channel = Math.floor(i / POINTS);
      return value * spread[channel] + mean[channel] * meanPart;
    }),
  });
}

/** Returns a channel for each value of each label: 1 if it is wanted, else 0. */
function labelChannels(labels, wanted) {
  for (const [name, value] of Object.entries(wanted)) {
    const values = Object.hasOwn(labels, name) ? labels[name] : undefined;
    if (values === undefined) {
      throw new RangeError(`a label expected ${Object.keys(labels).join(', ')}, got ${name}`);
    }
    if (!values.includes(value)) {
      throw new RangeError(`${name} expected ${values.join(', ')}, got ${value}`);
    }
  }
  return Object.entries(labels).flatMap(([name, values]) =>
    values.map((value) => (wanted[name] === value ? 1 : 0)),
  );
}

/**
 * Returns the network's input [N, 15 + L, 32, 32], one map for each list of L label channels: the
 * latents at spread 1, the column and the row from −1 to 1, nine waves of the time, the labels.
 */
function networkInput(x, t, conditions) {
  const spread = spreadAt(t);
  const waves = timeChannels(t);
  const channels = CHANNELS + 2 + waves.length + conditions[0].length;
  const data = new Float32Array(conditions.length * channels * POINTS);
  for (const [n, condition] of conditions.entries()) {
    const map = data.subarray(n * channels * POINTS, (n + 1) * channels * POINTS);
    for (let i = 0; i < x.length; i++) map[i] = x[i] / spread;
    const right = map.subarray(x.length, x.length + POINTS);
    const down = map.subarray(x.length + POINTS, x.length + 2 * POINTS);
    for (let i = 0; i < POINTS; i++) {
      right[i] = (2 * (i % SIZE)) / (SIZE - 1) - 1;
      down[i] = (2 * Math.floor(i / SIZE)) / (SIZE - 1) - 1;
    }
    const first = x.length + 2 * POINTS;
    for (const [k, value] of [...waves, ...condition].entries()) {
      map.fill(value, first + k * POINTS, first + (k + 1) * POINTS);
    }
  }
  return { shape: [conditions.length, channels, SIZE, SIZE], data };
}

/** The spread of (1 − t)·picture + t·noise, if both have spread 1. */
const spreadAt = (t) => Math.sqrt(t * t + (1 - t) * (1 - t));

/** Chebyshev's polynomials of 2t − 1 from order 1 on: waves of rising frequency, no cosine. */
function timeChannels(t) {
  const u = 2 * t - 1;
  const waves = [1, u];
  while (waves.length <= TIME_CHANNELS) waves.push(2 * u * waves.at(-1) - waves.at(-2));
  return waves.slice(1);
}

/**
 * Returns the velocity, noise − picture, at x. One part of it follows from x alone, as picture and
 * noise both have spread 1. The network makes the rest, which has spread 1 at all times.
 *
 * @param made  the network's output: with labels and, if there is guidance, without
 */
function velocity(x, t, made, guidance) {
  const spread = spreadAt(t);
  const known = (2 * t - 1) / (spread * spread);
  return x.map((value, i) => {
    const free = guidance === 1 ? 0 : made[x.length + i];
    const guided = free + guidance * (made[i] - free);
    return known * value + guided / spread;
  });
}
