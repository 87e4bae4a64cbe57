import type { ChannelView, StepView, Summary } from '../engine/protocol.ts';
import { short } from '../text/numbers.ts';
import { BarChart } from './chart.tsx';

/** How often which numbers occur: in the chosen channel, and in all of the step's. */
export function Histogram({ view, step }: { view: ChannelView; step: StepView }) {
  const { min, max } = step.summary;
  const all = shares(step.summary);
  const centres = all.map((_, n) => short(min + ((n + 0.5) * (max - min)) / all.length));
  return (
    <BarChart
      isSmall
      label={`Histogram of channel ${view.channel} and of all channels of ${step.name}, from ${short(min)} to ${short(max)}`}
      categories={centres}
      unit=""
      format={(value) => `${Math.round(value)} %`}
      bars={[
        {
          label: `channel ${view.channel}`,
          colour: step.part,
          data: spread(view.summary, step.summary),
        },
        { label: 'all channels', colour: 'bars', data: all },
      ]}
    />
  );
}

/** In percent. */
function shares({ histogram }: Summary): number[] {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  return [...histogram].map((count) => (100 * count) / total);
}

/** A channel's bars in the wider range of all of them: each falls where its middle is. */
function spread(channel: Summary, all: Summary): number[] {
  const bars = Array(all.histogram.length).fill(0);
  const width = (all.max - all.min) / bars.length;
  for (const [n, share] of shares(channel).entries()) {
    const middle =
      channel.min + ((n + 0.5) * (channel.max - channel.min)) / channel.histogram.length;
    const at = width > 0 ? Math.floor((middle - all.min) / width) : 0;
    bars[Math.min(Math.max(at, 0), bars.length - 1)] += share;
  }
  return bars;
}
