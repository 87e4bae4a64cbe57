import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Picture, Tensor } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import { coloured } from '../drawing/colour-map.ts';
import { useExplorer } from '../explorer.ts';
import { largest } from '../measure/largest.ts';
import { meanDifference } from '../measure/mean-difference.ts';
import { MapView } from '../stage/map-view.tsx';
import { Question } from '../stage/question.tsx';
import { Word } from '../stage/word.tsx';
import '../styles/scene-cold-open.css';
import { shapeText, whole } from '../text/numbers.ts';
import type { Scene } from './scene.ts';

/** The channels that are shown: all of most models. */
const MAX_SHOWN = 4;

/** How many numbers a picture is of, without its alpha. */
const numbersOf = ({ width, height }: Picture): number => 3 * width * height;

function Text() {
  const { network } = useExplorer();
  const trip = network.trip.value;
  return (
    <>
      <h2>A picture goes through a waist, and comes out again.</h2>
      <p>
        Image generators do not paint pixels. They paint a{' '}
        <Word of="latent" term="latent">
          latent
        </Word>
        , and a small network turns it into a picture. Here is such a{' '}
        <Word of="ribbon" term="network">
          network
        </Word>
        {trip && `, ${trip.model.model}`}. Its first half, the encoder, makes the latent; the
        second, the decoder, makes a picture of it. Move over the{' '}
        <Word of="output" term="decoded">
          decoded picture
        </Word>
        : left of the line is the original.
      </p>
    </>
  );
}

function Stage() {
  const { network, pictures, flow } = useExplorer();
  const trip = network.trip.value;
  const original = trip?.picture ?? pictures.picture.value;
  const decoded = network.coded.value?.decoded;
  return (
    <>
      <MapView part="input" picture={original} label="The picture">
        <b>The picture</b>: {original && whole(numbersOf(original))} numbers from 0 to 1.
      </MapView>
      <Waist latents={trip?.latents} original={original} decoded={decoded} />
      <Divided original={original} decoded={decoded} onTouch={flow.finish} />
    </>
  );
}

/** The latent's maps, and how many numbers there are on the way. */
function Waist(props: {
  latents: Tensor | undefined;
  original: Picture | undefined;
  decoded: Picture | undefined;
}) {
  const { latents, original, decoded } = props;
  const { flow } = useExplorer();
  const maps = useMemo(() => latents && mapsOf(latents), [latents]);
  const waist = latents?.data.length;
  return (
    <div class="waist">
      <div class="waist-maps" data-part="latent">
        {maps?.map((map, n) => (
          <Canvas key={n} picture={map} role="img" aria-label={`Channel ${n} of the latent`} />
        ))}
      </div>
      <p class="waist-caption">
        {latents === undefined ? (
          'The network is on its way.'
        ) : (
          <>
            <b>The latent</b>: {shapeText(latents.shape)} numbers
            {latents.shape[1] > MAX_SHOWN && `, the first ${MAX_SHOWN} channels`}.
          </>
        )}
      </p>
      <p class="counts" data-part="counts">
        {original && <span>{whole(numbersOf(original))} numbers</span>}
        {waist !== undefined && <span>→ {whole(waist)}</span>}
        {decoded && <span>→ {whole(numbersOf(decoded))}</span>}
      </p>
      {flow.replay && (
        <button
          type="button"
          class="quiet"
          onClick={() => (flow.state.value === 'running' ? flow.finish() : flow.replay?.())}
        >
          {flow.state.value === 'running' ? 'Skip' : 'Play again'}
        </button>
      )}
    </div>
  );
}

/** The original left of a line, what came out right of it. The pointer moves the line. */
function Divided(props: {
  original: Picture | undefined;
  decoded: Picture | undefined;
  onTouch: () => void;
}) {
  const { original, decoded, onTouch } = props;
  const at = useSignal(50);
  if (original === undefined || decoded === undefined) {
    return (
      <figure class="map" data-part="output">
        <div class="map-box empty" />
        <figcaption />
      </figure>
    );
  }
  const move = (event: MouseEvent & { currentTarget: HTMLElement }) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    at.value = Math.round(Math.min(Math.max((100 * (event.clientX - left)) / width, 0), 100));
    onTouch();
  };
  return (
    <figure
      class="map"
      data-part="output"
      style={{ '--aspect': `${decoded.width / decoded.height}`, '--at': `${at.value}%` }}
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the field below moves the line */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field below has keys */}
      <div
        class="map-box divided"
        onPointerMove={(event) => {
          if (event.pointerType !== 'touch') move(event);
        }}
        onClick={move}
      >
        <Canvas picture={decoded} role="img" aria-label="The decoded picture" />
        <Canvas class="original" picture={original} aria-hidden="true" />
        <span class="divider" />
      </div>
      <figcaption>
        <label class="divider-field">
          <b>Decoded</b>, the original left of the line
          <input
            type="range"
            min={0}
            max={100}
            value={at.value}
            aria-valuetext={`${at.value} % original`}
            onInput={({ currentTarget }) => {
              at.value = Number(currentTarget.value);
              onTouch();
            }}
          />
        </label>
      </figcaption>
    </figure>
  );
}

function mapsOf({ shape, data }: Tensor): ImageData[] {
  const [, channels, height, width] = shape;
  const area = width * height;
  return Array.from({ length: Math.min(channels, MAX_SHOWN) }, (_, n) => {
    const numbers = data.subarray(n * area, (n + 1) * area);
    return coloured(numbers, width, height, largest(numbers));
  });
}

function Ask() {
  const { network } = useExplorer();
  const trip = network.trip.value;
  const decoded = network.coded.value?.decoded;
  const off = useMemo(
    () => trip && decoded && meanDifference(trip.picture, decoded),
    [trip, decoded],
  );
  if (trip === undefined || decoded === undefined || off === undefined) return null;
  const times = numbersOf(decoded) / trip.latents.data.length;
  const fewer = `${Number(times.toPrecision(2))} times`;
  return (
    <Question
      ask="Is the decoded picture the original?"
      answers={[
        {
          text: 'Yes, to the last number',
          isRight: false,
          why: `A colour is off by ${off.toFixed(1)} of 255 on average: the latent has too few numbers for every detail.`,
        },
        {
          text: 'Nearly',
          isRight: true,
          why: `The latent has ${fewer} fewer numbers, and yet a colour is off by only ${off.toFixed(1)} of 255 on average.`,
        },
      ]}
    />
  );
}

export const coldOpen: Scene = { id: '0', Text, Stage, Question: Ask };
