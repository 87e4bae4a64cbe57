import { useSignal } from '@preact/signals';
import { cellColour } from '../drawing/colour-map.ts';
import { useExplorer } from '../explorer.ts';
import { BIAS } from '../stores/filter-lab.ts';
import { COLOURS } from '../text/colours.ts';
import { tiny } from '../text/numbers.ts';

/*
 * Weights that can be changed. All of them are one stop of the Tab key: left and right go from one
 * to the next, up and down change it, and digits set it. A mouse drags it up and down; for a finger
 * there is the slider.
 */

const PLACES = [
  'top left',
  'top',
  'top right',
  'left',
  'middle',
  'right',
  'bottom left',
  'bottom',
  'bottom right',
];

const weightName = (place: number): string =>
  place === BIAS ? 'bias' : `${COLOURS[Math.floor(place / 9)]}, ${PLACES[place % 9]}`;

const STEP = 0.05;
const LONG_STEP = 0.25;
/** By how much a pixel of a drag changes a weight. */
const DRAG = 0.01;

/** The nine weights of one colour. */
export function WeightCells({ channel, scale }: { channel: number; scale: number }) {
  return (
    <span class="cells side-3" data-part="weights">
      {Array.from({ length: 9 }, (_, n) => (
        <WeightCell key={n} place={9 * channel + n} scale={scale} />
      ))}
    </span>
  );
}

/** @param scale  the weight that is brightest; undefined for a number without a colour */
export function WeightCell({ place, scale }: { place: number; scale?: number }) {
  const { filterLab, slide } = useExplorer();
  const { picked, valueAt, set } = filterLab;
  const typed = useSignal('');
  const drag = useSignal<{ y: number; value: number } | undefined>(undefined);
  const value = valueAt(place);
  const change = (next: number) => {
    slide.stop();
    set(place, next);
  };
  const by = (step: number) => {
    typed.value = '';
    change(value + step);
  };
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const { key, shiftKey } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === 'ArrowUp') by(shiftKey ? LONG_STEP : STEP);
    else if (key === 'ArrowDown') by(shiftKey ? -LONG_STEP : -STEP);
    else if (key === 'PageUp') by(LONG_STEP);
    else if (key === 'PageDown') by(-LONG_STEP);
    else if (key === 'ArrowLeft') go(event.currentTarget, place - 1);
    else if (key === 'ArrowRight') go(event.currentTarget, place + 1);
    else if (key === 'Home') go(event.currentTarget, 0);
    else if (key === 'End') go(event.currentTarget, BIAS);
    else if (key === 'Backspace') typed.value = typed.value.slice(0, -1);
    else if (/^[\d.,−-]$/.test(key)) type(key);
    else if (key === 'Enter' || key === 'Escape') typed.value = '';
    else return;
    event.preventDefault();
  };
  const type = (key: string) => {
    const text = typed.value + key.replace(',', '.').replace('−', '-');
    if (!/^-?\d{0,1}(\.\d{0,2})?$/.test(text)) return;
    typed.value = text;
    const number = Number(text);
    if (/\d/.test(text) && Number.isFinite(number)) change(number);
  };
  const { colour, isBright } =
    scale === undefined ? { colour: '', isBright: false } : cellColour(value, scale);
  return (
    <span
      class={`weight ${scale === undefined ? 'plain' : 'cell'} ${isBright ? 'bright' : ''}`}
      data-n={place < BIAS ? place % 9 : undefined}
      data-weight={place}
      role="spinbutton"
      aria-label={`weight, ${weightName(place)}`}
      aria-valuenow={Math.round(value * 1000) / 1000}
      aria-valuetext={tiny(value)}
      tabIndex={picked.value === place ? 0 : -1}
      style={scale === undefined ? {} : { background: colour }}
      title={`${weightName(place)}: drag up or down, or type`}
      onKeyDown={onKeyDown}
      onFocus={() => {
        picked.value = place;
      }}
      onBlur={() => {
        typed.value = '';
      }}
      onPointerDown={(event) => {
        if (event.pointerType === 'touch' || event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.value = { y: event.clientY, value };
      }}
      onPointerMove={(event) => {
        const from = drag.value;
        if (from !== undefined) change(from.value + (from.y - event.clientY) * DRAG);
      }}
      onPointerUp={() => {
        drag.value = undefined;
      }}
      onPointerCancel={() => {
        drag.value = undefined;
      }}
    >
      {typed.value === '' ? tiny(Math.round(value * 1000) / 1000) : typed.value.replace('-', '−')}
    </span>
  );
}

function go(from: HTMLElement, place: number): void {
  const cell = from.closest('.stage')?.querySelector<HTMLElement>(`[data-weight="${place}"]`);
  cell?.focus();
}

/** One weight as a slider: for fingers, and for whoever likes sliders more. */
export function WeightSlider() {
  const { filterLab, slide } = useExplorer();
  const place = filterLab.picked.value;
  const value = filterLab.valueAt(place);
  return (
    <label class="weight-slider">
      <span>
        {weightName(place)} <b>{tiny(Math.round(value * 1000) / 1000)}</b>
      </span>
      <input
        type="range"
        min={-1}
        max={1}
        step={0.01}
        value={value}
        aria-label={weightName(place)}
        onInput={({ currentTarget }) => {
          slide.stop();
          filterLab.set(place, Number(currentTarget.value));
        }}
      />
    </label>
  );
}
