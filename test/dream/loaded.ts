import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadDream } from '../../examples/dream/dream.mjs';
import type { Picture } from '../../src/options/types.ts';

/** The weights of weights/dream. */
export const DREAM_BYTES = new Uint8Array(
  readFileSync(fileURLToPath(new URL('../../weights/dream/dream.safetensors', import.meta.url))),
);

/** The request whose bytes are pinned. */
export const PINNED = { seed: 7, wanted: { time: 'dusk', place: 'lake' } };
/** SHA-256 of its latents, f32, and of nano's RGBA picture of them: equal in every runtime. */
export const PINNED_LATENTS = '9472e356a0360b5a199ce908b378cea52f0c58844d9d032a05c02194c504d205';
export const PINNED_PICTURE = 'd25ba7b9d4e35ac796eff3118b25d2e32e3b789afd99a9cc1cb610dfc7288441';

export const sha256 = ({ buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');

/** The model on one thread. */
export const dreamOf = (options: object = {}) => loadDream(DREAM_BYTES, options);

/** Mean red, green and blue of a picture's rows, 0 … 255. */
export function meanColour({ width, data }: Picture, fromRow: number, toRow: number) {
  const sums = [0, 0, 0];
  for (let i = fromRow * width; i < toRow * width; i++) {
    for (let c = 0; c < 3; c++) sums[c] += data[4 * i + c];
  }
  const [red, green, blue] = sums.map((sum) => sum / width / (toRow - fromRow));
  return { red, green, blue, luminance: 0.299 * red + 0.587 * green + 0.114 * blue };
}
