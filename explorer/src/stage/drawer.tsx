import { useEffect, useRef } from 'preact/hooks';
import type { ModelName } from 'taesd-wasm';
import type { Backend } from '../engine/protocol.ts';
import { useExplorer } from '../explorer.ts';
import { BACKENDS } from '../stores/backend.ts';
import { downloadBytes, MODELS, WEIGHT_ENDINGS } from '../stores/models.ts';
import { SIZES } from '../stores/pictures.ts';
import { About } from './about.tsx';

/** The endings of files of latents. A file of any of them may be packed by gzip. */
const LATENT_ENDINGS = [
  ...['.latent', '.safetensors', '.sft', '.npy', '.npz', '.pt', '.pth', '.bin'],
  ...['.f32', '.f16', '.bf16', '.gz'],
];

/** The settings: picture, model, what computes. */
export function Drawer() {
  const { isDrawerOpen } = useExplorer();
  const box = useRef<HTMLElement>(null);
  useEffect(() => box.current?.querySelector<HTMLElement>('input, select, button')?.focus(), []);
  const close = () => {
    isDrawerOpen.value = false;
  };
  return (
    <aside
      class="drawer"
      aria-label="Settings"
      ref={box}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      <div class="row spread">
        <h2>Settings</h2>
        <button type="button" class="quiet" onClick={close}>
          Close
        </button>
      </div>
      <PictureFields />
      <ModelFields />
      <BackendFields />
      <About />
    </aside>
  );
}

function PictureFields() {
  const { pictures, files, network } = useExplorer();
  const [trip, coded] = [network.trip.value, network.coded.value];
  return (
    <fieldset>
      <legend>Picture</legend>
      <div class="row">
        <FileButton
          label="Choose a picture"
          accept={`image/*,${LATENT_ENDINGS.join(',')}`}
          onFiles={(chosen) => void files.open(chosen)}
        />
        <button type="button" onClick={() => void pictures.useSample()}>
          Use the sample
        </button>
      </div>
      <label class="field">
        At most, pixels a side
        <select
          value={pictures.maxSide.value}
          onChange={({ currentTarget }) => void files.setMostPixels(Number(currentTarget.value))}
        >
          {SIZES.map(({ side, note }) => (
            <option key={side} value={side}>
              {side} ({note})
            </option>
          ))}
        </select>
      </label>
      <p class="hint">
        Shown: {pictures.name}. Pictures, latents and weights can be dropped anywhere on the page.
      </p>
      <div class="row">
        <button
          type="button"
          class="compact"
          disabled={coded === undefined}
          onClick={() => coded && void files.savePicture(coded.decoded, 'decoded.png')}
        >
          Save the decoded picture
        </button>
        <button
          type="button"
          class="compact"
          disabled={trip === undefined}
          onClick={() =>
            trip &&
            void files.saveLatents(
              trip.latents,
              `${trip.model.model}-latents.safetensors`,
              trip.picture,
            )
          }
        >
          Save the latents
        </button>
      </div>
    </fieldset>
  );
}

function ModelFields() {
  const { models, files } = useExplorer();
  const { model, missing, choose } = models;
  return (
    <fieldset>
      <legend>Model</legend>
      <label class="field">
        Whose latents it speaks
        <select
          value={missing.value ?? model.value?.model ?? 'nano'}
          onChange={({ currentTarget }) => void choose(currentTarget.value as ModelName)}
        >
          {MODELS.map(({ name, speaks }) => (
            <option key={name} value={name}>
              {name}: {speaks}
            </option>
          ))}
        </select>
      </label>
      <div class="row">
        <FileButton
          label="Open weights"
          accept={WEIGHT_ENDINGS.join(',')}
          multiple
          onFiles={(chosen) => void files.open(chosen)}
        />
      </div>
      <Missing />
      <p class="hint">
        {model.value === undefined
          ? 'Loading …'
          : `At work: ${model.value.model}, weights from ${model.value.weights}.`}
      </p>
    </fieldset>
  );
}

/** A model without weights is offered, never replaced by another. */
function Missing() {
  const { models } = useExplorer();
  const name = models.missing.value;
  if (name === undefined) return null;
  const done = models.download.value;
  const bytes = downloadBytes(name);
  if (bytes === undefined) {
    return (
      <p class="missing">
        {name} cannot be downloaded from here: choose both of its files with “Open weights”.
      </p>
    );
  }
  return (
    <p class="missing">
      <button
        type="button"
        disabled={done !== undefined}
        onClick={() => void models.fetchWeights(name)}
      >
        Download {name}
        {bytes === null ? '' : `, ${Math.round(bytes / 1e6)} MB`}
      </button>
      {done !== undefined && (
        <progress value={done ?? undefined} aria-label={`Download of ${name}`}>
          {done === null ? 'in progress' : `${Math.round(100 * done)} %`}
        </progress>
      )}
    </p>
  );
}

function BackendFields() {
  const { models, backend } = useExplorer();
  return (
    <fieldset>
      <legend>What encodes and decodes</legend>
      <div class="row">
        {(Object.keys(BACKENDS) as Backend[]).map((name) => (
          <label key={name} class="check">
            <input
              type="radio"
              name="backend"
              checked={backend.wanted.value === name}
              disabled={name === 'webgpu' && backend.noWebGpu !== undefined}
              onChange={() => backend.choose(name)}
            />
            {BACKENDS[name]}
          </label>
        ))}
      </div>
      <p class="hint">{models.model.value && backend.placeText(models.model.value.place.value)}</p>
    </fieldset>
  );
}

function FileButton(props: {
  label: string;
  accept: string;
  multiple?: boolean;
  onFiles: (files: readonly File[]) => void;
}) {
  const { label, accept, multiple = false, onFiles } = props;
  return (
    <label class="button">
      {label}
      <input
        type="file"
        accept={accept}
        multiple={multiple}
        class="hidden-input"
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])]);
          // The same file can be chosen again.
          currentTarget.value = '';
        }}
      />
    </label>
  );
}
