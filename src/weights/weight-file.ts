import type { StoredTensor } from '../numbers/stored.ts';
import type { Tensor } from '../tensor.ts';

/** A tensor of a file of weights whose numbers are read when they are needed. */
export interface LateTensor extends Pick<StoredTensor, 'dtype' | 'shape'> {
  /** Returns the numbers as they are stored, or as float32 if they are not one tensor there. */
  read(): StoredTensor | Tensor;
}

export type FileTensor = StoredTensor | LateTensor;

/** A file of weights: its tensors by name, in the file's order. */
export interface WeightFile {
  readonly tensors: ReadonlyMap<string, FileTensor>;
}

/**
 * The tensors of one network or both, under the names of taesd.py: `0.weight`, `1.conv.2.bias` …
 */
export interface ModelTensors {
  readonly encoder: Map<string, Tensor> | undefined;
  readonly decoder: Map<string, Tensor> | undefined;
  /** VAE space → diffusion space, `(z − shift) · scale`, if a ComfyUI file carries them. */
  readonly vaeScale?: number;
  readonly vaeShift?: number;
  /** The names, in the file, of tensors that belong to neither half. */
  readonly spare?: readonly string[];
}

export const HALVES = ['encoder', 'decoder'] as const;
