import { decodeLatentPng } from '../../formats/index.ts';
import { LATENT_SCALE, latentSpaces, VARIANTS } from '../../model/variants.ts';
import { shapeText } from '../../tensor.ts';
import type { Size } from '../line/option-values.ts';
import { factLines } from '../terminal/table.ts';
import { latentLines } from './latents.ts';
import { refuseSize } from './size.ts';

/**
 * A PNG: the latents that its text says it holds, or a picture and what it would become.
 *
 * @throws TaesdError ARG where a size is given
 */
export function pngLines(bytes: Uint8Array, size: Size | undefined): string[] {
  const file = decodeLatentPng(bytes);
  const isLatents = file.model !== undefined || file.width !== undefined;
  refuseSize(size, isLatents ? 'latents' : 'a picture');
  if (isLatents) {
    return latentLines('8-bit latents, an RGBA picture', file);
  }
  // Read as four channels, one a pixel's byte, latents are as large as the picture.
  const [, , height, width] = file.latents.shape;
  return factLines([
    ['kind', 'a picture; nothing in it says that it holds latents'],
    ['size', `${width}×${height}`],
    ...CHANNEL_COUNTS.map((channels) => encodedFact(width, height, channels)),
    ...CHANNEL_COUNTS.flatMap((channels) => decodedFact(width, height, channels)),
  ]);
}

const CHANNEL_COUNTS: readonly number[] = [
  ...new Set(Object.values(VARIANTS).map(({ latentChannels }) => latentChannels)),
];

function encodedFact(width: number, height: number, channels: number): [string, string] {
  const [h, w] = [height, width].map((size) => Math.ceil(size / LATENT_SCALE));
  const shape = shapeText([1, channels, h, w]);
  return ['encodes to', `latents ${shape} of ${latentSpaces(channels).join(' or ')}`];
}

/** Latents of other programs' making say nothing of themselves, so any picture may be one. */
function decodedFact(width: number, height: number, channels: number): [string, string][] {
  const tiles = channels / 4;
  if (height % tiles !== 0) return [];
  const [w, h] = [width, height / tiles].map((size) => size * LATENT_SCALE);
  const models = latentSpaces(channels).join(' or ');
  return [['decodes to', `${w}×${h}, if it holds latents of ${models}`]];
}
