import { expected, inCall } from '../errors.ts';
import { checkLatentChannels, VARIANTS } from '../model/variants.ts';
import { readLatentTensors, toTensor } from '../safetensors/read.ts';
import { showNames } from '../safetensors/show-name.ts';
import { writeSafetensors } from '../safetensors/write.ts';
import { checkTensor4d, shapeText, type Tensor } from '../tensor.ts';
import type { FormatReading, LatentFile, LatentFormat, LatentReadOptions } from './format.ts';
import { asLatents, packedSpace } from './latent-shape.ts';
import {
  LATENTS_NAME,
  recordedModel,
  recordedSize,
  recordedText,
  recordsLatents,
} from './recorded.ts';
import { holdsTensor } from './safetensors-names.ts';
import { inSpace } from './spaces.ts';
import { tensorSafetensors } from './tensor-safetensors.ts';

/*
 * Latents as one f32 tensor of a safetensors file.
 */

/** The row of the table of formats. */
export const latentSafetensors = {
  name: 'a safetensors file',
  endings: ['.safetensors'],
  holds: 'f32 latents',
  detail: 'holds f32 "latents" [1,C,h,w], the model and the size of the picture',
  also: undefined,
  writtenSpace: 'diffusion',
  recognises: (bytes: Uint8Array) => holdsTensor(bytes, /^latents$/),
  read(bytes: Uint8Array, options: LatentReadOptions): FormatReading {
    const { tensor = LATENTS_NAME } = options;
    if (tensor !== LATENTS_NAME) return tensorSafetensors.read(bytes, options);
    const { file, dtype, isRecorded } = read(bytes, (one) =>
      one.shape.length === 4 && packedSpace(one.shape) === undefined
        ? checkTensor4d(LATENTS_NAME, one)
        : asLatents(one, LATENTS_NAME),
    );
    // A file of another program has a tensor of that name too, and says nothing of its space.
    const space = isRecorded ? ('diffusion' as const) : undefined;
    return { file: { ...file, space }, kind: `latents, ${dtype}` };
  },
  write,
} satisfies LatentFormat;

/**
 * Encodes latents as a safetensors file: f32 `latents` [1, C, h, w].
 *
 * @throws TaesdError ARG (not an object, a wrong model or size), SHAPE (not [1, C, h, w], or not
 *   the model's channels)
 */
export function encodeLatentSafetensors(file: LatentFile): Uint8Array<ArrayBuffer> {
  return inCall('encodeLatentSafetensors', () => write(file));
}

/**
 * Decodes a safetensors file to latents. F16 and BF16 are widened. Tensors of other names are
 * ignored.
 *
 * @throws TaesdError SHAPE (no `latents`, not [1, C, h, w], not the recorded model's channels),
 *   FORMAT (a recorded size that is not a size, or not the latents'), UNSUPPORTED (another dtype,
 *   an unknown recorded model), LIMIT (over 16,384 tensors), and the errors of `readSafetensors`
 */
export function decodeLatentSafetensors(bytes: Uint8Array): LatentFile {
  return inCall('decodeLatentSafetensors', () => read(bytes, checkBatchOfOne).file);
}

function write(file: LatentFile): Uint8Array<ArrayBuffer> {
  const own = inSpace(file, 'diffusion');
  const text = recordedText(own);
  const bytes = writeSafetensors([[LATENTS_NAME, checkBatchOfOne(own.latents)]], text);
  // It allocates with `new Uint8Array(length)`.
  return bytes as Uint8Array<ArrayBuffer>;
}

/** The contents of a file. `isRecorded`: it says that this package wrote it. */
interface Contents {
  readonly file: LatentFile;
  readonly dtype: string;
  readonly isRecorded: boolean;
}

function read(bytes: Uint8Array, check: (tensor: Tensor) => Tensor): Contents {
  const { tensors, metadata } = readLatentTensors(bytes);
  const stored = tensors.get(LATENTS_NAME);
  if (stored === undefined) {
    const names = showNames([...tensors.keys()]) || 'no tensor';
    const hint = 'not a file of latents?';
    throw expected('SHAPE', 'tensor names', LATENTS_NAME, names, { hint });
  }
  const latents = check(toTensor(stored, LATENTS_NAME));
  const model = recordedModel(metadata);
  if (model !== undefined) checkLatentChannels(latents, VARIANTS[model]);
  const file = { latents, model, ...recordedSize(metadata, latents, model) };
  return { file, dtype: stored.dtype, isRecorded: recordsLatents(metadata) };
}

function checkBatchOfOne(value: Tensor): Tensor {
  const latents = checkTensor4d(LATENTS_NAME, value);
  if (latents.shape[0] !== 1) {
    const hint = 'a file holds the latents of one picture';
    throw expected('SHAPE', LATENTS_NAME, 'shape [1,C,h,w]', shapeText(latents.shape), { hint });
  }
  return latents;
}
