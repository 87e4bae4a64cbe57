import { signal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { Canvas } from '../drawing/canvas.tsx';
import { coloured } from '../drawing/colour-map.ts';
import type { ChannelRange, StepView } from '../engine/protocol.ts';
import { chosenChannel } from '../state/stepping.ts';
import { percent, short } from '../text/numbers.ts';

/** Whether every channel has a scale of its own, or all have the same. */
export const isScaledAlike = signal(true);

/** The number that is brightest, for a channel. */
export function brightest(step: StepView, channel: number): number {
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
      <div class="thumbnails">
        {step.channels.map((range, channel) => (
          <Thumbnail key={channel} step={step} channel={channel} range={range} />
        ))}
      </div>
    </div>
  );
}

function Thumbnail(props: { step: StepView; channel: number; range: ChannelRange }) {
  const { step, channel, range } = props;
  const { width, height, data } = step.thumbnails;
  const scale = brightest(step, channel);
  const picture = useMemo(() => {
    const area = width * height;
    return coloured(data.subarray(channel * area, (channel + 1) * area), width, height, scale);
  }, [data, channel, scale]);
  const label = `Channel ${channel}: ${short(range.min)} to ${short(range.max)}, ${percent(range.zeros)} zeros`;
  return (
    <button
      type="button"
      class="thumbnail"
      aria-label={label}
      title={label}
      aria-pressed={chosenChannel.value === channel}
      onClick={() => {
        chosenChannel.value = channel;
      }}
    >
      <Canvas picture={picture} />
    </button>
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
