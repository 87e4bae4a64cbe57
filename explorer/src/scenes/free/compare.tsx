import { useComputed, useSignal } from '@preact/signals';
import { VARIANTS } from 'taesd-wasm';
import { Canvas } from '../../drawing/canvas.tsx';
import { useExplorer } from '../../explorer.ts';
import { difference, isTranslucent, psnr } from '../../measure/psnr.ts';
import { Framed } from '../../stage/framed.tsx';
import { BACKENDS } from '../../stores/backend.ts';
import { decibels, milliseconds, shapeText, whole } from '../../text/numbers.ts';
import { LatentView } from './latent-view.tsx';

const STRENGTHS = [1, 4, 16];

/** Original and decoded picture with a divider, their difference, the latent between them. */
export function Compare() {
  const { network } = useExplorer();
  const { trip, coded } = network;
  const strength = useSignal(4);
  const quality = useComputed(
    () => trip.value && coded.value && psnr(trip.value.picture, coded.value.decoded),
  );
  const off = useComputed(
    () =>
      trip.value &&
      coded.value &&
      difference(trip.value.picture, coded.value.decoded, strength.value),
  );
  const [now, made] = [trip.value, coded.value];
  if (now === undefined || made === undefined || quality.value === undefined) {
    return <p class="waiting">The first picture is on its way.</p>;
  }
  const { picture, latents, isOverWhite } = now;
  const { pictureChannels } = VARIANTS[now.model.model];
  const { backend, encodeMs, decodeMs } = made;
  const numbers = picture.width * picture.height * pictureChannels;
  return (
    <div class="free-compare">
      <Divider />
      <Framed
        part="difference"
        picture={off.value}
        label={`Difference of original and decoded picture, times ${strength.value}`}
        size={picture}
        frames={[]}
      >
        <span class="row spread">
          <span>
            <b>Difference</b> {strength.value === 1 ? 'as it is' : `× ${strength.value}`}
          </span>
          <fieldset class="segments">
            <legend class="visually-hidden">Difference</legend>
            {STRENGTHS.map((times) => (
              <label key={times}>
                <input
                  type="radio"
                  name="strength"
                  checked={strength.value === times}
                  onChange={() => {
                    strength.value = times;
                  }}
                />
                <span>× {times}</span>
              </label>
            ))}
          </fieldset>
        </span>
      </Framed>
      <LatentView latents={latents}>
        <b class="latent">Latent</b> {shapeText(latents.shape)}
        {latents.shape[1] > 16 && ', of which 16 channels are shown'}, encoded in{' '}
        {milliseconds(encodeMs)}
      </LatentView>
      <div class="compare-facts">
        <p class="figure-text" data-testid="psnr">
          <strong>{decibels(quality.value)}</strong> PSNR, decoded against original
          {pictureChannels === 4 && ', both over white'}
        </p>
        <p data-testid="original">
          <b>Original</b> {picture.width}×{picture.height}
          {isOverWhite && ', over white: this model has no alpha'}
          {isTranslucent(picture) && '; squares show through where it is translucent'}
        </p>
        <p data-testid="decoded-in">
          <b>Decoded</b> in {milliseconds(decodeMs)} on {BACKENDS[backend]}
          {pictureChannels === 4 && ', with alpha'}
        </p>
        <p>
          {whole(numbers)} numbers, {whole(latents.data.length)} in the latent:{' '}
          {(numbers / latents.data.length).toFixed(0)} times fewer.
        </p>
      </div>
    </div>
  );
}

/** The original picture left of a line, the decoded one right of it. */
function Divider() {
  const { network } = useExplorer();
  const share = useSignal(0.5);
  const picture = network.trip.value?.picture;
  const decoded = network.coded.value?.decoded;
  if (picture === undefined || decoded === undefined) return null;
  const { width, height } = picture;
  const left = `${100 * share.value}%`;
  return (
    <figure class="map" data-part="divider" style={{ '--aspect': `${width / height}` }}>
      <div
        class="map-box divider"
        onPointerMove={(event) => {
          if (event.pointerType === 'touch') return;
          const box = event.currentTarget.getBoundingClientRect();
          share.value = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
        }}
      >
        <Canvas class="checks" picture={picture} role="img" aria-label="The original picture" />
        <span class="over" style={{ clipPath: `inset(0 0 0 ${left})` }}>
          <Canvas class="checks" picture={decoded} role="img" aria-label="The decoded picture" />
        </span>
        <span class="seam-line" style={{ left }} />
      </div>
      <figcaption>
        <span class="row spread">
          <b>Original</b>
          <b>Decoded</b>
        </span>
        <input
          type="range"
          aria-label="The line between original and decoded picture"
          min={0}
          max={100}
          value={Math.round(100 * share.value)}
          onInput={({ currentTarget }) => {
            share.value = Number(currentTarget.value) / 100;
          }}
        />
      </figcaption>
    </figure>
  );
}
