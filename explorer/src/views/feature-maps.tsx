import { signal } from '@preact/signals';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Canvas } from '../drawing/canvas.tsx';
import { type Place, sheetOf } from '../drawing/sheet.ts';
import type { ChannelRange, StepView } from '../engine/protocol.ts';
import { chosenChannel } from '../state/stepping.ts';
import { percent, short } from '../text/numbers.ts';

/** Whether every channel has a scale of its own, or all have the same. */
const isScaledAlike = signal(true);

/** The number that is brightest, for a channel. */
function brightest(step: StepView, channel: number): number {
  const { min, max } = isScaledAlike.value ? step.summary : step.channels[channel];
  return Math.max(-min, max);
}

/** All channels of a step, small. */
export function FeatureMaps({ step }: { step: StepView }) {
  return (
    <div class="maps">
      <div class="row spread">
        <h4>
          {step.shape[1]} feature map{step.shape[1] === 1 ? '' : 's'}
          {'to' in step.layer && step.layer.to === 2 && `, ${step.shape[1] / 2} of each frame`}
        </h4>
        <Legend />
        <label class="check">
          <input
            type="checkbox"
            checked={isScaledAlike.value}
            onChange={({ currentTarget }) => {
              isScaledAlike.value = currentTarget.checked;
            }}
          />
          One scale for all channels
        </label>
      </div>
      <Sheet step={step} />
    </div>
  );
}

/** A thumbnail is about so wide, in pixels of the page. */
const ABOUT = { wide: 48, narrow: 40 };

/**
 * All thumbnails on one canvas, with a button over each: 64 canvases of their own would take the page's thread four times
 * as long to show.
 */
function Sheet({ step }: { step: StepView }) {
  const box = useRef<HTMLDivElement>(null);
  const [columns, setColumns] = useState(16);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(([{ contentRect }]) => {
      const about = contentRect.width < 500 ? ABOUT.narrow : ABOUT.wide;
      setColumns(Math.max(4, Math.floor(contentRect.width / about)));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const across = Math.min(columns, Math.max(step.channels.length, 8));
  const isAlike = isScaledAlike.value;
  const sheet = useMemo(
    () => sheetOf(step.thumbnails, (channel) => brightest(step, channel), across),
    [step, isAlike, across],
  );
  return (
    <div class="thumbnails" ref={box}>
      <Canvas picture={sheet.picture} aria-hidden="true" />
      {step.channels.map((range, channel) => (
        <Thumbnail key={channel} channel={channel} range={range} place={sheet.placeOf(channel)} />
      ))}
    </div>
  );
}

function Thumbnail(props: { channel: number; range: ChannelRange; place: Place }) {
  const { channel, range, place } = props;
  const label = `Channel ${channel}: ${short(range.min)} to ${short(range.max)}, ${percent(range.zeros)} zeros`;
  return (
    <button
      type="button"
      class="thumbnail"
      style={place}
      aria-label={label}
      title={label}
      aria-pressed={chosenChannel.value === channel}
      onClick={() => {
        chosenChannel.value = channel;
      }}
    />
  );
}

function Legend() {
  return (
    <p class="legend" aria-hidden="true">
      <span>−</span>
      <span class="ramp" />
      <span>+</span>
    </p>
  );
}
