import type { Summary } from '../engine/protocol.ts';
import { figure, share } from '../text/measured.ts';
import { type FigureTexts, Frame, round, Target } from './frame.tsx';
import { type HistogramBar, layoutHistogram, type WaterfallOptions } from './layout.ts';

export interface HistogramProps extends FigureTexts, WaterfallOptions {
  /** The numbers of all channels. */
  readonly all: Summary;
  /** One channel's numbers, drawn as a line over the bars. */
  readonly channel?: Summary | undefined;
}

/** How often which numbers occur: in all channels, and in one. */
export function Histogram({ title, describe, all, channel, ...options }: HistogramProps) {
  const layout = layoutHistogram(all, channel, options);
  const { width, height, bottom, zero } = layout;
  return (
    <Frame title={title} describe={describe} width={width} height={height} name="histogram">
      {layout.all.map((bar, n) => (
        <Target
          key={bar.x}
          {...{ x: bar.x, y: 0, width: bar.width, height: bottom }}
          title={titleOf(bar, layout.own[n])}
        >
          <rect
            class="bar plain"
            x={round(bar.x + 0.5)}
            y={round(bar.y)}
            width={round(bar.width - 1)}
            height={round(bar.height)}
          />
        </Target>
      ))}
      {layout.own.length > 0 && <path class="own" d={outlineOf(layout.own, bottom)} />}
      {/* A cut bar says how long it is. */}
      {[...layout.all, ...layout.own]
        .filter(({ isCut }) => isCut)
        .slice(0, 1)
        .map((bar) => (
          <text
            key="cut"
            class="number"
            x={round(clamped(bar.x + bar.width / 2, 20, width - 20))}
            y={9}
            text-anchor="middle"
          >
            {share(bar.share)}
          </text>
        ))}
      <line class="axis" x1={0} x2={width} y1={bottom} y2={bottom} />
      {zero !== undefined && (
        <line class="step" x1={round(zero)} x2={round(zero)} y1={bottom} y2={bottom + 5} />
      )}
      <text class="number" x={0} y={height - 7}>
        {figure(all.min)}
      </text>
      {zero !== undefined && zero > 50 && zero < width - 50 && (
        <text class="number" x={round(zero)} y={height - 7} text-anchor="middle">
          0
        </text>
      )}
      <text class="number" x={width} y={height - 7} text-anchor="end">
        {figure(all.max)}
      </text>
    </Frame>
  );
}

const clamped = (value: number, low: number, high: number): number =>
  Math.min(Math.max(value, low), high);

function titleOf(bar: HistogramBar, own: HistogramBar | undefined): string {
  const range = `${figure(bar.from)} to ${figure(bar.to)}: ${share(bar.share)} of all numbers`;
  return own === undefined ? range : `${range}, ${share(own.share)} of this channel’s`;
}

/** Returns the path along the upper ends of bars. */
function outlineOf(bars: readonly HistogramBar[], bottom: number): string {
  const steps = bars.map(({ x, width, y }) => `V${round(y)}H${round(x + width)}`);
  return `M0 ${bottom}${steps.join('')}V${bottom}`;
}
