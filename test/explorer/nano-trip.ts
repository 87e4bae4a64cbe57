import { renderPicture } from '../../examples/render-picture.mjs';
import type { Picture, Step, Tensor } from '../../src/index.ts';
import { Taesd } from '../../src/taesd.ts';

/*
 * What this process gets for the picture that the tests hand to the page.
 */

/** RGB, small, so that nano takes a few milliseconds for it. */
export const PICTURE = renderPicture(96);

export interface Trip {
  readonly latents: Tensor;
  readonly decoded: Picture;
  /** All layers' steps, the encoder's first, by name. */
  readonly steps: ReadonlyMap<string, Step>;
  readonly taesd: Taesd;
}

/** Through nano, there and back. */
export async function nanoTrip(): Promise<Trip> {
  const taesd = await Taesd.load({ model: 'nano', workers: 0 });
  const latents = await taesd.encode(PICTURE);
  const decoded = await taesd.decode(latents);
  const steps = new Map<string, Step>();
  for (const input of [PICTURE, latents]) {
    for await (const step of taesd.steps(input)) steps.set(step.name, step);
  }
  return { latents, decoded, steps, taesd };
}
