import { useMemo } from 'preact/hooks';
import { type Picture, VARIANTS } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import { coloured } from '../drawing/colour-map.ts';
import { useExplorer } from '../explorer.ts';
import { Bars } from '../figures/bars.tsx';
import { croppedMap, croppedPicture } from '../measure/crop.ts';
import { levelsOf, type Stop, stopsOf } from '../measure/levels.ts';
import { measureSquares } from '../measure/squares.ts';
import { BlockView } from '../stage/block-view.tsx';
import { placeOf } from '../stage/frame.ts';
import { MapView } from '../stage/map-view.tsx';
import { placeUnder } from '../stage/place.ts';
import { Question } from '../stage/question.tsx';
import { moveFocus } from '../stage/roving.ts';
import { useStore } from '../stage/use-store.ts';
import { Word } from '../stage/word.tsx';
import { createWayUp, type ShownMap, type WayUp } from '../stores/way-up.ts';
import '../figures/figures.css';
import '../styles/scene-pixels.css';
import { fixed } from '../text/measured.ts';
import { count, milliseconds, whole } from '../text/numbers.ts';
import {
  busiest,
  levelName,
  placeText,
  smoothText,
  stopText,
  timesText,
  workText,
} from '../text/way-up.ts';
import type { Scene } from './scene.ts';

function Text() {
  const { network } = useExplorer();
  const { model, latents } = network.trip.value ?? {};
  if (model === undefined || latents === undefined) {
    return <h2>A few numbers become a square of pixels.</h2>;
  }
  const { downscale, latentChannels, pictureChannels } = VARIANTS[model.model];
  const made = pictureChannels * downscale ** 2;
  const decoder = network.steps.value.filter(({ part }) => part === 'decoder');
  const stops = network.isWalked.value ? stopsOf(decoder) : [];
  return (
    <>
      <h2>
        {latentChannels} numbers become {whole(made)}, level by level.
      </h2>
      <p>
        Move over the <Word of="latent">latent</Word>: one place of it is followed up the decoder.
        {stops.length > 0 && ` ${timesText(stops)}`} The <Word of="levels">levels</Word> show its
        area in each map. Choose one, and compare <Word of="pair">before and after</Word>. At the
        end it is a <Word of="block">square</Word> of {downscale}×{downscale} pixels.
      </p>
    </>
  );
}

function Stage() {
  const explorer = useExplorer();
  const way = useStore(() => createWayUp(explorer));
  return (
    <div class="way-up">
      <LatentChoice way={way} />
      <Levels way={way} />
      <Pair way={way} />
      <Block way={way} />
      <Costs way={way} />
    </div>
  );
}

function usePicture(map: ShownMap | undefined): ImageData | undefined {
  return useMemo(() => map && coloured(map.data, map.width, map.height, map.scale), [map]);
}

/** The latent, where the place is chosen. */
function LatentChoice({ way }: { way: WayUp }) {
  const map = way.latentMap.value;
  const picture = usePicture(map);
  const at = way.cell.value;
  const size = map && { width: map.width, height: map.height };
  return (
    <MapView
      part="latent"
      picture={picture}
      size={size}
      label={`The latent, channel ${map?.channel}, place x ${at.x}, y ${at.y}`}
      at={at}
      area={{ ...at, width: 1, height: 1 }}
      onPick={(place) => way.follow(place)}
    >
      <Numbers way={way} />
    </MapView>
  );
}

/** More channels are only counted. */
const MAX_NUMBERS = 4;

/** The latent's numbers at the place. */
function Numbers({ way }: { way: WayUp }) {
  const { network } = useExplorer();
  const latents = network.trip.value?.latents;
  const { y, x } = way.cell.value;
  if (latents === undefined) return <b>The latent</b>;
  const [, channels, height, width] = latents.shape;
  const numbers = Array.from({ length: Math.min(channels, MAX_NUMBERS) }, (_, channel) =>
    fixed(latents.data[(channel * height + y) * width + x], 2),
  );
  return (
    <>
      <b>Latent</b>, {channels} numbers:
      <br />
      <span class="numbers">
        {numbers.join(' ')}
        {channels > MAX_NUMBERS && ' …'}
      </span>
    </>
  );
}

