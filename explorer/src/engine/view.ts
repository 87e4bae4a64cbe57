import type { Step } from 'taesd-wasm';
import { placeOf } from './names.ts';
import type { StepView } from './protocol.ts';
import { summariseMap, thumbnails } from './summarise.ts';

/**
 * A step without its maps.
 *
 * @param block  the block that it is inside of
 */
export function view(step: Step, block: string | undefined): StepView {
  const { name, part, index, module, layer, shape, parameters, multiplyAdds } = step;
  return {
    ...{ name, part, index, block, module, layer, shape, parameters, multiplyAdds },
    ...placeOf(name),
    inputShape: step.inputs[0].shape,
    kernels: step.kernels,
    elapsedMs: step.elapsedMs,
    ...summariseMap(step.output),
    thumbnails: thumbnails(step.output),
  };
}
