import { LATENT_SCALE, latentSpaces, VARIANTS } from '../../model/variants.ts';
import { decodePng } from '../../png/index.ts';
import type { Size } from '../line/size.ts';
import { factLines, shapeText } from '../terminal/table.ts';
import { refuseSize } from './size.ts';

/**
 * Returns lines about a PNG that does not record latents: its size and its possible uses.
 *
 * @throws TaesdError ARG (a size is given); errors of `decodePng`
 */
export function pngLines(bytes: Uint8Array, size: Size | undefined): string[] {
  refuseSize(size, 'a picture');
  const { width, height } = decodePng(bytes);
  const channelCounts = new Set(Object.values(VARIANTS).map((variant) => variant.latentChannels));
  return factLines([
    ['kind', 'a picture; no record that it holds latents'],
    ['size', `${width}×${height}`],
    ...[...channelCounts].map((channels) => encodedFact(width, height, channels)),
    ...[...channelCounts].flatMap((channels) => decodedFact(width, height, channels)),
  ]);
}

function encodedFact(width: number, height: number, channels: number): [string, string] {
  const [h, w] = [height, width].map((size) => Math.ceil(size / LATENT_SCALE));
  const shape = shapeText([1, channels, h, w]);
  return ['encodes to', `latents ${shape} of ${latentSpaces(channels).join(' or ')}`];
}

/** Returns a fact for any picture: latents that other programs write record nothing. */
function decodedFact(width: number, height: number, channels: number): [string, string][] {
  const tiles = channels / 4;
  if (height % tiles !== 0) return [];
  const [w, h] = [width, height / tiles].map((size) => size * LATENT_SCALE);
  const models = latentSpaces(channels).join(' or ');
  return [['decodes to', `${w}×${h}, if it holds latents of ${models}`]];
}
