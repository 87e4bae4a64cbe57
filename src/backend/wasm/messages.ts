import { tagOf } from '../../builtins/tags.ts';
import { type ErrorCode, messageOf } from '../../errors.ts';
import type { Span, WantedRows } from '../backend.ts';
import type { RowBatch } from '../batches.ts';
import type { FoldedPool } from '../fold-pool.ts';
import type { Segment } from '../segment.ts';

/*
 * The messages between the thread that was called and its workers.
 */

/** The first message to a worker: all that it needs to make the networks ready. */
export interface LoadMessage {
  readonly kind: 'load';
  readonly kernels: WebAssembly.Module;
  readonly networks: readonly Segment[];
  readonly maxMemory: number | undefined;
}

/** Asks a worker for rows of the output. */
export interface RunMessage {
  readonly kind: 'run';
  readonly id: number;
  /** The number of the network. */
  readonly network: number;
  /** The whole input's shape. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** The rows of the input that are needed: f32 [rows][width][channels]. */
  readonly input: Span;
  readonly data: Float32Array;
  /** The rows of the output that are wanted. */
  readonly span: WantedRows;
  readonly folded: FoldedPool | undefined;
}

/** Reports how many more rows of run `id` were passed on. */
export interface TakenMessage {
  readonly kind: 'taken';
  readonly id: number;
  readonly rows: number;
}

/** Cancels run `id`. */
export interface CancelMessage {
  readonly kind: 'cancel';
  readonly id: number;
}

export type ToWorker = LoadMessage | RunMessage | TakenMessage | CancelMessage;

/** Reports that the networks are ready. */
export interface ReadyMessage {
  readonly kind: 'ready';
}

/** Hands over some finished rows. */
export interface RowsMessage {
  readonly kind: 'rows';
  readonly id: number;
  readonly batch: RowBatch;
}

/** All rows of a run are finished, or it was cancelled. */
export interface DoneMessage {
  readonly kind: 'done';
  readonly id: number;
  readonly memoryBytes: number;
}

/** Reports that a run has failed, or loading if there is no `id`. */
export interface FailedMessage {
  readonly kind: 'failed';
  readonly id: number | undefined;
  /** Undefined if the error is not a TaesdError. */
  readonly code: ErrorCode | undefined;
  readonly message: string;
}

export type FromWorker = ReadyMessage | RowsMessage | DoneMessage | FailedMessage;

/** The text of any error, with its name if that says more than "Error". */
export const textOf = (error: unknown): string =>
  tagOf(error) === 'Error' && (error as Error).name !== 'Error' ? `${error}` : messageOf(error);
