import { Canvas } from '../drawing/canvas.tsx';
import {
  at,
  isRunning,
  pause,
  run,
  type Screen,
  samplerLatents,
  screens,
  seed,
  seek,
  stepCount,
  stepMs,
} from '../state/generation.ts';
import { sigmaAt } from '../state/noise.ts';
import { trip } from '../state/trip.ts';
import { milliseconds } from '../text/numbers.ts';
import { LatentPicture } from './latent-picture.tsx';
import { Slider } from './slider.tsx';

/** From noise to the picture, watched live. */
export function Generation() {
  const isReady = trip.value !== undefined;
  const sigma = sigmaAt(at.value, stepCount.value);
  return (
    <section id="generation" aria-labelledby="generation-title">
      <h2 id="generation-title">From noise</h2>
      <p class="intro">
        An image generator walks through latents, from noise to a picture, and a small decoder shows
        how far it is. There is no diffusion model on this page: it knows the picture already, and
        goes from seeded noise to its latent along <code>√(1 − σ²) · z + σ · noise</code>. All else
        is real: each step’s latents are pushed to a previewer, which decodes the latest and drops
        those that came too soon.
      </p>
      <div class="screens">
        {samplerLatents.value !== undefined && (
          <figure>
            <LatentPicture latents={samplerLatents.value} />
            <figcaption>
              <b class="latent">The sampler’s latent</b>, step {at.value} of {stepCount.value}
            </figcaption>
          </figure>
        )}
        {screens.value.map((screen) => (
          <ScreenView key={screen.model} screen={screen} />
        ))}
      </div>
      <div class="row generation-controls">
        <button
          type="button"
          class="primary"
          disabled={!isReady}
          onClick={() => (isRunning.value ? pause() : run())}
        >
          {isRunning.value ? 'Pause the path' : 'Run from noise'}
        </button>
        <Slider
          label="Step"
          value={at.value}
          least={0}
          most={stepCount.value}
          step={1}
          text={`${at.value} of ${stepCount.value}, σ ${sigma.toFixed(2)}`}
          onValue={(value) => {
            pause();
            seek(value);
          }}
        />
        <Slider
          label="Time of a step"
          value={stepMs.value}
          least={10}
          most={300}
          step={10}
          text={`${stepMs.value} ms`}
          onValue={(value) => {
            stepMs.value = value;
          }}
        />
        <label class="field narrow">
          Seed
          <input
            type="number"
            min={0}
            max={9999}
            value={seed.value}
            onChange={({ currentTarget }) => {
              seed.value = Math.max(0, Math.round(Number(currentTarget.value) || 0));
            }}
          />
        </label>
      </div>
    </section>
  );
}

function ScreenView({
  screen: { model, frame, shown, dropped, framesPerSecond },
}: {
  screen: Screen;
}) {
  return (
    <figure class="screen" data-model={model}>
      {frame === undefined ? (
        <div class="picture empty" />
      ) : (
        <Canvas
          class="picture checks"
          picture={frame.picture}
          role="img"
          aria-label={`Preview by ${model}, step ${frame.step}`}
        />
      )}
      <figcaption>
        <b>{model}</b>{' '}
        {frame === undefined ? (
          'waits'
        ) : (
          <>
            <span class="fps" data-testid="fps">
              {framesPerSecond.toFixed(1)} frames/s
            </span>
            , {milliseconds(frame.elapsedMs)} a frame; {shown} shown, {dropped} dropped
          </>
        )}
      </figcaption>
    </figure>
  );
}
