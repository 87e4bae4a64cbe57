import type { Variant } from '../model/variants.ts';
import type { Tensor } from '../tensor.ts';
import type { Space } from '../tensor-like/types.ts';
import type { HalfType } from './job.ts';
import type { Models } from './models.ts';
import type { Room } from './read-body.ts';
import type { RemoteLimits } from './types.ts';

/** The form of an answer. */
export type Output =
  /** A file of one picture. */
  | 'png'
  | 'jpg'
  /** u8 [N, H, W, C]. */
  | 'bytes'
  | Floats;

/** Numbers [N, C, H, W] in 16 bits. */
export interface Floats {
  readonly dtype: HalfType;
  /** `[-1,1]`: the decoder's own numbers, not clamped. `[0,1]`: those of bytes. */
  readonly range: '[-1,1]' | '[0,1]';
}

/** Checked latents, and the answer that is wanted of them. */
export interface DecodeWork {
  readonly variant: Variant;
  /** f32 [1, C, h, w] of each picture. */
  readonly latents: readonly Tensor[];
  readonly space: Space;
  /** The size of each picture. */
  readonly width: number;
  readonly height: number;
  readonly output: Output;
}

/** The needs of reading a request, which its handler gives. */
export interface Reading {
  readonly models: Models;
  readonly limits: RemoteLimits;
  /** Counts the body's bytes while it is read. */
  readonly room: Room;
  /** True if the host makes JPEG files. */
  readonly makesJpeg: boolean;
}
