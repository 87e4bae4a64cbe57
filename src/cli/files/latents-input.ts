import type { FormatReading, LatentFile } from '../../formats/format.ts';
import { type ModelName, VARIANTS } from '../../index.ts';
import { expectedGot, fault } from '../terminal/faults.ts';
import { sayLine } from '../terminal/say.ts';

/*
 * Files of latents may record the model that made them. This is how commands use the record.
 */

/**
 * Returns the model named in the command line, or else the recorded one. Returns undefined for
 * latents of `taesd` if no model is named: `nano` decodes them if `taesd` has no weights.
 */
export function chooseModel(
  path: string,
  named: ModelName | undefined,
  { model: recorded, latents }: LatentFile,
): ModelName | undefined {
  // With another number of channels decoding fails, and that error is enough.
  const runs = named !== undefined && VARIANTS[named].latentChannels === latents.shape[1];
  if (runs && recorded !== undefined && VARIANTS[named].space !== recorded) {
    sayLine(`${path}: latents of ${recorded}, decoded as ${named} because of --model`);
  }
  return named ?? (recorded === 'taesd' ? undefined : recorded);
}

/**
 * Reports that a file which might hold a picture is read as latents.
 *
 * @throws TaesdError FORMAT (an opaque picture)
 */
export function takeUnmarked(
  path: string,
  { doubt }: FormatReading,
  model: ModelName | undefined,
): void {
  if (doubt === 'opaque') {
    const hint = 'taesd encode makes latents of it; or did an editor drop the alpha channel?';
    throw fault(path, expectedGot('latents', 'an opaque picture'), { code: 'FORMAT', hint });
  }
  if (doubt === undefined) return;
  sayLine(`${path}: no record that this PNG holds latents; read as latents of ${model ?? 'taesd'}`);
}
