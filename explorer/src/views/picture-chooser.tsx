import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { openWeights, WEIGHT_ENDINGS } from '../state/models.ts';
import {
  mostPixels,
  pictureName,
  SIZES,
  setMostPixels,
  useFile,
  useSample,
} from '../state/picture.ts';

const isWeights = ({ name }: File): boolean =>
  WEIGHT_ENDINGS.some((ending) => name.toLowerCase().endsWith(ending));

function take(files: readonly File[]): void {
  if (files.length === 0) return;
  if (isWeights(files[0])) void openWeights(files.filter(isWeights));
  else void useFile(files[0]);
}

/** The whole page takes files that are dropped on it. */
export function DropZone({ children }: { children: ComponentChildren }) {
  const [isOver, setOver] = useState(false);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files can be chosen by a button as well
    <div
      class={isOver ? 'page dropping' : 'page'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (event.relatedTarget === null) setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      {children}
    </div>
  );
}

export function PictureChooser() {
  return (
    <fieldset class="chooser">
      <legend>Picture</legend>
      <div class="row">
        <label class="button primary">
          Choose a picture
          <input
            type="file"
            accept="image/*"
            class="hidden-input"
            onChange={({ currentTarget }) => {
              take([...(currentTarget.files ?? [])]);
              // The same file can be chosen again.
              currentTarget.value = '';
            }}
          />
        </label>
        <button type="button" onClick={() => void useSample()}>
          Use the sample
        </button>
        <label class="field">
          At most, pixels a side
          <select
            value={mostPixels.value}
            onChange={({ currentTarget }) => void setMostPixels(Number(currentTarget.value))}
          >
            {SIZES.map(({ side, note }) => (
              <option key={side} value={side}>
                {side} ({note})
              </option>
            ))}
          </select>
        </label>
      </div>
      <p class="hint">
        {pictureName.value === ''
          ? 'Or drop one anywhere on this page.'
          : `Shown: ${pictureName.value}.`}
      </p>
    </fieldset>
  );
}
