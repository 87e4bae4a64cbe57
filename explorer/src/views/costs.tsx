import type { StepView } from '../engine/protocol.ts';
import { steps, trip, walked } from '../state/trip.ts';
import { count, milliseconds } from '../text/numbers.ts';
import { BarChart } from './chart.tsx';

/** Time by layer, multiply-adds by level. */
export function Costs() {
  const now = trip.value;
  const list = steps.value;
  return (
    <section id="costs" aria-labelledby="costs-title">
      <h2 id="costs-title">What it costs</h2>
      {now === undefined || !walked.value ? (
        <p class="waiting">Nothing has run yet.</p>
      ) : (
        <Charts list={list} width={now.picture.width} />
      )}
    </section>
  );
}

function Charts({ list, width }: { list: readonly StepView[]; width: number }) {
  const total = list.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
  const work = list.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
  const levels = levelsOf(list, width);
  return (
    <>
      <p class="intro">
        A layer’s work is the size of its maps times its weights: most of it is where the maps are
        wide, though the layers there are no cleverer than those near the latent. That is why a fast
        model has none at full size. One by one, all layers took {milliseconds(total)} for{' '}
        {count(work)} multiply-adds.
      </p>
      <div class="charts">
        <figure class="tall">
          <figcaption>
            <b>Time by layer</b>, milliseconds
          </figcaption>
          <BarChart
            isHorizontal
            label="Time by layer in milliseconds; the numbers are in the table below"
            categories={list.map(
              ({ part, index, module }) =>
                `${part[0].toUpperCase()}${index} ${shortModule(module)}`,
            )}
            unit="ms"
            format={(value) => short(value)}
            isStacked
            bars={(['encoder', 'decoder'] as const).map((part) => ({
              label: part,
              colour: part,
              data: list.map((step) => (step.part === part ? step.elapsedMs : 0)),
            }))}
          />
        </figure>
        <figure class="levels">
          <figcaption>
            <b>Multiply-adds by level</b> of the maps’ size
          </figcaption>
          <LevelChart levels={levels} label="Multiply-adds by level" of="work" format={count} />
          <figcaption>
            <b>Time by level</b>, milliseconds
          </figcaption>
          <LevelChart
            levels={levels}
            label="Time by level in milliseconds"
            of="time"
            format={short}
          />
          <details>
            <summary>The levels as a table</summary>
            <table class="plain">
              <thead>
                <tr>
                  <th scope="col">Level</th>
                  <th scope="col">Encoder</th>
                  <th scope="col">Decoder</th>
                  <th scope="col">Time of both</th>
                </tr>
              </thead>
              <tbody>
                {levels.map((level) => (
                  <tr key={level.label}>
                    <th scope="row">{level.label}</th>
                    <td>{count(level.encoder.work)}</td>
                    <td>{count(level.decoder.work)}</td>
                    <td>{milliseconds(level.encoder.time + level.decoder.time)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </details>
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
                    <td>{milliseconds(step.elapsedMs)}</td>
                    <td>{count(step.multiplyAdds)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </details>
        </figure>
      </div>
    </>
  );
}

interface Cost {
  /** Multiply-adds. */
  readonly work: number;
  /** Milliseconds. */
  readonly time: number;
}

interface Level {
  readonly label: string;
  readonly encoder: Cost;
  readonly decoder: Cost;
}

function LevelChart(props: {
  levels: readonly Level[];
  label: string;
  of: keyof Cost;
  format: (value: number) => string;
}) {
  const { levels, label, of, format } = props;
  return (
    <BarChart
      label={`${label}; the numbers are in the table below`}
      categories={levels.map((level) => level.label)}
      unit=""
      format={format}
      bars={(['encoder', 'decoder'] as const).map((part) => ({
        label: part,
        colour: part,
        data: levels.map((level) => level[part][of]),
      }))}
    />
  );
}

/** By how large a layer's output is beside the picture: full size, a half, a quarter, an eighth. */
function levelsOf(list: readonly StepView[], width: number): Level[] {
  return [1, 2, 4, 8].map((factor) => {
    const sum = (part: string): Cost => {
      const own = list.filter((step) => step.part === part && levelOf(step, width) === factor);
      return {
        work: own.reduce((total, { multiplyAdds }) => total + multiplyAdds, 0),
        time: own.reduce((total, { elapsedMs }) => total + elapsedMs, 0),
      };
    };
    const label = factor === 1 ? 'full size' : `1/${factor}`;
    return { label, encoder: sum('encoder'), decoder: sum('decoder') };
  });
}

const levelOf = ({ shape }: StepView, width: number): number =>
  2 ** Math.max(Math.round(Math.log2(width / shape[3])), 0);

const short = (value: number): string => `${Number(value.toPrecision(2))}`;

const shortModule = (module: string): string => module.replace('nn.', '').replace(/\(.*/, '');