/** The maps on the way up, each with the place's area. */
function Levels({ way }: { way: WayUp }) {
  const chosen = way.chosen.value;
  return (
    <div
      class="levels"
      data-part="levels"
      role="toolbar"
      aria-label="Levels of the decoder"
      onKeyDown={(event) => moveFocus(event)}
    >
      {way.stops.value.map((stop) => (
        <LevelMap
          key={stop.step.name}
          way={way}
          stop={stop}
          isChosen={stop.step === chosen?.step}
        />
      ))}
    </div>
  );
}

function LevelMap({ way, stop, isChosen }: { way: WayUp; stop: Stop; isChosen: boolean }) {
  const { network } = useExplorer();
  const map = way.maps.value?.get(stop.step.name);
  const drawn = usePicture(map);
  const decoded = network.coded.value?.decoded;
  const picture = stop.isLast ? decoded : drawn;
  const { factor, step } = stop;
  const size = { width: step.shape[3], height: step.shape[2] };
  const shown = stop.isLast && decoded !== undefined ? decoded : size;
  const name = stop.isLast ? 'Picture' : placeText(factor);
  const what = stop.isLast ? 'the picture' : `channel ${map?.channel ?? ''} of ${step.shape[1]}`;
  return (
    <button
      type="button"
      class="level"
      data-item
      data-level={step.name}
      aria-pressed={isChosen}
      aria-label={`${name} ${step.name}: ${what}`}
      tabIndex={isChosen ? 0 : -1}
      onClick={() => way.choose(stop)}
      onFocus={() => way.choose(stop)}
    >
      <span class="map-box" style={{ '--aspect': `${size.width / size.height}` }}>
        {picture === undefined ? (
          <span class="empty" />
        ) : (
          <Canvas
            picture={picture as ImageData}
            aria-hidden="true"
            onPointerMove={(event) => {
              if (event.pointerType === 'touch') return;
              if (!isChosen) way.choose(stop);
              way.follow(placeUnder(event, size, shown), factor);
            }}
            onClick={(event) => {
              way.choose(stop);
              way.follow(placeUnder(event, size, shown), factor);
            }}
          />
        )}
        <AreaFrame way={way} factor={factor} size={shown} />
      </span>
      <span class="level-name">
        <b>{name}</b> <span>{step.name}</span>
      </span>
    </button>
  );
}

/** The area that the place has become. */
function AreaFrame(props: { way: WayUp; factor: number; size: { width: number; height: number } }) {
  const { way, factor, size } = props;
  return <span class="frame" style={placeOf(areaOf(way, factor), size)} />;
}

const areaOf = ({ cell }: WayUp, factor: number) => ({
  x: cell.value.x * factor,
  y: cell.value.y * factor,
  width: factor,
  height: factor,
});

/**
 * The chosen level before and after: the squares of an upsampling, and the convolution after it.
 */
function Pair({ way }: { way: WayUp }) {
  const stop = way.chosen.value;
  const maps = way.maps.value;
  const { network } = useExplorer();
  const decoded = network.coded.value?.decoded;
  const squares = useMemo(() => {
    if (stop?.after === undefined) return undefined;
    const [before, after] = [maps?.get(stop.step.name), maps?.get(stop.after.name)];
    if (before === undefined || after === undefined) return undefined;
    return smoothText(measureSquares(before, 2), measureSquares(after, 2));
  }, [stop, maps]);
  if (stop === undefined) return <div class="pair" data-part="pair" />;
  const { step, before, after, factor } = stop;
  const own = maps?.get(step.name);
  const from = before === undefined ? way.latentMap.value : maps?.get(before.name);
  const by = step.shape[3] / step.inputShape[3];
  return (
    <div class="pair" data-part="pair">
      {after === undefined ? (
        <>
          <Crop way={way} map={from} factor={factor / by} name={before?.name ?? 'the latent'} />
          {stop.isLast && decoded !== undefined ? (
            <Crop way={way} picture={decoded} factor={factor} name="the picture" />
          ) : (
            <Crop way={way} map={own} factor={factor} name={step.name} />
          )}
        </>
      ) : (
        <>
          <Crop way={way} map={own} factor={factor} name={`${step.name}, upsampling`} />
          <Crop
            way={way}
            map={maps?.get(after.name)}
            factor={factor}
            name={`${after.name}, convolution`}
          />
        </>
      )}
      <p class="says">
        {stopText(stop)} {squares}
      </p>
    </div>
  );
}

interface CropProps {
  readonly way: WayUp;
  readonly map?: ShownMap | undefined;
  readonly picture?: Picture;
  readonly factor: number;
  readonly name: string;
}

