import type { Rgb } from '../../index.ts';
import { BACKGROUND } from '../maps/colours.ts';
import { Raster } from '../maps/raster.ts';
import { lines, printable, shortName, withoutMiddle } from './labels.ts';
import { type Layout, lineHeight } from './layout.ts';

/** The content of a tile: a picture, or the reason why there is none. */
export type TileContent =
  | { readonly picture: Raster; readonly size: string; readonly by: string }
  | {
      readonly title: string;
      readonly reason: string;
      /** True for a file that is damaged, and not only none of latents. */
      readonly isBroken: boolean;
    };

const BRIGHT: Rgb = [236, 238, 242];
const DIM: Rgb = [150, 156, 168];
/** The colours of a place without a picture. */
const NONE: BoxColours = { box: [52, 56, 65], heading: [200, 204, 212] };
const BROKEN: BoxColours = { box: [78, 36, 38], heading: [255, 176, 164] };

interface BoxColours {
  readonly box: Rgb;
  readonly heading: Rgb;
}

/** Draws a tile: the picture or the reason, the file's name below, its size and what drew it. */
export function drawTile(name: string, content: TileContent, layout: Layout): Raster {
  const { thumb, tileHeight, scale, signs } = layout;
  const tile = new Raster(thumb, tileHeight, BACKGROUND);
  if ('picture' in content) {
    const { width, height } = content.picture;
    tile.put(content.picture, (thumb - width) >> 1, (thumb - height) >> 1);
  } else {
    drawReason(tile, content, layout);
  }
  const below = labelLines(content, layout);
  const texts = [shortName(printable(name), signs), ...below];
  const top = tileHeight - layout.lines * lineHeight(scale);
  for (const [n, text] of texts.entries()) {
    tile.print(text, 0, top + n * lineHeight(scale), scale, n === 0 ? BRIGHT : DIM);
  }
  return tile;
}

function labelLines(content: TileContent, { lines: count, signs }: Layout): string[] {
  return textsOf(content, count === 2).map((text) => withoutMiddle(text, signs));
}

function textsOf(content: TileContent, isOneLine: boolean): string[] {
  if (!('picture' in content)) return [content.isBroken ? 'not readable' : 'no latents'];
  const { size, by } = content;
  return isOneLine ? [`${size} ${by}`] : [size, by];
}

/** Fills the picture's place with the reason why there is no picture. */
function drawReason(
  tile: Raster,
  { title, reason, isBroken }: Extract<TileContent, { title: string }>,
  { thumb, scale, signs }: Layout,
): void {
  const { box, heading } = isBroken ? BROKEN : NONE;
  tile.fill(0, 0, thumb, thumb, box);
  const height = lineHeight(scale);
  const margin = Math.ceil(height / 2);
  const fitting = Math.floor((thumb - 2 * margin) / height);
  const head = lines(printable(title), signs - 2, 2);
  // A line is left free between the title and the reason.
  const body = lines(printable(reason), signs - 2, Math.max(fitting - head.length - 1, 1));
  const print = (text: string, n: number, colour: Rgb) =>
    tile.print(text, margin, margin + n * height, scale, colour);
  for (const [n, text] of head.entries()) print(text, n, heading);
  for (const [n, text] of body.entries()) {
    if (head.length + 1 + n < fitting) print(text, head.length + 1 + n, DIM);
  }
}
