import type { Span } from '../backend.ts';
import type { Machine } from './machine.ts';
import type { PackedConv } from './pack.ts';
import type { Ring } from './ring.ts';
import type { Workspace } from './workspace.ts';

/** All that a stage needs to run. */
export interface StageContext extends Machine {
  readonly workspace: Workspace;
  /** The address of the stage's job, which its preparation writes. */
  readonly jobPtr: number;
  readonly input: Ring;
  readonly output: Ring;
  /** The map that is added, if the stage adds one. */
  readonly add: Ring | undefined;
  readonly packed: PackedConv | undefined;
  /** Channels of the input and the output, without those that fill up their rows. */
  readonly cin: number;
  readonly cout: number;
}

/** Makes rows `span` of a stage's output. */
export type StageRunner = (span: Span) => void;