/** The area and as much around it, enlarged. */
function Crop({ way, map, picture, factor, name }: CropProps) {
  const { x, y } = areaOf(way, factor);
  const side = 3 * factor;
  const shown = useMemo(() => {
    const area = { x: x - factor, y: y - factor, width: side, height: side };
    if (picture !== undefined) return croppedPicture(picture, area);
    if (map === undefined) return undefined;
    const part = croppedMap(map, area);
    return coloured(part.data, side, side, map.scale);
  }, [map, picture, x, y, factor]);
  const frame = placeOf(
    { x: factor, y: factor, width: factor, height: factor },
    { width: side, height: side },
  );
  return (
    <figure class="crop">
      <div class="map-box">
        {shown === undefined ? (
          <span class="empty" />
        ) : (
          <Canvas
            picture={shown as ImageData}
            role="img"
            aria-label={`${name}, enlarged around the place: ${placeText(factor)} numbers in the frame`}
          />
        )}
        <span class="frame" style={frame} />
      </div>
      <figcaption>{name}</figcaption>
    </figure>
  );
}

/** The square of the decoded picture, with its numbers. */
function Block({ way }: { way: WayUp }) {
  const { network } = useExplorer();
  const decoded = network.coded.value?.decoded;
  const model = network.trip.value?.model.model ?? 'nano';
  const { pictureChannels } = VARIANTS[model];
  const side = way.downscale.value;
  if (decoded === undefined) return <figure class="block" data-part="block" />;
  const { x, y } = areaOf(way, side);
  const area = {
    ...{ x, y },
    width: Math.min(side, decoded.width - x),
    height: Math.min(side, decoded.height - y),
  };
  return (
    <figure class="block" data-part="block">
      <BlockView picture={decoded} area={area} />
      <figcaption>
        <b>
          {area.width}×{area.height} pixels
        </b>
        , {whole(pictureChannels * area.width * area.height)} numbers
        {area.width <= 8 && <span class="colours">: red, green, blue</span>}
      </figcaption>
    </figure>
  );
}

/** The cost of each level: multiply-adds, and the time of one run. */
function Costs({ way }: { way: WayUp }) {
  const levels = way.levels.value;
  const downscale = way.downscale.value;
  if (levels.length === 0) return <div class="costs" data-part="costs" />;
  const chosen = levels.findIndex(({ factor }) => factor === way.chosen.value?.factor);
  const bars = (of: 'multiplyAdds' | 'elapsedMs') =>
    levels.map((level) => ({
      label: levelName(level, downscale),
      value: level[of],
      tone: 'decoder' as const,
    }));
  const told = (list: readonly { label: string; value: number }[], format: (n: number) => string) =>
    `${list.map(({ label, value }) => `${label} ${format(value)}`).join(', ')}.`;
  const pick = (level: number) => {
    const stop = way.stops.value.find(({ factor }) => factor === levels[level].factor);
    if (stop !== undefined) way.choose(stop);
  };
  const [work, time] = [bars('multiplyAdds'), bars('elapsedMs')];
  return (
    <div class="costs" data-part="costs">
      <figure>
        <figcaption>
          <Word of="costs" term="multiplyAdd">
            Multiply-adds
          </Word>
          <span class="long"> by the size of the maps</span>
        </figcaption>
        <Bars
          title="Multiply-adds by the size of the maps"
          describe={told(work, count)}
          bars={work}
          chosen={chosen}
          format={count}
          width={300}
          onPick={pick}
        />
      </figure>
      <figure>
        <figcaption>
          <b>Time</b>, measured once<span class="long">, layer by layer</span>
        </figcaption>
        <Bars
          title="Time by the size of the maps"
          describe={told(time, milliseconds)}
          bars={time}
          chosen={chosen}
          format={milliseconds}
          width={300}
          onPick={pick}
        />
      </figure>
    </div>
  );
}

function Ask() {
  const { network } = useExplorer();
  const { trip, steps, isWalked } = network;
  if (trip.value === undefined || !isWalked.value) return null;
  const levels = levelsOf(steps.value.filter(({ part }) => part === 'decoder'));
  const { downscale } = VARIANTS[trip.value.model.model];
  const heaviest = busiest(levels);
  return (
    <Question
      ask="At which size of the maps does most of the decoder’s work happen?"
      answers={levels.map((level) => ({
        text: levelName(level, downscale),
        isRight: level === heaviest,
        why: workText(level, levels, downscale),
      }))}
    />
  );
}

export const backToPixels: Scene = {
  id: '5',
  Text,
  Stage,
  Question: Ask,
};
