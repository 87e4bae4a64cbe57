import { useEffect } from 'preact/hooks';
import { useExplorer } from '../explorer.ts';
import type { Kind } from '../measure/filter-kinds.ts';
import { FilterStrip } from '../stage/filter-strip.tsx';
import { useFirstStage } from '../stage/first-stage.ts';
import { MapView } from '../stage/map-view.tsx';
import { Question } from '../stage/question.tsx';
import { moveFocus } from '../stage/roving.ts';
import { SumView } from '../stage/sum-view.tsx';
import { WeightCell, WeightCells, WeightSlider } from '../stage/weight-cells.tsx';
import { Word } from '../stage/word.tsx';
import { BIAS, PRESETS, type Standing } from '../stores/filter-lab.ts';
import { COLOURS } from '../text/colours.ts';
import { figure, filterText, fixed, ordinal } from '../text/measured.ts';
import { exact } from '../text/numbers.ts';
import type { Scene } from './scene.ts';
import '../styles/scene-filter.css';

/** The subjects that filters of a kind answer to, after a count. */
const ANSWERS: Readonly<Record<Kind, string>> = {
  brightness: 'to brightness',
  colour: 'to colours',
  edge: 'to edges',
  texture: 'to fine patterns',
  none: 'to nothing',
};

function Text() {
  const { firstLayer, filterLab } = useExplorer();
  const { cout, model } = firstLayer.filters.value;
  const groups = filterLab.groups.value;
  const whose = model === undefined ? 'this page’s own' : `${model}’s`;
  return (
    <>
      <h2>One filter sees one thing. So there are {cout} of them.</h2>
      <p>
        A{' '}
        <Word of="weights" term="filter">
          filter
        </Word>{' '}
        is 27 weights and a bias. Change one, and the{' '}
        <Word of="output" term="map">
          map
        </Word>{' '}
        changes.{' '}
        {groups.length > 0 && (
          <span class="if-room">
            Of {whose}{' '}
            <Word of="strip" term="filters">
              {cout} filters
            </Word>
            ,{' '}
            {groups.map(({ kind, channels }, n) => (
              <span key={kind}>
                {n > 0 && (n === groups.length - 1 ? ' and ' : ', ')}
                {channels.length} {n === 0 ? `answer most ${ANSWERS[kind]}` : ANSWERS[kind]}
              </span>
            ))}
            .
          </span>
        )}{' '}
        Can you find the one that answers to the <Word of="moon">{filterLab.spotName.value}</Word>?
      </p>
    </>
  );
}

function Stage() {
  const { filterLab } = useExplorer();
  const { parts, input, output } = useFirstStage();
  // A layer may have its answer at its beginning: then there would be nothing to be found.
  const measured = filterLab.measured.value;
  useEffect(() => filterLab.begin(), [measured]);
  return (
    <>
      <MapView
        part="input"
        label="The picture"
        {...input}
        mark={filterLab.spot.value && { part: 'moon', area: filterLab.spot.value.box }}
      >
        <b>The picture</b>, with the window.
      </MapView>
      <div class="filter-editor">
        {parts && (
          <SumView
            parts={parts}
            nameOf={(c) => COLOURS[c]}
            kindOf={(c) => COLOURS[c]}
            isOfPicture
            noteOf={(c) => <WeightSum channel={c} />}
            weightsOf={(c, scale) => <WeightCells channel={c} scale={scale} />}
            bias={<WeightCell place={BIAS} />}
          />
        )}
        <Presets />
      </div>
      <MapView
        part="output"
        label={`The filter’s map${parts ? `, ${exact(parts.value)}` : ''}`}
        {...output}
      >
        <b>Its map</b>: amber where the sum is positive, blue where it is negative.
      </MapView>
      <div class="filter-find">
        <Quest />
        <FilterStrip rows={2} />
      </div>
    </>
  );
}

