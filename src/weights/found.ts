import type { Variant } from '../model/variants.ts';
import type { LoadOptions } from '../options/types.ts';
import type { PullOptions } from './pull.ts';
import type { ModelTensors } from './weight-file.ts';

/** Weights, their model, and where they were found, in the words of `info`. */
export interface FoundWeights {
  readonly variant: Variant;
  readonly tensors: ModelTensors;
  readonly from: string;
  /** The reason why the cache was not read, or a download is not kept. */
  readonly note?: string | undefined;
}

/** The options of `load` that concern weights, and for tests the store and the manifest. */
export type LookOptions = Pick<LoadOptions, 'weights' | 'download'> & PullOptions;
