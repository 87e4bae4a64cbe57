import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { cellColour } from '../drawing/colour-map.ts';
import { nextTask } from '../drawing/tasks.ts';
import type { PixelView, Window } from '../engine/protocol.ts';
import { exact, tiny } from '../text/numbers.ts';

/** Windows that are shown at first: those that count most. */
const FIRST = 4;
/** So many are added at a time: 64 at once would hold the page's thread for 100 ms. */
const PORTION = 6;

/** A convolution's windows, channel by channel, those that count most first. */
export function Windows({ view }: { view: PixelView }) {
  const isAll = useSignal(false);
  const shownCount = useSignal(FIRST);
  const { sorted, rows } = useMemo(() => rowsOf(view), [view]);
  useEffect(() => {
    if (!isAll.value || shownCount.value >= view.windows.length) return;
    let isGone = false;
    void nextTask().then(() => {
      if (!isGone) shownCount.value += PORTION;
    });
    return () => {
      isGone = true;
    };
  }, [view, isAll.value, shownCount.value]);
  const shown = isAll.value ? view.windows.slice(0, shownCount.value) : sorted.slice(0, FIRST);
  const rest = sorted.slice(FIRST).reduce((sum, window) => sum + window.sum, 0);
  return (
    <div class="windows">
      <p class="hint">
        {isAll.value
          ? 'All input channels, in their order.'
          : `The ${shown.length} input channels that count most.`}{' '}
        What lies outside the map counts as 0.
      </p>
      <ul>{shown.map((window) => rows.get(window))}</ul>
      {view.windows.length > FIRST && (
        <p class="row">
          {!isAll.value && (
            <span>
              The other {view.windows.length - FIRST} channels together: {exact(rest)}
            </span>
          )}
          <button
            type="button"
            onClick={() => {
              isAll.value = !isAll.value;
              shownCount.value = FIRST;
            }}
          >
            {isAll.value
              ? 'Show those that count most'
              : `Show all ${view.windows.length} channels`}
          </button>
        </p>
      )}
    </div>
  );
}

/** Each window's row, made once: when more are shown, those that are there stay as they are. */
function rowsOf({ windows }: PixelView) {
  const largest = (pick: (product: Window['products'][number]) => number) =>
    Math.max(...windows.flatMap(({ products }) => products.map((p) => Math.abs(pick(p)))));
  const scales = {
    value: largest(({ value }) => value),
    weight: largest(({ weight }) => weight),
    product: largest(({ product }) => product),
  };
  return {
    sorted: windows.toSorted((a, b) => Math.abs(b.sum) - Math.abs(a.sum)),
    rows: new Map(
      windows.map((window) => [
        window,
        <Row key={window.channel} window={window} scales={scales} />,
      ]),
    ),
  };
}

interface RowProps {
  readonly window: Window;
  /** The numbers that are brightest. */
  readonly scales: Readonly<Record<'value' | 'weight' | 'product', number>>;
}

function Row({ window, scales }: RowProps) {
  return (
    <li>
      <span class="from">Channel {window.channel}</span>
      <Grid name="window" window={window} pick={(p) => p.value} scale={scales.value} />
      <span class="operator">×</span>
      <Grid name="weights" window={window} pick={(p) => p.weight} scale={scales.weight} />
      <span class="operator">=</span>
      <Grid name="products" window={window} pick={(p) => p.product} scale={scales.product} />
      <span class="operator total">Σ</span>
      <span class="subtotal">{exact(window.sum)}</span>
    </li>
  );
}

function Grid(props: {
  name: string;
  window: Window;
  pick: (product: Window['products'][number]) => number;
  scale: number;
}) {
  const { name, window, pick, scale } = props;
  const side = Math.sqrt(window.products.length);
  const rows = Array.from({ length: side }, (_, y) =>
    window.products.slice(y * side, (y + 1) * side),
  );
  return (
    <table class="grid">
      <caption>{name}</caption>
      <tbody>
        {rows.map((row, y) => (
          <tr key={y}>
            {row.map((product, x) => {
              const value = pick(product);
              const { colour, isBright } = cellColour(value, scale);
              return (
                <td key={x} class={isBright ? 'bright' : ''} style={{ background: colour }}>
                  {tiny(value)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
