import { coloured } from '../drawing/colour-map.ts';
import type { Explorer } from '../explorer.ts';
import { type FigureParts, svgOf } from '../export/figure-file.ts';
import { stageFigure } from '../export/stage-figure.ts';
import type { WrittenSum } from '../export/sum-text.ts';
import { largest } from '../measure/largest.ts';
import { COLOURS } from '../text/colours.ts';
import { windowAround } from './frame.ts';

/*
 * The figure that the page shows now, for files and the clipboard.
 */

/** Whether a sum stands on the stage. */
export const showsSum = (): boolean => document.querySelector('.stage [data-part="sum"]') !== null;

/** The figure of the sum that is shown, as its parts. */
function presentParts(explorer: Explorer): FigureParts | undefined {
  if (!showsSum()) return undefined;
  return explorer.isOfFirstLayer() ? firstParts(explorer) : layerParts(explorer);
}

/** The sum that is shown. */
export const presentSum = (explorer: Explorer): WrittenSum | undefined =>
  presentParts(explorer)?.sum;

/**
 * The figure that is shown, as an SVG file: the sum with its maps, or else the stage as it stands.
 */
export function presentFigure(explorer: Explorer): string | undefined {
  const parts = presentParts(explorer);
  if (parts !== undefined) return svgOf(parts);
  const stage = document.querySelector<HTMLElement>('.stage');
  const title = document.querySelector('.scene-text h2')?.textContent ?? document.title;
  return stage === null ? undefined : stageFigure(stage, title);
}

function firstParts({ firstLayer, network, pictures }: Explorer): FigureParts | undefined {
  const { sum, map, planes, channel, at, filters, edited } = firstLayer;
  const [made, output, size, place] = [sum.value, map.value, planes.value, at.value];
  const input = network.trip.value?.picture ?? pictures.picture.value;
  if (!made || !output || !size || !place || input === undefined) return undefined;
  const which = edited.value === undefined ? `filter ${channel.value + 1}` : 'a filter of my own';
  const name = `First convolution, ${which} of ${filters.value.cout}`;
  return {
    sum: { ...made, position: { channel: channel.value, ...place }, name },
    title: `${name}: x ${place.x}, y ${place.y}`,
    nameOf: (number) => COLOURS[number],
    input: { pixels: input, frame: windowAround(place, size), caption: 'The picture' },
    output: {
      pixels: coloured(output.data, output.width, output.height, largest(output.data)),
      frame: { ...place, width: 1, height: 1 },
      caption: which[0].toUpperCase() + which.slice(1),
    },
  };
}

function layerParts({ focus }: Explorer): FigureParts | undefined {
  const made = focus.sum.value.value?.is;
  const output = focus.map.value.value?.is;
  const input = focus.inputMap.value.value;
  if (made === undefined || output === undefined || input === undefined) return undefined;
  const { name, position, onInput } = made;
  const { channel, y, x } = position;
  const { data, area } = input.is;
  return {
    sum: made,
    title: `${name}, channel ${channel}: x ${x}, y ${y}`,
    input: {
      pixels: coloured(data, area.width, area.height, largest(data)),
      frame: onInput,
      caption: `Input channel ${input.of.asked.channel}`,
    },
    output: {
      pixels: coloured(output.data, output.width, output.height, largest(output.data)),
      frame: { y, x, width: 1, height: 1 },
      caption: `Channel ${channel}`,
    },
  };
}
