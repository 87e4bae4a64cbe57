import type { Tensor } from 'taesd-wasm';

/** Normal numbers, the same for the same seed: Box and Muller's method on Mulberry32. */
export function noiseLike({ shape, data }: Tensor, seed: number): Tensor {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const noise = data.map(
    () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
  return { shape, data: noise };
}

/** How much of the noise is left after a step: 1 at the first, 0 at the last, along a quarter of a cosine. */
export const sigmaAt = (step: number, count: number): number =>
  step >= count ? 0 : Math.cos(((step / count) * Math.PI) / 2);

/** `√(1 − σ²) · z + σ · noise` */
export function noisy(latents: Tensor, noise: Tensor, sigma: number): Tensor {
  const signal = Math.sqrt(1 - sigma * sigma);
  const data = latents.data.map((z, i) => signal * z + sigma * noise.data[i]);
  return { shape: latents.shape, data };
}
