import type { ModelName } from '../model/variants.ts';
import { narrowTo } from '../numbers/narrow.ts';
import type { TurnHost } from './turn.ts';

/** The making of an answer. */
export interface Job {
  readonly model: ModelName;
  /** Bytes that it keeps beside its answer: the input, and what it works with. */
  readonly workBytes: number;
  /** The bytes of the answer, or more. */
  readonly answerBytes: number;
  /** The bytes of the largest piece of the answer, or more. */
  readonly pieceBytes: number;
  /** Returns the headers. Called when the first piece is made. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** Makes the answer, from the beginning of its first turn on. */
  readonly pieces: (host: TurnHost) => AsyncIterable<Uint8Array>;
}

/** Returns the headers of a tensor in the protocol. */
export const tensorHeaders = (shape: readonly number[], dtype: string) => ({
  'content-type': 'tensor/binary',
  shape: JSON.stringify(shape),
  dtype,
});

/** The types of numbers in answers. */
export type HalfType = 'float16' | 'bfloat16';

/** The bytes of a number of 16 bits. */
export const HALF_BYTES = 2;

/** Returns the type of an answer's numbers by that of the request's. */
export const halfTypeFor = (dtype: string): HalfType =>
  dtype === 'bfloat16' ? 'bfloat16' : 'float16';

/** Returns numbers in 16 bits. */
export const halfBytes = (dtype: HalfType, data: Float32Array): Uint8Array =>
  narrowTo(dtype === 'bfloat16' ? 'BF16' : 'F16', data);
