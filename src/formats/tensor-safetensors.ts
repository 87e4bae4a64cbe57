import { isSafetensors } from '../first-bytes.ts';
import { type StoredTensor, widen } from '../numbers/stored.ts';
import { readLatentTensors } from '../safetensors/read.ts';
import { showName } from '../safetensors/show-name.ts';
import { chooseTensor } from './choose-tensor.ts';
import type { FormatReading, LatentFormat, LatentReadOptions } from './format.ts';
import { asLatents } from './latent-shape.ts';

/*
 * Latents as a float tensor of any safetensors file.
 */

/** The row of the table of formats. */
export const tensorSafetensors = {
  name: 'a safetensors file',
  endings: ['.sft'],
  holds: 'a float tensor',
  detail: 'holds a float tensor [N,C,h,w]',
  also: 'tensors',
  recognises: isSafetensors,
  read(bytes: Uint8Array, { tensor }: LatentReadOptions): FormatReading {
    const { name, stored } = chooseTensor(candidatesOf(readLatentTensors(bytes).tensors), tensor);
    const latents = asLatents(widen(stored, name), name);
    return { file: { latents }, kind: `tensor "${showName(name)}", ${stored.dtype}` };
  },
  write: undefined,
} satisfies LatentFormat;

/** Returns the tensors of a file by their names. */
export const candidatesOf = (tensors: ReadonlyMap<string, StoredTensor>) =>
  Array.from(tensors, ([name, stored]) => ({
    name,
    dtype: stored.dtype,
    shape: stored.shape,
    stored,
  }));
