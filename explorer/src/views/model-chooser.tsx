import type { ModelName } from 'taesd-wasm';
import {
  choose,
  download,
  downloadBytes,
  fetchWeights,
  MODELS,
  missing,
  model,
  openWeights,
  WEIGHT_ENDINGS,
} from '../state/models.ts';
import { BackendChooser } from './backend-chooser.tsx';

export function ModelChooser() {
  const name = missing.value ?? model.value?.model ?? 'nano';
  return (
    <fieldset class="chooser">
      <legend>Model</legend>
      <div class="row">
        <label class="field">
          Whose latents it speaks
          <select
            value={name}
            onChange={({ currentTarget }) => void choose(currentTarget.value as ModelName)}
          >
            {MODELS.map((each) => (
              <option key={each.name} value={each.name}>
                {each.name}: {each.speaks}
              </option>
            ))}
          </select>
        </label>
        <label class="button">
          Open weights
          <input
            type="file"
            accept={WEIGHT_ENDINGS.join(',')}
            multiple
            class="hidden-input"
            onChange={({ currentTarget }) => {
              const files = [...(currentTarget.files ?? [])];
              if (files.length > 0) void openWeights(files);
              currentTarget.value = '';
            }}
          />
        </label>
      </div>
      <Missing />
      <p class="hint">
        {model.value === undefined
          ? 'Loading …'
          : `At work: ${model.value.model}, weights from ${model.value.weights}.`}
      </p>
      <BackendChooser />
    </fieldset>
  );
}

/** A model without weights is offered, never replaced by another. */
function Missing() {
  const name = missing.value;
  if (name === undefined) return null;
  const done = download.value;
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
      <button type="button" disabled={done !== undefined} onClick={() => void fetchWeights(name)}>
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
