import type { ErrorCode } from '../../errors.ts';
import type { BoundNetwork } from '../../model/bind.ts';
import type { Precision } from '../../options/types.ts';
import type { Span } from '../backend.ts';
import type { RowBatch } from '../batches.ts';

/*
 * What passes between the thread that was called and its workers.
 */

/** The first message to a worker: all that it needs to make the networks ready. */
export interface LoadMessage {
  readonly kind: 'load';
  readonly kernels: WebAssembly.Module;
  readonly networks: readonly BoundNetwork[];
  readonly precision: Precision;
  readonly maxMemory: number | undefined;
}

/** Rows of the output that a worker shall make. */
export interface RunMessage {
  readonly kind: 'run';
  readonly id: number;
  /** Which of the networks. */
  readonly network: number;
  /** The whole input's shape, and those of its rows that are needed: f32 [rows][width][channels]. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly input: Span;
  readonly data: Float32Array;
  readonly span: Span;
}

/** So many more rows of the run of that number were handed on. */
export interface TakenMessage {
  readonly kind: 'taken';
  readonly id: number;
  readonly rows: number;
}

/** The run of that number is not wanted any more. */
export interface CancelMessage {
  readonly kind: 'cancel';
  readonly id: number;
}

export type ToWorker = LoadMessage | RunMessage | TakenMessage | CancelMessage;

/** Networks are ready. */
export interface ReadyMessage {
  readonly kind: 'ready';
}

/** Some rows are finished. */
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

/** A run, or without a number loading, has failed. */
export interface FailedMessage {
  readonly kind: 'failed';
  readonly id: number | undefined;
  /** Undefined for what is no TaesdError. */
  readonly code: ErrorCode | undefined;
  readonly message: string;
}

export type FromWorker = ReadyMessage | RowsMessage | DoneMessage | FailedMessage;
