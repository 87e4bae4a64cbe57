import { useComputed } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { cellColour, primaryColour } from '../drawing/colour-map.ts';
import type { Window } from '../engine/protocol.ts';
import { useExplorer } from '../explorer.ts';
import { fixed } from '../text/measured.ts';
import { tiny } from '../text/numbers.ts';
import { memo } from './memo.ts';
import { Word } from './word.tsx';

/** How one number came about: the products of each input channel, and what is added to them. */
export interface SumParts {
  readonly windows: readonly Window[];
  readonly sum: number;
  readonly bias: number;
  readonly value: number;
  /** The number that a skip connection adds. */
  readonly skip?: number | undefined;
  /** The number that the ReLU after it makes of it. */
  readonly relu?: number | undefined;
  /** The name of what is done to the sum, if it is not a ReLU. */
  readonly bend?: string | undefined;
}

interface SumViewProps {
  readonly parts: SumParts;
  /** Rows that are laid out in full; the first windows of the list are. */
  readonly rows?: number;
  /** The name of an input channel. */
  readonly nameOf?: (channel: number) => string;
  /** A class for a channel’s row: scene 1 has its colours. */
  readonly kindOf?: (channel: number) => string;
  /** The note below a channel’s name. */
  readonly noteOf?: (channel: number) => ComponentChildren;
  /**
   * The weights of a channel, where they can be changed; `scale` is the weight that is brightest.
   */
  readonly weightsOf?: (channel: number, scale: number) => ComponentChildren;
  /** The bias, where it can be changed. */
  readonly bias?: ComponentChildren;
  /** True if the input is a picture: its numbers are shown in red, green and blue. */
  readonly isOfPicture?: boolean;
}

const CHANNEL = (channel: number) => `channel ${channel}`;

/** The equation: window × weights = products for each input channel, and their sum. */
export function SumView(props: SumViewProps) {
  const { parts, rows = 3, nameOf = CHANNEL, kindOf = () => '', isOfPicture = false } = props;
  const { noteOf, weightsOf } = props;
  const { windows, bias, value, skip, relu } = parts;
  const shown = windows.slice(0, rows);
  const rest = windows.slice(rows).reduce((sum, window) => sum + window.sum, 0);
  const scales = scalesOf(windows);
  return (
    <div class="sum" data-part="sum-box">
      <div class="sum-rows">
        {shown.map((window) => (
          <Row
            key={window.channel}
            window={window}
            scales={scales}
            name={nameOf(window.channel)}
            kind={kindOf(window.channel)}
            note={noteOf?.(window.channel)}
            weights={weightsOf?.(window.channel, scales.weight)}
            isOfPicture={isOfPicture}
          />
        ))}
      </div>
      <p class="equation" data-part="sum">
        {shown.map((window, n) => (
          <Term key={window.channel} sign={n > 0} kind={kindOf(window.channel)}>
            {exactly(window.sum)}
          </Term>
        ))}
        {windows.length > rows && (
          <Term sign note={`${windows.length - rows} more`}>
            {exactly(rest)}
          </Term>
        )}
        <Term sign note="bias" part="bias">
          {props.bias ?? exactly(bias)}
        </Term>
        {skip !== undefined && (
          <Term sign note="skip">
            {exactly(skip)}
          </Term>
        )}
        <span class="operator">=</span>
        <output class="term total" data-testid="value">
          {exactly(value)}
        </output>
        {relu !== undefined && (
          <span class="relu" data-part="relu">
            <span class="operator">
              → {parts.bend === undefined ? <Word term="relu">ReLU</Word> : parts.bend} →
            </span>
            <output class="term total" data-testid="relu">
              {exactly(relu)}
            </output>
          </span>
        )}
      </p>
    </div>
  );
}

/** Three digits after the point: cells have two. */
const exactly = (value: number): string => (value === 0 ? '0' : fixed(value, 3));

function Term(props: {
  sign: boolean;
  kind?: string;
  note?: string;
  part?: string;
  children: ComponentChildren;
}) {
  const { sign, kind = '', note, part, children } = props;
  return (
    <>
      {sign && <span class="operator">+</span>}
      <span class={`term ${kind}`} data-part={part}>
        {children}
        {note !== undefined && <small> {note}</small>}
      </span>
    </>
  );
}

interface Scales {
  readonly value: number;
  readonly weight: number;
  readonly product: number;
}

/** The numbers that are brightest, over all windows: rows can be compared. */
function scalesOf(windows: readonly Window[]): Scales {
  const scales = { value: 0, weight: 0, product: 0 };
  for (const { products } of windows) {
    for (const { value, weight, product } of products) {
      scales.value = Math.max(scales.value, Math.abs(value));
      scales.weight = Math.max(scales.weight, Math.abs(weight));
      scales.product = Math.max(scales.product, Math.abs(product));
    }
  }
  return scales;
}

interface RowProps {
  readonly window: Window;
  readonly scales: Scales;
  readonly name: string;
  readonly kind: string;
  readonly note?: ComponentChildren;
  readonly weights?: ComponentChildren;
  readonly isOfPicture: boolean;
}

function Row({ window, scales, name, kind, note, weights, isOfPicture }: RowProps) {
  const { products, sum } = window;
  const pick = (of: 'value' | 'weight' | 'product') => products.map((product) => product[of]);
  const { cell } = useExplorer();
  const pointed = useComputed(() =>
    cell.value?.channel === window.channel ? `${cell.value.n}` : undefined,
  );
  return (
    <div
      class={`sum-row ${kind}`}
      data-cell={pointed}
      onPointerOver={({ target }) => {
        const n = Number((target as HTMLElement).dataset.n ?? Number.NaN);
        cell.value = Number.isNaN(n) ? undefined : { channel: window.channel, n };
      }}
      onPointerLeave={() => {
        cell.value = undefined;
      }}
    >
      <span class="sum-name">
        {name}
        {note}
      </span>
      <Cells
        part="window"
        name={`${name}, window`}
        values={pick('value')}
        scale={scales.value}
        primary={isOfPicture ? window.channel : undefined}
      />
      <span class="operator">×</span>
      {weights ?? (
        <Cells
          part="weights"
          name={`${name}, weights`}
          values={pick('weight')}
          scale={scales.weight}
        />
      )}
      <span class="operator">=</span>
      <Cells
        part="products"
        name={`${name}, products`}
        values={pick('product')}
        scale={scales.product}
      />
      <span class="subtotal">{exactly(sum)}</span>
    </div>
  );
}

interface CellsProps {
  readonly part: string;
  readonly name: string;
  readonly values: readonly number[];
  readonly scale: number;
  /** 0 to 2 if the numbers are shares of red, green or blue. */
  readonly primary?: number | undefined;
}

/** Numbers in a square, each in its colour. For screen readers they are one list. */
const Cells = memo(
  ({ part, name, values, scale, primary }: CellsProps) => {
    const side = Math.sqrt(values.length);
    return (
      <span
        class={`cells side-${side}`}
        data-part={part}
        role="img"
        aria-label={`${name}: ${values.map(tiny).join(', ')}`}
      >
        {values.map((value, n) => {
          const { colour, isBright } =
            primary === undefined ? cellColour(value, scale) : primaryColour(primary, value);
          return (
            <span
              key={n}
              data-n={n}
              class={isBright ? 'cell bright' : 'cell'}
              style={{ background: colour }}
            >
              {tiny(value)}
            </span>
          );
        })}
      </span>
    );
  },
  (one, other) =>
    one.scale === other.scale &&
    one.primary === other.primary &&
    one.values.length === other.values.length &&
    one.values.every((value, n) => value === other.values[n]),
);
