import { useComputed, useSignal } from '@preact/signals';
import { VARIANTS } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import { BACKENDS } from '../state/backend.ts';
import { difference, isTranslucent, psnr } from '../state/compare.ts';
import { coded, trip } from '../state/trip.ts';
import { decibels, milliseconds, shapeText, whole } from '../text/numbers.ts';
import { LatentPicture } from './latent-picture.tsx';

const STRENGTHS = [1, 4, 16];

/** Original, latent, decoded, difference. */
export function Comparison() {
  const strength = useSignal(4);
  const quality = useComputed(() =>
    trip.value === undefined || coded.value === undefined
      ? undefined
      : psnr(trip.value.picture, coded.value.decoded),
  );
  const off = useComputed(() =>
    trip.value === undefined || coded.value === undefined
      ? undefined
      : difference(trip.value.picture, coded.value.decoded, strength.value),
  );
  const [now, made] = [trip.value, coded.value];
  if (now === undefined || made === undefined || off.value === undefined) {
    return (
      <section id="there-and-back" aria-labelledby="there-and-back-title">
        <h2 id="there-and-back-title">There and back</h2>
        <p class="waiting">The first picture is on its way.</p>
      </section>
    );
  }
  const { picture, latents, isOverWhite } = now;
  const { pictureChannels } = VARIANTS[now.model.model];
  const { backend, decoded, encodeMs, decodeMs } = made;
  const numbers = picture.width * picture.height * pictureChannels;
  const fewer = (numbers / latents.data.length).toFixed(0);
  return (
    <section id="there-and-back" aria-labelledby="there-and-back-title">
      <h2 id="there-and-back-title">There and back</h2>
      <p class="intro">
        The encoder makes {whole(latents.data.length)} numbers of the picture’s {whole(numbers)},{' '}
        {fewer} times fewer; the decoder makes a picture of them again. What got lost on the way is
        the difference.
      </p>
      <div class="quartet">
        <figure>
          <Canvas
            class="picture checks"
            picture={picture}
            role="img"
            aria-label="The original picture"
          />
          <figcaption data-testid="original">
            <b>Original</b> {picture.width}×{picture.height}
            {isOverWhite && ', over white: this model has no alpha'}
            {isTranslucent(picture) && '; squares show through where it is translucent'}
          </figcaption>
        </figure>
        <figure>
          <LatentPicture latents={latents} />
          <figcaption>
            <b class="latent">Latent</b> {shapeText(latents.shape)}
            {latents.shape[1] > 4 && ', of which four channels are shown,'} in{' '}
            {milliseconds(encodeMs)}
          </figcaption>
        </figure>
        <figure>
          <Canvas
            class="picture checks"
            picture={decoded}
            role="img"
            aria-label="The decoded picture"
          />
          <figcaption data-testid="decoded-in">
            <b>Decoded</b> in {milliseconds(decodeMs)} on {BACKENDS[backend]}
            {pictureChannels === 4 && ', with alpha'}
          </figcaption>
        </figure>
        <figure>
          <Canvas
            class="picture"
            picture={off.value}
            role="img"
            aria-label={`Difference of original and decoded picture, times ${strength.value}`}
          />
          <figcaption>
            <b>Difference</b> {strength.value === 1 ? 'as it is' : `× ${strength.value}`}
          </figcaption>
        </figure>
      </div>
      <div class="row spread">
        <p class="figure" data-testid="psnr">
          <strong>{decibels(quality.value as number)}</strong> PSNR, decoded against original
          {pictureChannels === 4 && ', both over white'}
        </p>
        <fieldset class="segments">
          <legend>Difference</legend>
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
      </div>
    </section>
  );
}