/** The sum of a colour’s nine weights: what a flat area of that colour is multiplied by. */
function WeightSum({ channel }: { channel: number }) {
  const { weight } = useExplorer().firstLayer.filter.value;
  let sum = 0;
  for (let n = 9 * channel; n < 9 * (channel + 1); n++) sum += weight[n];
  const isZero = Math.abs(sum) < 0.0005;
  return (
    <small
      class={isZero ? 'weight-sum zero' : 'weight-sum'}
      data-part="weight-sum"
      title={`The nine weights of ${COLOURS[channel]} add up to ${figure(sum)}`}
    >
      Σ<span class="if-room"> weights</span> {isZero ? '0' : fixed(sum, 2)}
    </small>
  );
}

/** Filters to begin with, and the way back. */
function Presets() {
  const { filterLab, firstLayer, slide } = useExplorer();
  const { edited } = firstLayer;
  return (
    <div class="filter-tools" data-part="presets">
      <div
        class="presets"
        role="toolbar"
        aria-label="Filters to begin with"
        onKeyDown={(event) => moveFocus(event)}
      >
        {PRESETS.map(({ name, weight }, n) => (
          <button
            key={name}
            type="button"
            data-item
            tabIndex={n === 0 ? 0 : -1}
            aria-pressed={isAlike(edited.value?.weight, weight)}
            onClick={() => {
              slide.stop();
              filterLab.take(weight);
            }}
          >
            {name}
          </button>
        ))}
        <button
          type="button"
          data-item
          tabIndex={-1}
          disabled={edited.value === undefined}
          onClick={filterLab.reset}
        >
          Trained
        </button>
      </div>
      <WeightSlider />
    </div>
  );
}

const isAlike = (one: Float32Array | undefined, other: Float32Array): boolean =>
  one?.every((value, n) => value === other[n]) ?? false;

/** How well the filter at work answers to the moon. */
function Quest() {
  const { filterLab, firstLayer } = useExplorer();
  const found = filterLab.standing.value;
  const kind = filterLab.kind.value;
  const name = filterLab.spotName.value;
  if (found === undefined || kind === undefined) return null;
  const isFound = found.rank === 1;
  const who = found.isEdited ? 'Your filter' : `Filter ${firstLayer.channel.value + 1}`;
  return (
    <p class={isFound ? 'quest found' : 'quest'} data-part="quest">
      <span role="status">
        <b>{who}</b>: {filterText(kind)} {isFound && '✓ '}
        {standingText(found, name)}
      </span>
      {found.answer !== undefined && <span class="if-room"> {answerText(found.answer, name)}</span>}
    </p>
  );
}

/** How a filter does among all, in words. */
function standingText({ rank, count, answer, isEdited }: Standing, name: string): string {
  if (answer === undefined) return 'It makes the same number everywhere.';
  if (rank === 1) {
    const ofAll = isEdited ? `more than all ${count}` : `most of all ${count}`;
    return `Found: it answers to the ${name} ${ofAll}.`;
  }
  if (!isEdited) return `It ranks ${ordinal(rank)} of ${count} for the ${name}.`;
  const others = rank === 2 ? '1 filter answers' : `${rank - 1} filters answer`;
  return `${others} to the ${name} more.`;
}

function answerText(answer: number, name: string): string {
  const far = fixed(Math.abs(answer), 1);
  return `In the ${name} its map is ${far} standard deviations ${answer < 0 ? 'lower' : 'higher'} than elsewhere.`;
}

function Ask() {
  return (
    <Question
      ask="What must the nine weights of each colour add up to, so that the map is black wherever the picture is flat? Try it: each row shows the sum of its weights, Σ."
      answers={[
        {
          text: '1',
          isRight: false,
          why: 'Then a flat area keeps its brightness: a blur’s 27 weights add up to 1.',
        },
        {
          text: '0',
          isRight: true,
          why: 'In a flat area all nine pixels are equal, so they are multiplied by the sum of the weights: by 0. The bias must be 0 too, since it is added everywhere. “Edges left–right” is such a filter.',
        },
        {
          text: 'It does not matter',
          isRight: false,
          why: 'Nine equal pixels times nine weights are one pixel times their sum: that sum is all that counts.',
        },
      ]}
    />
  );
}

export const aFilter: Scene = {
  id: '2',
  Text,
  Stage,
  Question: Ask,
};
