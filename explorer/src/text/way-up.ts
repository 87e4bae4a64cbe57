import type { StepView } from '../engine/protocol.ts';
import type { Level, Stop } from '../measure/levels.ts';
import type { Squares } from '../measure/squares.ts';
import { share as shareOf } from './measured.ts';
import { whole } from './numbers.ts';

/*
 * Sentences on the decoder's way up, made from its layers and from what was measured.
 */

/** A share whose sign stays on its line. */
const share = (part: number): string => shareOf(part).replace(' %', '\u00a0%');

/** Returns a level's name: "1/8 size", "full size". */
export const levelName = ({ factor }: Pick<Level, 'factor'>, downscale: number): string =>
  factor >= downscale ? 'full size' : `1/${Math.round(downscale / factor)} size`;

/** Tells what a place of the latent has become: "2×2". */
export const placeText = (factor: number): string => `${factor}×${factor}`;

/** Tells what the layer does with one place of the map before it. */
export function stopText({ step, isLast }: Stop): string {
  const { layer, shape, inputShape } = step;
  const by = shape[3] / inputShape[3];
  switch (layer.kind) {
    case 'upsample2x':
      return 'The upsampling writes each number four times, as a square of 2×2.';
    case 'pixelShuffle':
      return (
        `The pixel shuffle computes nothing. It lays out the ${whole(inputShape[1])} numbers of ` +
        `one place as ${placeText(by)} places with ${whole(shape[1])} numbers each.`
      );
    default:
      return isLast
        ? `The last layer makes ${shape[1]} numbers of ${inputShape[1]} at each place: the pixel's colour.`
        : `The first convolution makes ${shape[1]} numbers of ${inputShape[1]} at each place.`;
  }
}

/** Tells what the convolution after an upsampling makes of its squares. */
export function smoothText(before: Squares, after: Squares): string {
  const even = after.equal === 0 ? 'none' : share(after.equal);
  const first = `Before it, ${share(before.equal)} of the squares hold equal numbers; after it, ${even}.`;
  if (!(after.between > 0)) return first;
  const ratio = Math.round((100 * after.inside) / after.between);
  return `${first} Steps inside squares are now ${ratio}\u00a0% as large as those between them.`;
}

/** Returns the level with the most multiply-adds. */
export const busiest = (levels: readonly Level[]): Level =>
  levels.reduce(
    (best, level) => (level.multiplyAdds > best.multiplyAdds ? level : best),
    levels[0],
  );

/** Tells why a level takes as much work as it does. */
export function workText(level: Level, levels: readonly Level[], downscale: number): string {
  const total = levels.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
  const places = level.factor ** 2;
  const wide =
    places === 1 ? 'as many places as the latent' : `${places} times the latent's places`;
  return (
    `At ${levelName(level, downscale)} the maps have ${wide}, and its ${layersText(level.steps)} take ` +
    `${share(level.multiplyAdds / total)} of all multiply-adds.`
  );
}

const layersText = (steps: readonly StepView[]): string =>
  steps.length === 1 ? 'one layer' : `${steps.length} layers`;

/** Tells how the maps grow on the way up. */
export function timesText(stops: readonly Stop[]): string {
  const growing = stops.filter(({ step }) => step.shape[3] > step.inputShape[3]);
  const sides = growing.map(({ factor }) => placeText(factor));
  const times =
    sides.length === 1 ? 'once' : sides.length === 2 ? 'twice' : `${sides.length} times`;
  return `Its maps grow ${times}: one place becomes ${sides.join(', then ')}.`;
}
