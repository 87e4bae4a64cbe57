import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { type Area, VARIANTS } from 'taesd-wasm';
import { coloured } from '../drawing/colour-map.ts';
import { heatColour, heatOf } from '../drawing/heat.ts';
import { useExplorer } from '../explorer.ts';
import '../figures/figures.css';
import { Bars } from '../figures/bars.tsx';
import { Rings } from '../figures/rings.tsx';
import { looksAtAll } from '../measure/influence.ts';
import { largest } from '../measure/largest.ts';
import { reach } from '../measure/rings.ts';
import type { Size } from '../stage/frame.ts';
import { Framed } from '../stage/framed.tsx';
import { MapView } from '../stage/map-view.tsx';
import { onMap } from '../stage/place.ts';
import { Question } from '../stage/question.tsx';
import { Slider } from '../stage/slider.tsx';
import { Word } from '../stage/word.tsx';
import type { At } from '../stores/at.ts';
import '../styles/scene-how-far.css';
import { fixed, ringsText, seamText } from '../text/measured.ts';
import type { Scene } from './scene.ts';

/** Below this width of the stage, in rem, one of both is shown. */
const NARROW_REM = 62;
/** Changes below this cannot be seen. */
const LEAST = 5;
/** The overlaps that the chart always has. */
const TOLD = [0, 1, 2, 4, 8, 12, 16];
/** Rings with a bar of their own. */
const RINGS = 6;
/** Differences whose colours are told. */
const LEGEND = [1, 4, 16, 64];

function Text() {
  const { isNarrow, half } = useExplorer().far;
  const [isAll, chosen] = [!isNarrow.value, half.value];
  return (
    <div class={isAll ? 'far-text' : 'far-text narrow'}>
      <h2>A number of the latent paints a patch, and hardly more.</h2>
      {(isAll || chosen === 'poke') && <PokeText />}
      {(isAll || chosen === 'seam') && <SeamText />}
    </div>
  );
}

function PokeText() {
  const { far, network } = useExplorer();
  const { poked, amount, influence } = far;
  const now = network.trip.value;
  const rings = poked.value?.rings;
  const could = influence.value?.area;
  return (
    <p class="far-poke">
      Point at the{' '}
      <Word of="latent" term="latent">
        latent
      </Word>
      : {plain(amount.value)} is added to that number, and the <Word of="change">heat map</Word>{' '}
      shows what changes in the picture.{' '}
      {rings !== undefined &&
        now !== undefined &&
        ringsText(rings, LEAST, VARIANTS[now.model.model].downscale)}{' '}
      {could !== undefined && (
        <>
          Through all layers the change could reach{' '}
          {isWhole(could, now?.picture) ? 'the whole picture' : `${could.width}×${could.height} px`}
          , the dashed frame. Looking back from a pixel, that reach is the{' '}
          <Word term="receptive">receptive field</Word>.
        </>
      )}
    </p>
  );
}

/** A number without zeros at its end. */
const plain = (value: number): string => fixed(value, 2).replace(/\.?0+$/, '');

function SeamText() {
  const { far } = useExplorer();
  const known = far.seam.value;
  return (
    <p class="far-seam">
      So a pixel hardly depends on what is far away, and a picture can be decoded in{' '}
      <Word of="halves" term="tile">
        tiles
      </Word>
      . Here are two. Move the{' '}
      <Word of="overlap" term="overlap">
        overlap
      </Word>
      , and the <Word of="seam">seam</Word> vanishes.{' '}
      {known === undefined
        ? 'This overlap is being measured.'
        : seamText(known.overlap, known.largest)}{' '}
      Tile by tile, a 4K picture fits into a small memory. <WholeMaps />
    </p>
  );
}

/** Models that look at whole maps are changed by tiles. */
function WholeMaps() {
  const { network, far } = useExplorer();
  const model = network.trip.value?.model.model;
  if (model === undefined) return null;
  const layers = network.steps.value.filter(
    ({ part, layer }) => part === 'decoder' && looksAtAll(layer),
  );
  if (layers.length === 0) return null;
  const [first] = layers;
  const best = far.seams.value.get(far.overlapLimit.value - 1);
  return (
    <>
      But {model} has {layers.length === 1 ? 'a layer' : `${layers.length} layers`} that take
      {layers.length === 1 ? 's' : ''} mean and variance of the whole map, first {first.name}: tiles
      change them
      {best !== undefined &&
        best.largest > 0 &&
        `, by ${best.largest} of 255 even at ${best.overlap}`}
      .
    </>
  );
}

const isWhole = ({ width, height }: Area, size: Size | undefined): boolean =>
  size !== undefined && width >= size.width && height >= size.height;

