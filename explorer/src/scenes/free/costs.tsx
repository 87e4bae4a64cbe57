import { useSignal } from '@preact/signals';
import type { Half } from 'taesd-wasm';
import type { StepView } from '../../engine/protocol.ts';
import { useExplorer } from '../../explorer.ts';
import { Bars } from '../../figures/bars.tsx';
import { count, milliseconds, percent } from '../../text/numbers.ts';

type What = 'work' | 'time';
const NAMES: Readonly<Record<What, string>> = { work: 'Multiply-adds', time: 'Milliseconds' };
const HALVES = ['encoder', 'decoder'] as const;

/** The costs of the layers: multiply-adds, and the time they took. */
export function Costs() {
  const { network, free, focus } = useExplorer();
  const what = useSignal<What>('work');
  const { steps, trip, isWalked } = network;
  const { times, isTiming, time, runs } = free;
  const now = trip.value;
  if (now === undefined || !isWalked.value) return <p class="waiting">Nothing has run yet.</p>;
  const list = steps.value;
  const timeOf = ({ name }: StepView) => times.value.get(name) ?? 0;
  const costOf = (step: StepView) => (what.value === 'work' ? step.multiplyAdds : timeOf(step));
  const format = what.value === 'work' ? count : milliseconds;
  const sum = (some: readonly StepView[], of: (step: StepView) => number) =>
    some.reduce((total, step) => total + of(step), 0);
  const levels = levelsOf(list, now.picture.width);
  const heaviest = levels.reduce((a, b) => (sum(b.steps, costOf) > sum(a.steps, costOf) ? b : a));
  const all = sum(list, costOf);
  return (
    <div class="free-costs">
      <div class="costs-head">
        <p class="intro">
          One by one, all layers took {milliseconds(sum(list, timeOf))} for{' '}
          {count(sum(list, ({ multiplyAdds }) => multiplyAdds))} multiply-adds
          {runs.value > 1 && `, the median of ${runs.value} runs`}. At {heaviest.label} they take{' '}
          {percent(all > 0 ? sum(heaviest.steps, costOf) / all : 0)} of the{' '}
          {what.value === 'work' ? 'work' : 'time'}.
        </p>
        <div class="row">
          <fieldset class="segments">
            <legend class="visually-hidden">What is shown</legend>
            {(['work', 'time'] as const).map((each) => (
              <label key={each}>
                <input
                  type="radio"
                  name="cost"
                  checked={what.value === each}
                  onChange={() => {
                    what.value = each;
                  }}
                />
                <span>{NAMES[each]}</span>
              </label>
            ))}
          </fieldset>
          <button type="button" disabled={isTiming.value} onClick={() => void time()}>
            {isTiming.value ? 'Timing …' : 'Time it again'}
          </button>
        </div>
      </div>
      {HALVES.map((half) => (
        <HalfBars
          key={half}
          half={half}
          title={`${NAMES[what.value]} of the ${half}, by layer`}
          list={list.filter(({ part }) => part === half)}
          costOf={costOf}
          format={format}
          chosen={focus.step.value?.name}
          onPick={(name) => {
            focus.layer.value = name;
            free.tab.value = 'layers';
          }}
        />
      ))}
      <figure class="cost-levels">
        <figcaption>
          <b>By size of the maps</b>, beside the picture’s
        </figcaption>
        <Bars
          title={`${NAMES[what.value]} by the size of the maps`}
          describe={levels
            .map(({ label, steps: some }) => `${label}: ${format(sum(some, costOf))}`)
            .join('; ')}
          bars={levels.flatMap(({ label, steps: some }) =>
            HALVES.map((half) => ({
              label: `${label}, ${half}`,
              value: sum(
                some.filter(({ part }) => part === half),
                costOf,
              ),
              tone: half,
            })),
          )}
          format={format}
        />
        <details>
          <summary>The layers as a table</summary>
          <table class="plain" data-testid="times">
            <thead>
              <tr>
                <th scope="col">Layer</th>
                <th scope="col">Time</th>
                <th scope="col">Multiply-adds</th>
              </tr>
            </thead>
            <tbody>
              {list.map((step) => (
                <tr key={step.name}>
                  <th scope="row">{step.name}</th>
                  <td>{milliseconds(timeOf(step))}</td>
                  <td>{count(step.multiplyAdds)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      </figure>
    </div>
  );
}

function HalfBars(props: {
  readonly half: Half;
  readonly title: string;
  readonly list: readonly StepView[];
  readonly costOf: (step: StepView) => number;
  readonly format: (value: number) => string;
  readonly chosen: string | undefined;
  readonly onPick: (name: string) => void;
}) {
  const { half, title, list, costOf, format, chosen, onPick } = props;
  const largest = list.reduce((a, b) => (costOf(b) > costOf(a) ? b : a), list[0]);
  const at = list.findIndex(({ name }) => name === chosen);
  return (
    <figure class="cost-bars">
      <figcaption>
        <b>{half === 'encoder' ? 'Encoder' : 'Decoder'}</b>, by layer
      </figcaption>
      <Bars
        title={title}
        describe={`The largest is ${largest.name} with ${format(costOf(largest))}.`}
        bars={list.map((step) => ({
          label: `${step.index} ${shortModule(step.module)}`,
          value: costOf(step),
          tone: half,
        }))}
        format={format}
        chosen={at < 0 ? undefined : at}
        onPick={(n) => onPick(list[n].name)}
      />
    </figure>
  );
}

interface Level {
  readonly label: string;
  readonly steps: readonly StepView[];
}

/** By how large a layer's output is beside the picture: full size, a half, a quarter and so on. */
function levelsOf(list: readonly StepView[], width: number): Level[] {
  const levels = new Map<number, StepView[]>();
  for (const step of list) {
    const factor = 2 ** Math.max(Math.round(Math.log2(width / step.shape[3])), 0);
    levels.set(factor, [...(levels.get(factor) ?? []), step]);
  }
  return [...levels]
    .toSorted(([a], [b]) => a - b)
    .map(([factor, steps]) => ({ label: factor === 1 ? 'full size' : `1/${factor}`, steps }));
}

const shortModule = (module: string): string => module.replace('nn.', '').replace(/\(.*/, '');
