import { useMemo } from 'preact/hooks';
import { coloured } from '../drawing/colour-map.ts';
import { useExplorer } from '../explorer.ts';
import { largest } from '../measure/largest.ts';
import type { At } from '../stores/at.ts';
import { windowAround } from './frame.ts';

/**
 * Returns what the first layer shows: the sum at the pixel, or at the window that slides, and the
 * properties of the two maps beside it.
 */
export function useFirstStage() {
  const { firstLayer, slide, pictures, network, cell } = useExplorer();
  const { planes, map, sum, at } = firstLayer;
  const output = map.value;
  const size = planes.value;
  const filled = slide.filled.value;
  const place =
    filled === undefined || size === undefined
      ? at.value
      : { y: Math.floor(filled / size.width) % size.height, x: filled % size.width };
  const now = filled === undefined ? sum.value : place && firstLayer.sumOf(place);
  const picture = useMemo(
    () => output && coloured(output.data, output.width, output.height, largest(output.data)),
    [output],
  );
  const pointed = cell.value;
  const onPick = (to: At) => {
    slide.stop();
    at.value = to;
  };
  return {
    size,
    parts: now && { ...now, relu: Math.max(now.value, 0) },
    input: {
      picture: network.trip.value?.picture ?? pictures.picture.value,
      at: place,
      area: place && size && windowAround(place, size),
      spot: pointed && now?.windows[pointed.channel]?.products[pointed.n],
      onPick,
    },
    output: {
      picture,
      at: place,
      area: place && { ...place, width: 1, height: 1 },
      filled,
      onPick,
    },
  };
}
