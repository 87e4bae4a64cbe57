import type { Span } from '../../src/backend/backend.ts';
import type { Operators } from '../../src/backend/reference.ts';
import type { BoundNetwork } from '../../src/model/bind.ts';
import type { Tensor } from '../../src/tensor.ts';

/** The operators of a backend that answers later. */
export type LaterOperators = {
  readonly [Name in keyof Operators]: (
    ...args: Parameters<Operators[Name]>
  ) => Promise<ReturnType<Operators[Name]>>;
};

/**
 * A backend, wherever it is: in this process, on a page, in another runtime. Nothing here may need
 * vitest or Node.
 */
export interface Place {
  readonly name: string;
  readonly operators: LaterOperators;
  /** Runs a network on one picture; rows that are not wanted are left NaN. */
  run(network: BoundNetwork, input: Tensor, wanted?: Span): Promise<Tensor>;
}

/** Reads a file of the folder `../shared`. */
export type ReadShared = (path: string) => Promise<Uint8Array>;

/** One thing that every backend must do. */
export interface Case {
  readonly name: string;
  /** It reads `../shared`. */
  readonly shared: boolean;
  /** @returns what was measured, for people; throws where it is not as it should be */
  run(place: Place, read: ReadShared): Promise<string>;
}
