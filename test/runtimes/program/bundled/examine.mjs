// The work of each bundled program, and of the one without a bundler that they are compared with.
import { digest } from '../measures.mjs';

/** Latents of 400×400 pixels: two workers share them. */
export const LATENTS = {
  shape: [1, 4, 50, 50],
  data: Float32Array.from({ length: 10_000 }, (_, i) => 2 * Math.sin(i)),
};

/**
 * @param load  loads nano
 * @returns { digest, workers, workersReason }, or { error } if the package throws
 */
export async function examine(load) {
  try {
    const taesd = await load();
    const { data } = await taesd.decode(LATENTS);
    const { workers, workersReason } = taesd.info;
    taesd.dispose();
    return { digest: digest(data), workers, workersReason };
  } catch (error) {
    return { error: `${error.name} ${error.message}` };
  }
}
