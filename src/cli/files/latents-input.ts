import { expected } from '../../errors.ts';
import type { LatentFile } from '../../formats/index.ts';
import { type ModelName, VARIANTS } from '../../index.ts';
import { sayLine } from '../terminal/say.ts';

/*
 * What the commands that read latents make of a file's memory of where they came from.
 */

/**
 * The one asked for, else the one that the file remembers. Undefined for latents of `taesd` that it was not asked for: `nano`
 * does where its weights are not to be had.
 */
export function chooseModel(
  path: string,
  asked: ModelName | undefined,
  { model: remembered, latents }: LatentFile,
): ModelName | undefined {
  // With other channels decoding fails, and its error says why: one line is enough.
  const runs = asked !== undefined && VARIANTS[asked].latentChannels === latents.shape[1];
  if (runs && remembered !== undefined && VARIANTS[asked].space !== remembered) {
    sayLine(`${path}: latents of ${remembered}, decoded as ${asked} because --model says so`);
  }
  return asked ?? (remembered === 'taesd' ? undefined : remembered);
}

/** True where the text beside the numbers says that they are latents. */
export const saysLatents = ({ model, width }: LatentFile): boolean =>
  model !== undefined || width !== undefined;

/**
 * Says of a PNG whose bytes could as well be a picture's what they are taken for.
 *
 * @throws TaesdError FORMAT for one without transparency: no network makes a channel that is at its largest everywhere
 */
export function takeUnmarked(
  path: string,
  { data }: { readonly data: Uint8ClampedArray | Uint8Array },
  model: ModelName | undefined,
): void {
  if (isOpaque(data)) {
    const hint = 'taesd encode makes latents of it; or an editor has lost their alpha';
    throw expected('FORMAT', 'pixels', 'latents', 'an opaque picture', { hint });
  }
  sayLine(
    `${path}: nothing in it says that it holds latents; read as those of ${model ?? 'taesd'}`,
  );
}

function isOpaque(rgba: ArrayLike<number>): boolean {
  for (let at = 3; at < rgba.length; at += 4) if (rgba[at] !== 255) return false;
  return true;
}
