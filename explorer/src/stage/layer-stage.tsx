import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { coloured } from '../drawing/colour-map.ts';
import type { Window } from '../engine/protocol.ts';
import { useExplorer } from '../explorer.ts';
import { largest } from '../measure/largest.ts';
import { sourceOf } from '../stores/focus.ts';
import { COLOURS } from '../text/colours.ts';
import { formulaOf } from '../text/explanations.ts';
import { exact, shapeText } from '../text/numbers.ts';
import { windowAround } from './frame.ts';
import { MapView } from './map-view.tsx';
import { SumView } from './sum-view.tsx';

/*
 * A layer of a model on the stage: one of its input maps with the window, the sum, the map it
 * makes. The numbers come from the model's worker; the newest alone is shown.
 */

/** The input map that is chosen, with the window on it. */
export function LayerInput() {
  const { focus, cell } = useExplorer();
  const { step, inputMap, inputChannel, sum } = focus;
  const now = step.value;
  const map = inputMap.value.value;
  const made = sum.value.value?.is;
  const numbers = map?.is;
  const picture = useMemo(
    () =>
      numbers &&
      coloured(numbers.data, numbers.area.width, numbers.area.height, largest(numbers.data)),
    [numbers],
  );
  const pointed = cell.value;
  const spot = made?.windows
    .find(({ channel }) => channel === inputChannel.value && channel === pointed?.channel)
    ?.products.at(pointed?.n ?? 0);
  const isOf = made !== undefined && made.name === now?.name;
  const source = now && sourceOf(now);
  const isInside = now?.layer.kind === 'block';
  const size = { height: source?.shape[2] ?? 1, width: source?.shape[3] ?? 1 };
  return (
    <MapView
      part="input"
      picture={picture}
      label={`Input channel ${inputChannel.value}`}
      area={isOf ? (isInside ? windowAround(made.position, size) : made.onInput) : undefined}
      spot={spot}
    >
      <b>{isInside ? 'Inside the block' : 'Input'}</b>, channel {inputChannel.value} of{' '}
      {source?.shape[1]}
      <span class="more">
        {isInside
          ? ': what its last convolution reads.'
          : `; all are ${source === undefined ? '' : shapeText(source.shape)} numbers.`}
      </span>
    </MapView>
  );
}

/**
 * The sum of the chosen pixel: the channels that count most, then all others. A single row is of
 * the channel that is shown.
 */
export function LayerSum({ rows = 3 }: { rows?: number }) {
  const { focus } = useExplorer();
  const made = focus.sum.value.value?.is;
  const shown = rows === 1 ? focus.inputChannel.value : undefined;
  const now = focus.step.value;
  const isOfPicture = now?.name === 'encoder.0' && now.inputShape[1] === 3;
  const parts = useMemo(() => {
    if (made === undefined) return undefined;
    const size = ({ channel, sum }: Window) => (channel === shown ? Infinity : Math.abs(sum));
    const windows = isOfPicture ? made.windows : made.windows.toSorted((a, b) => size(b) - size(a));
    // A ReLU's and a clamp's own number is what they make of the sum.
    const isBent = made.sourceKind === 'relu' || made.sourceKind === 'clamp';
    const before = isBent ? made.sum + made.bias : made.beforeRelu;
    const relu = before === undefined ? made.nextRelu : made.value;
    const bend = now?.layer.kind === 'clamp' ? formulaOf(now.layer) : undefined;
    return { ...made, windows, value: before ?? made.value, relu, bend };
  }, [made, now, shown, isOfPicture]);
  if (parts === undefined) return <div class="sum empty" />;
  if (!isOfPicture) return <SumView parts={parts} rows={rows} />;
  const colour = (channel: number) => COLOURS[channel];
  return <SumView parts={parts} nameOf={colour} kindOf={colour} isOfPicture />;
}

/** The map of the chosen channel, with the pixel on it. */
export function LayerOutput({ children }: { children?: ComponentChildren }) {
  const { focus, slide } = useExplorer();
  const { step, map, at, channel } = focus;
  const now = step.value;
  const view = map.value.value?.is;
  const picture = useMemo(
    () =>
      view &&
      coloured(view.data, view.width, view.height, Math.max(-view.summary.min, view.summary.max)),
    [view],
  );
  const place = at.value;
  const isInside =
    view !== undefined && place !== undefined && place.y < view.height && place.x < view.width;
  // The map before stays until this one is there. Its number would be wrong here.
  const isOf = view?.name === now?.name && view?.channel === channel.value;
  const value = isInside && isOf ? `, ${exact(view.data[place.y * view.width + place.x])}` : '';
  return (
    <MapView
      part="output"
      picture={picture}
      label={`Channel ${channel.value} of ${now?.name ?? ''}${place ? `, x ${place.x}, y ${place.y}` : ''}${value}`}
      at={isInside ? place : undefined}
      area={isInside ? { ...place, width: 1, height: 1 } : undefined}
      filled={slide.filled.value}
      onPick={(to) => {
        slide.stop();
        at.value = to;
      }}
    >
      <b>Output</b>, channel {channel.value} of {now?.shape[1]}
      <span class="more">; all are {now && shapeText(now.shape)} numbers.</span>
      {children}
    </MapView>
  );
}
