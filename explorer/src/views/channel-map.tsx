import { useMemo } from 'preact/hooks';
import { Canvas } from '../drawing/canvas.tsx';
import { coloured } from '../drawing/colour-map.ts';
import type { ChannelView, StepView } from '../engine/protocol.ts';
import { channelView, choosePixel, chosenChannel, pixel } from '../state/stepping.ts';
import { exact, percent, short } from '../text/numbers.ts';
import { Histogram } from './histogram.tsx';
import { ARROWS, MapCursor, onMap, type Place, placeUnder } from './map-cursor.tsx';

/** The chosen channel, large; a pixel of it can be chosen with the pointer, with the arrow keys, or by its place. */
export function ChannelMap({ step }: { step: StepView }) {
  const view = channelView.value;
  if (view === undefined || view.name !== step.name || view.channel !== chosenChannel.value) {
    return <div class="channel-map loading" />;
  }
  const { min, max, zeros } = view.summary;
  return (
    <div class="channel-map">
      <h4>
        Channel {view.channel} of {step.shape[1]}
      </h4>
      <BigMap view={view} />
      <PixelFields view={view} channels={step.shape[1]} />
      <p class="hint">
        Range {short(min)} … {short(max)}, {percent(zeros)} zeros; the brightest pixel is{' '}
        {short(Math.max(-min, max))} from 0.
      </p>
      <Histogram view={view} step={step} />
    </div>
  );
}

function BigMap({ view }: { view: ChannelView }) {
  const { width, height, data, channel, name } = view;
  const scale = Math.max(-view.summary.min, view.summary.max);
  const picture = useMemo(() => coloured(data, width, height, scale), [data, scale]);
  const at = pixel.value;
  const pick = (place: Place) => {
    const { y, x } = onMap(place, view);
    choosePixel(y, x);
  };
  const place =
    at === undefined ? '' : `, x ${at.x}, y ${at.y}: ${exact(data[at.y * width + at.x])}`;
  return (
    <div class="framed">
      <Canvas
        class="picture pixelated pickable"
        picture={picture}
        tabIndex={0}
        role="application"
        aria-roledescription="feature map"
        aria-label={`Channel ${channel} of ${name}${place}. Arrow keys choose a pixel.`}
        onPointerDown={(event) => pick(placeUnder(event, view))}
        onKeyDown={(event) => {
          const move = ARROWS[event.key];
          if (move === undefined) return;
          event.preventDefault();
          const steps = event.shiftKey ? 8 : 1;
          const from = at ?? { y: height >> 1, x: width >> 1 };
          pick({ y: from.y + steps * move.y, x: from.x + steps * move.x });
        }}
      />
      {at !== undefined && <MapCursor at={at} size={view} />}
    </div>
  );
}

/** The same by numbers. */
function PixelFields({ view, channels }: { view: ChannelView; channels: number }) {
  const { width, height, channel } = view;
  const at = pixel.value ?? { y: height >> 1, x: width >> 1 };
  return (
    <div class="row fields">
      <NumberField
        label="Channel"
        value={channel}
        most={channels - 1}
        onValue={(value) => {
          chosenChannel.value = value;
        }}
      />
      <NumberField label="x" value={at.x} most={width - 1} onValue={(x) => choosePixel(at.y, x)} />
      <NumberField label="y" value={at.y} most={height - 1} onValue={(y) => choosePixel(y, at.x)} />
    </div>
  );
}

function NumberField(props: {
  label: string;
  value: number;
  most: number;
  onValue: (value: number) => void;
}) {
  const { label, value, most, onValue } = props;
  return (
    <label class="field narrow">
      {label}
      <input
        type="number"
        min={0}
        max={most}
        value={value}
        onChange={({ currentTarget }) => {
          const wanted = Math.round(Number(currentTarget.value));
          onValue(Math.min(Math.max(wanted || 0, 0), most));
        }}
      />
    </label>
  );
}
