import { type FigureTexts, Frame, round, Target } from './frame.tsx';
import { type Bar, type BarsOptions, layoutBars } from './layout.ts';

export interface BarsProps extends FigureTexts, BarsOptions {
  readonly bars: readonly Bar[];
  /** The bar that is marked. */
  readonly chosen?: number | undefined;
  /** Called with a bar's place in the list. */
  readonly onPick?: ((bar: number) => void) | undefined;
}

/** Horizontal bars with a label and a number: the blocks' dB, the layers' time or multiply-adds. */
export function Bars({ title, describe, bars, chosen, onPick, ...options }: BarsProps) {
  const { width, height, rowHeight, labelEnd, zero, textEnd, rows } = layoutBars(bars, options);
  return (
    <Frame title={title} describe={describe} width={width} height={height} name="bars">
      {rows.map(({ label, text, tone, y, x, width: length }, n) => (
        <Target
          key={label}
          {...{ x: 0, y, width, height: rowHeight }}
          title={`${label}: ${text}`}
          isChosen={n === chosen}
          onPick={onPick && (() => onPick(n))}
        >
          <text class="label" x={round(labelEnd)} y={y + rowHeight / 2} text-anchor="end">
            {label}
          </text>
          <rect
            class={`bar ${tone}`}
            x={round(x)}
            y={y + 3}
            width={round(length)}
            height={rowHeight - 6}
          />
          <text class="number" x={textEnd} y={y + rowHeight / 2} text-anchor="end">
            {text}
          </text>
        </Target>
      ))}
      <line class="axis" x1={round(zero)} x2={round(zero)} y1={0} y2={height} />
    </Frame>
  );
}
