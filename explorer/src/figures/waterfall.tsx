import { fixed } from '../text/measured.ts';
import { type FigureTexts, Frame, round, Target } from './frame.tsx';
import {
  type Column,
  LETTER,
  layoutWaterfall,
  type TermKind,
  termsOf,
  type WaterfallOptions,
  type WaterfallSum,
} from './layout.ts';

export interface WaterfallProps extends FigureTexts, WaterfallOptions {
  readonly sum: WaterfallSum;
  /** The name of an input channel. Defaults to "channel 3". */
  readonly nameOf?: ((channel: number) => string) | undefined;
  /** The channel that is marked. */
  readonly chosen?: number | undefined;
  readonly onPick?: ((channel: number) => void) | undefined;
  /** Called with the channel under the pointer, and with undefined when the pointer leaves it. */
  readonly onPoint?: ((channel: number | undefined) => void) | undefined;
}

const WORDS: Readonly<Record<Exclude<TermKind, 'channel'>, string>> = {
  others: 'others',
  bias: 'bias',
  skip: 'skip',
  relu: 'ReLU',
  value: 'value',
};

/** The sum of all channels, bias and skip connection, added up from left to right. */
export function Waterfall(props: WaterfallProps) {
  const { title, describe, sum, nameOf, chosen, onPick, onPoint, ...options } = props;
  const layout = layoutWaterfall(termsOf(sum), options);
  const { width, height, zero, top, bottom, left, columns } = layout;
  const name = nameOf ?? ((channel: number) => `channel ${channel}`);
  const end = columns[columns.length - 1];
  return (
    <Frame title={title} describe={describe} width={width} height={height} name="waterfall">
      {marksOf(layout).map(([value, y]) => (
        <text key={value} class="number" x={left - 6} y={round(y)} text-anchor="end">
          {fixed(value, 2)}
        </text>
      ))}
      {columns.map((column) => {
        const { kind, channel } = column;
        return (
          <Target
            key={channel ?? kind}
            {...{ x: column.x, y: top, width: column.width, height: bottom - top }}
            title={titleOf(column, name)}
            isChosen={channel !== undefined && channel === chosen}
            onPick={onPick && channel !== undefined ? () => onPick(channel) : undefined}
            onPoint={
              onPoint && channel !== undefined
                ? (isOver) => onPoint(isOver ? channel : undefined)
                : undefined
            }
          >
            <rect
              class={`bar ${toneOf(column)}`}
              x={round(column.x + gapOf(column) / 2)}
              y={round(column.y)}
              width={round(column.width - gapOf(column))}
              height={round(Math.max(column.height, 0.75))}
            />
            {kind !== 'value' && (
              <line
                class="step"
                x1={round(column.x)}
                x2={round(column.x + column.width + 1)}
                y1={round(column.end)}
                y2={round(column.end)}
              />
            )}
            <Word column={column} word={wordOf(column, name)} y={height - 7} />
          </Target>
        );
      })}
      <line
        class="axis"
        x1={left}
        x2={round(end.x + end.width)}
        y1={round(zero)}
        y2={round(zero)}
      />
    </Frame>
  );
}

/** A word below a column, if it is wide enough. */
function Word({ column, word, y }: { column: Column; word: string; y: number }) {
  if (word.length * LETTER > column.width + LETTER) return null;
  return (
    <text class="label" x={round(column.x + column.width / 2)} y={y} text-anchor="middle">
      {word}
    </text>
  );
}

const wordOf = ({ kind, channel }: Column, name: (channel: number) => string): string =>
  kind === 'channel' ? name(channel as number) : WORDS[kind];

/** The numbers of the axis: 0, and the highest and lowest sum where there is room. */
function marksOf({ zero, top, bottom, max, min }: ReturnType<typeof layoutWaterfall>) {
  const ends: [number, number][] = [
    [max, top + 4],
    [min, bottom - 4],
  ];
  return [[0, zero] as [number, number], ...ends.filter(([, y]) => Math.abs(y - zero) > 12)];
}

/** Between columns, so that narrow ones are still seen. */
const gapOf = ({ width }: Column): number => Math.min(width * 0.2, 6);

function toneOf({ kind, value }: Column): string {
  if (kind === 'value') return 'plain';
  return value < 0 ? 'negative' : 'positive';
}

function titleOf(column: Column, name: (channel: number) => string): string {
  const { kind, channel, count, value, after } = column;
  const shown = fixed(value, 3);
  const sofar = `the sum so far is ${fixed(after, 3)}`;
  switch (kind) {
    case 'channel':
      return `${name(channel as number)}: ${shown}; ${sofar}`;
    case 'others':
      return `the other ${count} channels: ${shown}; ${sofar}`;
    case 'bias':
      return `bias: ${shown}; ${sofar}`;
    case 'skip':
      return `skip connection: ${shown}; ${sofar}`;
    case 'relu':
      return value === 0 ? 'ReLU: the sum is not below 0 and stays' : 'ReLU: the sum becomes 0';
    case 'value':
      return `value: ${shown}`;
  }
}
