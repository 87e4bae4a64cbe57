import { DREAM_LABELS } from 'virtual:dream-labels';
import { useExplorer } from '../../explorer.ts';
import { Framed } from '../../stage/framed.tsx';
import { Slider } from '../../stage/slider.tsx';
import { milliseconds } from '../../text/numbers.ts';
import { LatentView } from './latent-view.tsx';

const SIZE = { width: 256, height: 256 };
/** A seed is of 32 bits. */
const MAX_SEED = 2 ** 32 - 1;
/** The weights of `dream`, when there is no telling how many have come. */
const WEIGHTS_TEXT = '1.6 MB';

/** From noise to a landscape, watched live. */
export function Noise() {
  const { free } = useExplorer();
  const { dream } = free;
  const { path, at, screen, end, stepCount, seek, isRunning } = dream;
  const view = path.value.find(({ step }) => step === at.value);
  const { frame, shown, dropped, framesPerSecond } = screen.value;
  const made = end.value;
  return (
    <div class="free-noise">
      <Request />
      <div class="screens">
        {view === undefined ? (
          <Empty part="latent">
            <b class="latent">The sampler’s latent</b>
          </Empty>
        ) : (
          <LatentView latents={view.sample}>
            <b class="latent">The sampler’s latent</b>, step {view.step + 1} of {view.steps}
          </LatentView>
        )}
        <div class="screen" data-model="nano">
          <Framed
            part="predicted"
            picture={frame?.picture}
            label={`Preview by nano, step ${(frame?.step ?? 0) + 1}`}
            size={frame && SIZE}
            frames={[]}
          >
            <b>What it predicts</b>, by nano{' '}
            {frame !== undefined && (
              <>
                <span data-testid="fps">{framesPerSecond.toFixed(1)} frames/s</span>,{' '}
                {milliseconds(frame.elapsedMs)} a frame; {shown} shown, {dropped} dropped
              </>
            )}
          </Framed>
        </div>
        <Framed
          part="landscape"
          picture={made?.picture}
          label="The landscape"
          size={made && SIZE}
          frames={[]}
        >
          <b>The landscape</b>
          {made !== undefined &&
            `, decoded by ${made.model}, after ${milliseconds(made.elapsedMs)}`}
        </Framed>
      </div>
      <div class="row noise-end">
        <Slider
          label="Step"
          value={path.value.length === 0 ? 0 : at.value + 1}
          min={path.value.length === 0 ? 0 : 1}
          max={Math.max(path.value.length, 1)}
          step={1}
          text={
            view === undefined
              ? 'none yet'
              : `${view.step + 1} of ${view.steps}, ${Math.round(100 * view.sigma)} % noise`
          }
          onValue={(step) => {
            if (!isRunning.value) seek(step - 1);
          }}
        />
        <UseIt />
      </div>
      <p class="hint">
        dream, a small diffusion model of this project, paints landscapes and nothing else. In{' '}
        {stepCount.value} steps it takes noise away; the latent it predicts is decoded at each.
      </p>
    </div>
  );
}

function Empty({ part, children }: { part: string; children: preact.ComponentChildren }) {
  return (
    <Framed part={part} picture={undefined} label="" size={undefined} frames={[]}>
      {children}
    </Framed>
  );
}

/** The landscape that is asked for. */
function Request() {
  const { free } = useExplorer();
  const { wanted, seed, stepCount, guidance, isRunning, fetched, run, stop } = free.dream;
  const share = fetched.value;
  return (
    <form
      class="noise-request"
      onSubmit={(event) => {
        event.preventDefault();
        if (isRunning.value) stop();
        else void run();
      }}
    >
      {Object.entries(DREAM_LABELS).map(([label, values]) => (
        <label class="field" key={label}>
          {label[0].toUpperCase() + label.slice(1)}
          <select
            value={wanted.value[label] ?? ''}
            onChange={({ currentTarget: { value } }) => {
              const { [label]: before, ...others } = wanted.value;
              wanted.value = value === '' ? others : { ...others, [label]: value };
            }}
          >
            <option value="">any</option>
            {values.map((value) => (
              <option key={value} value={value}>
                {value}
              </option>
            ))}
          </select>
        </label>
      ))}
      <label class="field narrow">
        Seed
        <input
          type="number"
          min={0}
          max={MAX_SEED}
          value={seed.value}
          onChange={({ currentTarget }) => {
            const value = Math.round(Number(currentTarget.value) || 0);
            seed.value = Math.min(Math.max(value, 0), MAX_SEED);
          }}
        />
      </label>
      <Slider
        label="Steps"
        value={stepCount.value}
        min={4}
        max={60}
        step={1}
        text={`${stepCount.value}`}
        onValue={(value) => {
          stepCount.value = value;
        }}
      />
      <Slider
        label="Guidance"
        value={guidance.value}
        min={0}
        max={6}
        step={0.5}
        text={guidance.value.toFixed(1)}
        onValue={(value) => {
          guidance.value = value;
        }}
      />
      <button type="submit" class="primary">
        {isRunning.value ? 'Stop' : 'Run from noise'}
      </button>
      {share !== undefined && (
        <label class="field">
          Fetching {WEIGHTS_TEXT} of weights
          <progress value={share ?? undefined} />
        </label>
      )}
    </form>
  );
}

/** The landscape as the picture of the page. */
function UseIt() {
  const { free, pictures } = useExplorer();
  const made = free.dream.end.value;
  return (
    <button
      type="button"
      disabled={made === undefined}
      onClick={() => {
        if (made === undefined) return;
        pictures.useMade(made.picture, `a landscape by dream, seed ${made.seed}`);
        free.tab.value = 'compare';
      }}
    >
      Use this picture
    </button>
  );
}
