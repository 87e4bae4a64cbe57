import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { saveFinding } from './finding.ts';
import { readInterrupted } from './shared.ts';

/** Signals by which a user or the system ends a process. */
const ASKED_TO_END: ReadonlySet<string> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']);
/** A target whose process dies more often is ended. */
const MAX_DEATHS = 10;

/** A target to run in a process of its own. */
export interface Supervised {
  readonly target: string;
  /** The folder of all corpora. */
  readonly corpus: string;
  readonly minutes: number;
  /** Starts the process, for so many minutes. */
  readonly start: (minutes: number) => ChildProcess;
}

/**
 * Runs a target's process. If it dies, the input that it ran becomes a finding, and another process
 * goes on behind it: an abort of V8 or of a native part ends all threads of a process.
 *
 * @returns the exit code
 */
export async function supervise({ target, corpus, minutes, start }: Supervised): Promise<number> {
  const until = Date.now() + minutes * 60_000;
  for (let deaths = 0; ; deaths++) {
    const end = await endOf(start(Math.max(0, until - Date.now()) / 60_000));
    if (typeof end === 'number' && end < 128) return deaths > 0 ? Math.max(1, end) : end;
    if (ASKED_TO_END.has(`${end}`)) return 1;
    const input = readInterrupted(join(corpus, target))?.input;
    if (input === undefined) {
      console.error(`${target}: the process ended with ${end}, and had run no input`);
      return 1;
    }
    const doubt = end === 'SIGKILL' ? ': no memory was left, or it was ended by hand' : '';
    const signature = `the process ended with ${end}`;
    const report = `${signature}${doubt}`;
    const path = saveFinding(join(corpus, 'findings'), { target, signature, report, input });
    console.log(`${target}: FINDING ${report}`);
    console.log(`${target}:   npm run fuzz -- ${target} --replay ${path}`);
    if (deaths >= MAX_DEATHS || end === 'SIGKILL' || Date.now() >= until) return 1;
  }
}

/** Returns the exit code or the signal of a process. */
function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((resolve) => {
    child.on('error', () => resolve(1));
    child.on('close', (code, signal) => resolve(signal ?? code ?? 1));
  });
}
