import { elementCount, type Tensor } from '../src/tensor.ts';

/**
 * Returns a generator of numbers in [0, 1) that depend on the seed alone.
 * Source: Mulberry32, Tommy Ettinger, public domain.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns a tensor of numbers in [−magnitude, magnitude). */
export function randomTensor(
  random: () => number,
  shape: readonly number[],
  magnitude = 1,
): Tensor {
  const data = new Float32Array(elementCount(shape));
  for (let i = 0; i < data.length; i++) data[i] = (2 * random() - 1) * magnitude;
  return { shape, data };
}
