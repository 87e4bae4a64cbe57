import { expected } from '../errors.ts';
import { VARIANTS } from '../model/variants.ts';
import { type StoredTensor, widen } from '../numbers/stored.ts';
import { readLatentTensors } from '../safetensors/read.ts';
import { writeSafetensors } from '../safetensors/write.ts';
import type { FormatReading, LatentFile, LatentFormat, LatentReadOptions } from './format.ts';
import { asLatents, packed, packedSpace } from './latent-shape.ts';
import { recordedText } from './recorded.ts';
import { holdsTensor } from './safetensors-names.ts';
import { inSpace } from './spaces.ts';

/*
 * Latents that ComfyUI's node SaveLatent writes: a safetensors file with `latent_tensor` in the
 * space of the VAE, and an empty tensor as a marker. Files without the marker are older: LoadLatent
 * multiplies them by 1 / 0.18215, so they are in the diffusion space of Stable Diffusion 1.
 * Latents of FLUX.2 are [N, 128, h/2, w/2], and both spaces are one: its VAE undoes the
 * normalisation itself.
 * Source: https://github.com/comfyanonymous/ComfyUI, nodes.py and latent_formats.py
 */

const TENSOR = 'latent_tensor';
const MARKER = 'latent_format_version_0';

/** The row of the table of formats. */
export const comfyLatent = {
  name: 'a ComfyUI latent',
  endings: ['.latent'],
  holds: 'f32 latents for ComfyUI',
  detail: 'holds f32 "latent_tensor" [1,C,h,w] in VAE space, as ComfyUI saves and loads it',
  also: undefined,
  writtenSpace: 'vae',
  recognises: (bytes: Uint8Array) => holdsTensor(bytes, /^latent_tensor$/),
  read(bytes: Uint8Array, { tensor = TENSOR }: LatentReadOptions): FormatReading {
    const { tensors } = readLatentTensors(bytes);
    const stored = tensors.get(tensor);
    if (stored === undefined) {
      throw expected('SHAPE', 'tensor', `"${TENSOR}" of a ComfyUI latent`, `"${tensor}"`);
    }
    const latents = asLatents(widen(stored as StoredTensor, tensor), tensor);
    const isMarked = tensors.has(MARKER);
    const kind = `ComfyUI latent${isMarked ? '' : ' of an old version'}, ${stored.dtype}`;
    const flux2 = packedSpace(stored.shape);
    if (flux2 !== undefined) return { file: { latents, space: 'diffusion', model: flux2 }, kind };
    if (isMarked) return { file: { latents, space: 'vae' }, kind };
    return { file: { latents, space: 'diffusion', model: 'taesd' }, kind };
  },
  write,
} satisfies LatentFormat;

function write(file: LatentFile): Uint8Array<ArrayBuffer> {
  recordedText(file);
  const { model, space } = file;
  const isPacked = model !== undefined && VARIANTS[model].packed.includes('map');
  const latents = isPacked && space !== 'vae' ? packed(file.latents) : inSpace(file, 'vae').latents;
  const marker = { shape: [0], data: new Float32Array(0) };
  const bytes = writeSafetensors([
    [TENSOR, latents],
    [MARKER, marker],
  ]);
  // It allocates with `new Uint8Array(length)`.
  return bytes as Uint8Array<ArrayBuffer>;
}
