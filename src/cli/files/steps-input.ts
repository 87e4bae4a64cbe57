import type { FoundLatents } from '../../formats/index.ts';
import { recordsLatents } from '../../formats/recorded.ts';
import { recogniseFormat } from '../../formats/table.ts';
import type { Half, ImageLike, ModelName } from '../../index.ts';
import type { Size } from '../line/size.ts';
import { expectedGot, fault } from '../terminal/faults.ts';
import { noteSayer } from '../terminal/say.ts';
import { countText } from '../terminal/table.ts';
import { fullSize } from './decoded-file.ts';
import {
  type LatentsAsked,
  mayBeLatents,
  modelFor,
  readLatentFile,
  takeOne,
} from './latents-input.ts';
import { pictureOf, scaledSize } from './picture-file.ts';
import { inputName, readInput } from './read-input.ts';

/** Several whole maps of 64 channels are in memory at once: 268 MB each at this size. */
const MAX_PIXELS = 1024 * 1024;

/** The input of `taesd steps`, and the halves to run on it. */
export interface StepsInput {
  readonly input: ImageLike | FoundLatents;
  readonly model: ModelName | undefined;
  readonly halves: readonly Half[];
}

/** The options that decide how an input is read. */
interface Asked extends LatentsAsked {
  readonly part: Half | undefined;
  /** The size that a larger picture is scaled to; the caller scales it. */
  readonly maxSize: number | undefined;
  readonly quiet: boolean;
}

/**
 * Reads a picture or latents. For a PNG that records neither, `--part` decides.
 *
 * @throws TaesdError ARG (cannot be read, latents for the encoder), LIMIT (too many pixels), FORMAT
 *   (an opaque picture for the decoder); errors of `decodePng` and of the formats of latents
 */
export async function readStepsInput(path: string, asked: Asked): Promise<StepsInput> {
  const bytes = await readInput(path);
  if (asked.part === 'decoder' || asked.shape !== undefined)
    return latentsInput(path, asked, bytes);
  const format = recogniseFormat(bytes);
  if (mayBeLatents(bytes) && format?.also !== 'pictures') return latentsInput(path, asked, bytes);
  const picture = await pictureOf(path, bytes, asked.maxPixels);
  if (recordsLatents(picture.text)) return latentsInput(path, asked, bytes);
  const say = noteSayer(asked.quiet);
  for (const note of picture.notes) say(`${inputName(path)}: ${note}`);
  checkPixels(path, scaledSize(picture, asked.maxSize), '--max-size 1024 scales it down');
  const halves: Half[] = asked.part === undefined ? ['encoder', 'decoder'] : [asked.part];
  return { input: picture, model: asked.model, halves };
}

async function latentsInput(path: string, asked: Asked, bytes: Uint8Array): Promise<StepsInput> {
  if (asked.part === 'encoder')
    throw fault(inputName(path), expectedGot('a picture for the encoder', 'latents'));
  const found = await readLatentFile(path, bytes, asked);
  checkPixels(path, fullSize(found.latents, found.model), 'crop them first');
  const input = takeOne(path, found, noteSayer(asked.quiet));
  return { input, model: modelFor(path, asked.model, input), halves: ['decoder'] };
}

/** @throws TaesdError LIMIT */
function checkPixels(path: string, { width, height }: Size, hint: string): void {
  if (width * height <= MAX_PIXELS) return;
  const rule = `at most ${countText(MAX_PIXELS)} pixels, because whole maps are kept in memory`;
  throw fault(inputName(path), expectedGot(rule, `${width}×${height}`), { code: 'LIMIT', hint });
}
