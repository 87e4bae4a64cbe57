import { type ModelName, VARIANTS } from '../index.ts';
import type { LatentFile } from '../latent-file.ts';
import { sayLine } from './say.ts';

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

/** Says of a file whose bytes could as well be a picture's what they are taken for. */
export function sayUnmarked(path: string, model: ModelName | undefined): void {
  sayLine(
    `${path}: nothing in it says that it holds latents; read as those of ${model ?? 'taesd'}`,
  );
}
