import { parentPort, workerData } from 'node:worker_threads';
import type { State } from './corpus.ts';
import { runLoop } from './loop.ts';
import { SharedInput } from './shared.ts';
import { targetNamed } from './targets.ts';

/** The data that a campaign's thread is started with. */
export interface WorkerData {
  readonly target: string;
  readonly folder: string;
  readonly state: State;
  readonly until: number;
  readonly executions: number;
  readonly buffer: SharedArrayBuffer;
}

// Most executions end in an error; its stack is a good part of their time.
Error.stackTraceLimit = 6;
const { target, buffer, ...rest } = workerData as WorkerData;
const shared = new SharedInput(buffer);
shared.keepIn(rest.folder);
await runLoop({
  ...rest,
  target: targetNamed(target),
  shared,
  send: (news) => parentPort?.postMessage(news),
});
// A target's own workers would keep the thread alive.
process.exit();
