import type { Half, Rgb, Step } from '../../index.ts';
import { countText } from '../terminal/table.ts';
import { GLYPH } from './bitmap-font.ts';
import { BACKGROUND, colourOf } from './colours.ts';
import { colourPicture, fittingSize, liveliest, mapPicture } from './feature-maps.ts';
import { rangeOf } from './range.ts';
import { Raster } from './raster.ts';

/*
 * All layers in one picture: a column for each half, with a strip for each layer. The data goes
 * from top to bottom.
 */

/** The number of maps in a strip, and their longer side in pixels. */
const SHOWN = 8;
const MAP = 80;
const GAP = 4;
const MARGIN = 16;
/** The width of the labels left of the maps. */
const LABEL = 200;
const WIDTH = LABEL + SHOWN * (MAP + GAP);
/** The height of the two lines of a label. */
const LABEL_HEIGHT = 48;
/** The longer side of the pictures at both ends. */
const PICTURE = 320;

const BRIGHT: Rgb = [236, 238, 242];
const DIM: Rgb = [150, 156, 168];

/** Collects the strips of layers, and keeps nothing else of them. */
export class Overview {
  readonly #columns = new Map<Half, Raster[]>();
  #parameters = 0;
  #multiplyAdds = 0;

  add(step: Step, isLast: boolean): void {
    const { part, index, inputs, output, parameters, multiplyAdds } = step;
    const column = this.#columns.get(part) ?? [];
    this.#columns.set(part, column);
    if (index === 0) {
      column.push(heading(part));
      if (part === 'encoder') column.push(titled(colourPicture(inputs[0], PICTURE), 'PICTURE'));
    }
    column.push(strip(step));
    if (isLast && part === 'decoder') {
      column.push(titled(colourPicture(output, PICTURE), 'DECODED'));
    }
    this.#parameters += parameters;
    this.#multiplyAdds += multiplyAdds;
  }

  picture(model: string): Raster {
    const columns = [...this.#columns.values()];
    columns[0].push(legend(model, this.#parameters, this.#multiplyAdds));
    const heightOf = (parts: readonly Raster[]) =>
      parts.reduce((sum, { height }) => sum + height + GAP, 0);
    const width = columns.length * (WIDTH + MARGIN) + MARGIN;
    const height = Math.max(...columns.map(heightOf)) + 2 * MARGIN;
    const whole = new Raster(width, height, BACKGROUND);
    for (const [n, parts] of columns.entries()) {
      let y = MARGIN;
      for (const part of parts) {
        whole.put(part, MARGIN + n * (WIDTH + MARGIN), y);
        y += part.height + GAP;
      }
    }
    return whole;
  }
}

/** Draws `3 BLOCK`, the shape below it, and the maps beside them. */
function strip({ index, layer, output }: Step): Raster {
  const size = fittingSize(output, MAP);
  const raster = new Raster(WIDTH, Math.max(size.height, LABEL_HEIGHT), BACKGROUND);
  const [, ...chw] = output.shape;
  raster.write(`${index} ${layer.kind}`, 0, 4, 2, BRIGHT);
  raster.write(chw.join('×'), 0, 26, 2, DIM);
  const { scale } = rangeOf(output);
  const maps = liveliest(output, SHOWN).map((channel) => mapPicture(output, channel, scale, size));
  for (const [n, map] of maps.entries()) raster.put(map, LABEL + n * (MAP + GAP), 0);
  return raster;
}

function heading(part: Half): Raster {
  const raster = new Raster(WIDTH, 3 * GLYPH.height + 2 * GAP, BACKGROUND);
  raster.write(part, 0, 0, 3, BRIGHT);
  return raster;
}

function titled(picture: Raster, title: string): Raster {
  const raster = new Raster(WIDTH, Math.max(picture.height, LABEL_HEIGHT) + GAP, BACKGROUND);
  raster.write(title, 0, 4, 2, BRIGHT);
  raster.put(picture, LABEL, 0);
  return raster;
}

/** Draws the scale of colours and the sums over all layers. */
function legend(model: string, parameters: number, multiplyAdds: number): Raster {
  const lines = [
    `${model}: ${countText(parameters)} parameters`,
    `${countText(multiplyAdds)} multiply-adds`,
    `the ${SHOWN} liveliest channels of each layer`,
    '-1 to 1: 99.5 % of a layer',
  ];
  const barHeight = 20;
  const lineHeight = 2 * (GLYPH.height + GAP);
  const top = 2 * MARGIN;
  const raster = new Raster(
    WIDTH,
    top + barHeight + 2 * GAP + lineHeight * (lines.length + 1),
    BACKGROUND,
  );
  const width = 2 * PICTURE - LABEL;
  for (let x = 0; x < width; x++) {
    raster.fill(x, top, 1, barHeight, colourOf((2 * x) / (width - 1) - 1));
  }
  const below = top + barHeight + GAP;
  for (const [text, x] of [
    ['-1', 0],
    ['0', width / 2 - GLYPH.width],
    ['1', width - 2 * GLYPH.width],
  ] as const) {
    raster.write(text, x, below, 2, DIM);
  }
  for (const [n, line] of lines.entries()) {
    raster.write(line, 0, below + (n + 1) * lineHeight, 2, DIM);
  }
  return raster;
}