function Stage() {
  const { far } = useExplorer();
  const { half, isNarrow } = far;
  const box = useRef<HTMLDivElement>(null);
  // The text above, which is no part of the stage, follows the stage's width too.
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = () => {
      const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      isNarrow.value = element.clientWidth < NARROW_REM * rem;
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const [isAll, chosen] = [!isNarrow.value, half.value];
  return (
    <div class={isAll ? 'far' : 'far narrow'} ref={box}>
      {!isAll && <Switch />}
      {(isAll || chosen === 'poke') && <PokeHalf />}
      {(isAll || chosen === 'seam') && <SeamHalf />}
    </div>
  );
}

/** The view of both. */
function Switch() {
  const { half } = useExplorer().far;
  return (
    <fieldset class="segments far-switch">
      <legend class="visually-hidden">What is shown</legend>
      {(
        [
          ['poke', 'Poke a number'],
          ['seam', 'Two halves'],
        ] as const
      ).map(([which, name]) => (
        <label key={which}>
          <input
            type="radio"
            name="far-half"
            checked={half.value === which}
            onChange={() => {
              half.value = which;
            }}
          />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}

function PokeHalf() {
  const { far, network } = useExplorer();
  const { channel, at, amount, poked, influence } = far;
  const now = network.trip.value;
  const latents = now?.latents;
  const [, channels, height, width] = latents?.shape ?? [1, 4, 1, 1];
  const chosen = Math.min(channel.value, channels - 1);
  const map = useMemo(() => {
    if (latents === undefined) return undefined;
    const area = width * height;
    const data = latents.data.subarray(chosen * area, (chosen + 1) * area);
    return { data, picture: coloured(data, width, height, largest(data)) };
  }, [latents, chosen]);
  const found = poked.value;
  const heat = useMemo(() => found && heatOf(found.change), [found]);
  const place = at.value;
  const downscale = now === undefined ? 8 : VARIANTS[now.model.model].downscale;
  const pick = (to: At) => {
    at.value = to;
  };
  const value = place && map?.data[place.y * width + place.x];
  const away = found && reach(found.rings, LEAST, downscale);
  return (
    <section class="far-half far-poke" aria-label="One number of the latent is changed">
      <MapView
        part="latent"
        picture={map?.picture}
        label={`Channel ${chosen} of the latent${place && value !== undefined ? `, x ${place.x}, y ${place.y}: ${fixed(value, 3)}` : ''}`}
        at={place}
        area={place && { ...place, width: 1, height: 1 }}
        onPick={pick}
      >
        <b class="latent">The latent</b>, channel {chosen} of {channels}, {width}×{height}
      </MapView>
      <Framed
        part="change"
        picture={heat}
        label={
          found === undefined
            ? 'The change of the picture'
            : `The change of the decoded picture, up to ${found.largest} of 255`
        }
        size={now?.picture}
        frames={
          place === undefined || now === undefined
            ? []
            : [
                { area: influence.value?.area, kind: 'exact' },
                { area: around(place, downscale, away, now.picture), kind: 'near' },
              ]
        }
        onPick={(at) =>
          pick(
            onMap(
              { y: Math.floor(at.y / downscale), x: Math.floor(at.x / downscale) },
              { width, height },
            ),
          )
        }
      >
        <b>What changes</b>, decoded by {found?.model ?? '…'} <Legend />
      </Framed>
      <div class="far-tools row">
        <fieldset class="segments">
          <legend>Add</legend>
          {[-1, 1].map((by) => (
            <label key={by}>
              <input
                type="radio"
                name="far-amount"
                checked={amount.value === by}
                onChange={() => {
                  amount.value = by;
                }}
              />
              <span>{fixed(by, 0).replace(/^(?=\d)/, '+')}</span>
            </label>
          ))}
        </fieldset>
        <Slider
          label="or"
          value={amount.value}
          min={-4}
          max={4}
          step={0.25}
          text={fixed(amount.value, 2)}
          onValue={(by) => {
            amount.value = by;
          }}
        />
        <label class="field">
          Channel
          <select
            value={chosen}
            onChange={({ currentTarget }) => {
              channel.value = Number(currentTarget.value);
            }}
          >
            {Array.from({ length: channels }, (_, n) => (
              <option key={n} value={n}>
                {n}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class="far-chart" data-part="rings" data-testid="rings">
        {found !== undefined && (
          <Rings
            title="Largest change by distance"
            describe={ringsText(found.rings, LEAST, downscale)}
            rings={found.rings}
            size={downscale}
            limit={RINGS}
          />
        )}
      </div>
    </section>
  );
}

/**
 * The cell's square of the picture and what lies no farther than that around it; undefined if
 * nothing changes.
 */
function around(
  { y, x }: At,
  size: number,
  away: number | undefined,
  picture: Size,
): Area | undefined {
  if (away === undefined) return undefined;
  const [left, top] = [Math.max(x * size - away, 0), Math.max(y * size - away, 0)];
  return {
    x: left,
    y: top,
    width: Math.min((x + 1) * size + away, picture.width) - left,
    height: Math.min((y + 1) * size + away, picture.height) - top,
  };
}

function Legend() {
  return (
    <span class="heat-legend">
      {LEGEND.map((change) => {
        const { colour, isBright } = heatColour(change);
        return (
          <span key={change} class={isBright ? 'bright' : ''} style={{ background: colour }}>
            {change}
          </span>
        );
      })}{' '}
      of 255
    </span>
  );
}

function SeamHalf() {
  const { far, network } = useExplorer();
  const { overlap, overlapLimit, seams, seam, enough } = far;
  const now = network.trip.value;
  // The one before stays until there is another.
  const shown = useMemo(() => ({ last: undefined as typeof seam.value }), [now]);
  shown.last = seam.value ?? shown.last;
  const known = shown.last;
  const heat = useMemo(() => known && heatOf(known.change), [known]);
  const downscale = now === undefined ? 8 : VARIANTS[now.model.model].downscale;
  const columns = now?.latents.shape[3] ?? 2;
  const cut = Math.floor(columns / 2) * downscale;
  const picture = now?.picture;
  const shared = picture && {
    x: Math.max(cut - overlap.value * downscale, 0),
    y: 0,
    width:
      Math.min(cut + overlap.value * downscale, picture.width) -
      Math.max(cut - overlap.value * downscale, 0),
    height: picture.height,
  };
  if (columns < 2) {
    return (
      <section class="far-half far-seam" aria-label="Two halves">
        <p class="hint">The latent is one column wide: it has no halves.</p>
      </section>
    );
  }
  return (
    <section class="far-half far-seam" aria-label="Decoded in two halves">
      <Framed
        part="halves"
        picture={known?.picture}
        label={`Two halves, decoded alone, with ${overlap.value} cells of overlap`}
        size={picture}
        frames={[{ area: shared, kind: 'shared' }]}
        seam={cut}
      >
        <b>Two halves</b>, decoded alone; both have what lies in the frame.
      </Framed>
      <Framed
        part="seam"
        picture={heat}
        label={`The difference to the whole picture${known ? `, at most ${known.largest} of 255` : ''}`}
        size={picture}
        frames={[]}
        seam={undefined}
      >
        <b>Difference to the whole</b>, at most{' '}
        <output data-testid="seam">{known?.largest ?? '…'}</output> <Legend />
      </Framed>
      <div class="far-tools row" data-part="overlap">
        <Slider
          label="Overlap"
          value={overlap.value}
          min={0}
          max={overlapLimit.value}
          step={1}
          text={`${overlap.value} cells, ${overlap.value * downscale} px`}
          onValue={(cells) => {
            overlap.value = cells;
          }}
        />
      </div>
      <div class="far-chart" data-testid="seams">
        <Bars
          title="Largest difference by overlap"
          describe={
            enough.value === undefined
              ? 'It is being measured.'
              : `By cells of overlap, of 255: ${[...seams.value.values()]
                  .toSorted((a, b) => a.overlap - b.overlap)
                  .map(({ overlap: cells, largest }) => `${cells}: ${largest}`)
                  .join(', ')}.`
          }
          bars={Array.from({ length: overlapLimit.value + 1 }, (_, cells) => ({
            label: `${cells}`,
            value: seams.value.get(cells)?.largest,
          })).filter((_, cells) => TOLD.includes(cells) || cells === overlap.value)}
          chosen={rowOf(overlap.value)}
          format={(value) => `${value}`}
        />
      </div>
    </section>
  );
}

/** The row of an overlap in the chart. */
const rowOf = (overlap: number): number => TOLD.filter((cells) => cells < overlap).length;

function Ask() {
  const { far, network } = useExplorer();
  const { enough, seams, overlapLimit } = far;
  const right = enough.value;
  const columns = network.trip.value?.latents.shape[3] ?? 0;
  const isAll = right !== undefined && right >= columns / 2;
  const difference = (cells: number) => seams.value.get(cells)?.largest;
  if (right === undefined) {
    return (
      <Question
        ask={`From which overlap on is the seam below 1 of 255? It is being measured: ${seams.value.size} of ${overlapLimit.value + 1}.`}
        answers={[]}
      />
    );
  }
  const choices = [...new Set([1, Math.max(2, Math.round(right / 2)), right])].toSorted(
    (a, b) => a - b,
  );
  return (
    <Question
      ask="From which overlap on is the seam below 1 of 255?"
      answers={choices.map((cells) => ({
        text: cells === 1 ? '1 cell' : `${cells} cells`,
        isRight: cells === right,
        why:
          cells === right
            ? right > 0
              ? `Measured here: with ${right - 1} it is still ${difference(right - 1)}, with ${right} it is 0${isAll ? ': each half is the whole latent then' : ''}.`
              : 'Measured here: there is no seam at all.'
            : cells < right
              ? `Measured here: with ${cells} it is still ${difference(cells)}. Each 3×3 window sees one cell farther, and there are many layers.`
              : `Fewer are enough: it is 0 from ${right} on.`,
      }))}
    />
  );
}

export const howFar: Scene = { id: '6', Text, Stage, Question: Ask };
