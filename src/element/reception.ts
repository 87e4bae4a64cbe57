import type { FoundLatents } from '../formats/read-latents.ts';
import type { ModelName } from '../model/variants.ts';
import type { Picture } from '../options/types.ts';
import type { Taesd } from '../taesd.ts';
import type { PresentedFrame } from './audience.ts';

/** The part of an instance that previews use. */
export type Instance = Pick<Taesd, 'decode' | 'info'>;

/** The part of a presenter that a source reports to. */
export interface Reception {
  /** The address that others are relative to. */
  readonly base: string;
  /** Fires when the source is closed. */
  readonly signal: AbortSignal;
  readonly resolution: number | undefined;
  /** Shows the latents of a file. */
  push(found: FoundLatents): void;
  /**
   * Returns the instance for a connection's frames.
   *
   * @param model   the model of the first frame
   * @param newest  returns the number of frames so far
   */
  instanceFor(model: ModelName | undefined, newest: () => number): Instance;
  onFrame(picture: Picture, frame: PresentedFrame): void;
  onError(error: unknown): void;
}
