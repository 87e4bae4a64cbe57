import { expected } from '../errors.ts';
import type { ModelName } from '../model/variants.ts';
import { widen } from '../numbers/stored.ts';
import { readLatentTensors } from '../safetensors/read.ts';
import { showName } from '../safetensors/show-name.ts';
import { shapeText } from '../tensor.ts';
import { chooseTensor } from './choose-tensor.ts';
import type { FormatReading, LatentFormat, LatentReadOptions } from './format.ts';
import { asLatents } from './latent-shape.ts';
import { holdsTensor } from './safetensors-names.ts';
import { candidatesOf } from './tensor-safetensors.ts';

/*
 * Latents that musubi-tuner caches: `latents_{F}x{H}x{W}_{dtype}` [C, F, H, W], or without frames
 * [C, H, W], beside control latents and masks. `__metadata__` names the architecture.
 * Source: https://github.com/kohya-ss/musubi-tuner
 */

const LATENTS = /^latents_(?:\d+x)?\d+x\d+_\w+$/;

/**
 * The architectures whose latents a model of this package decodes, all in diffusion space. Those of
 * FLUX.2 are packed, [128, H, W].
 */
const MODEL_OF: ReadonlyMap<string, ModelName> = new Map([
  ['flux_kontext', 'taef1'],
  ['z_image', 'taef1'],
  ['flux_2', 'taef2'],
  ['flux_2_dev', 'taef2'],
  ['flux_2_klein_4b', 'taef2'],
  ['flux_2_klein_9b', 'taef2'],
  ['qwen_image', 'taew2_1'],
  ['qwen_image_edit', 'taew2_1'],
  ['wan', 'taew2_1'],
]);

/** The row of the table of formats. */
export const musubiSafetensors = {
  name: 'a latent cache of musubi-tuner',
  endings: [],
  holds: 'cached latents',
  detail: 'holds latents [C,F,H,W] or [C,H,W]',
  also: undefined,
  recognises: (bytes: Uint8Array) => holdsTensor(bytes, LATENTS),
  read(bytes: Uint8Array, { tensor, model }: LatentReadOptions): FormatReading {
    const { tensors, metadata } = readLatentTensors(bytes);
    const own = candidatesOf(tensors).filter(({ name }) => LATENTS.test(name));
    const { name, stored } = chooseTensor(
      tensor === undefined ? own : candidatesOf(tensors),
      tensor,
    );
    checkFrames(name, stored.shape);
    const latents = asLatents(widen(stored, name), name);
    const architecture = metadata.get('architecture');
    const recorded = modelOf(architecture, model);
    const file = { latents, model: recorded, space: 'diffusion' as const };
    const by = architecture === undefined ? '' : ` for ${showName(architecture)}`;
    return { file, kind: `musubi-tuner latents${by}, ${stored.dtype}` };
  },
  write: undefined,
} satisfies LatentFormat;

/**
 * Checks that there is a single frame. Frames are the second axis, where other files have channels:
 * 16 channels of 4 frames would pass as 16 latents of 4 channels.
 *
 * @throws TaesdError SHAPE (a video)
 */
function checkFrames(name: string, shape: readonly number[]): void {
  if (shape.length !== 4 || shape[1] === 1) return;
  const rule = 'a single frame [C,1,H,W] or [C,H,W]';
  throw expected('SHAPE', showName(name), rule, shapeText(shape), { hint: 'latents of a video?' });
}

/** @throws TaesdError UNSUPPORTED (an architecture whose latents no model here decodes) */
function modelOf(architecture: string | undefined, named: ModelName | undefined) {
  if (architecture === undefined || named !== undefined) return undefined;
  const model = MODEL_OF.get(architecture);
  if (model !== undefined) return model;
  const rule = `one of ${[...MODEL_OF.keys()].join(', ')}`;
  const remedy = {
    api: "model: 'NAME' decodes it as that model's",
    command: "--model NAME decodes it as that model's",
  };
  throw expected('UNSUPPORTED', 'architecture', rule, `"${showName(architecture)}"`, { remedy });
}
