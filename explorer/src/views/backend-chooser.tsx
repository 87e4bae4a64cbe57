import type { Backend } from '../engine/protocol.ts';
import { BACKENDS, choosePlace, noWebGpu, placeText, wanted } from '../state/backend.ts';
import { model } from '../state/models.ts';

/** WASM or WebGPU, and in words which of them it became and why. */
export function BackendChooser() {
  const place = model.value?.place.value;
  return (
    <div class="backend">
      <fieldset class="segments" aria-describedby="backend-place backend-meaning">
        <legend>Encode and decode on</legend>
        {(Object.keys(BACKENDS) as Backend[]).map((backend) => (
          <label key={backend}>
            <input
              type="radio"
              name="backend"
              checked={wanted.value === backend}
              disabled={backend === 'webgpu' && noWebGpu !== undefined}
              onChange={() => choosePlace(backend)}
            />
            <span>{BACKENDS[backend]}</span>
          </label>
        ))}
      </fieldset>
      <p class="hint" id="backend-place" data-testid="backend">
        {place === undefined ? 'Loading …' : placeText(place)}
      </p>
      <p class="hint" id="backend-meaning">
        WASM computes on the processor, WebGPU on the graphics card, to the same picture within a
        step of a byte. The layers below always run one by one on the WASM kernels.
      </p>
    </div>
  );
}
