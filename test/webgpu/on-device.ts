import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CASES } from '../conformance/cases.ts';
import { SHARED_ABSENT, sharedIsThere } from '../shared.ts';
import { GPU_CASES, isWanted } from './cases.ts';
import type { Outcome } from './remote.ts';
import type { Run } from './run-remotely.ts';

/*
 * The conformance suite and the API's cases on WebGPU: Chromium on SwiftShader, Firefox and Deno on
 * what Vulkan finds, which is Mesa's llvmpipe where there is no card. Software adapters take
 * minutes for what a card does in a second.
 */

/**
 * The minutes after which a runtime hangs. A busy machine of two cores takes a third of them.
 */
const MAX_MINUTES = 45;
const MINUTE_MS = 60_000;
/** Parts of the names of those that are wanted, for work on them. */
const wanted = process.env.TAESD_WEBGPU_CASES ?? '';

/** A runtime with WebGPU. */
interface Place {
  readonly place: string;
  readonly program: string | undefined;
  /** Returns the adapter's name, or the reason why there is none or why the cases ended early. */
  readonly run: (run: Run) => Promise<string>;
  /** The reason for skipping if there is no program. */
  readonly missing: string;
}

/** The cases that run here. */
const RUNNING = [...CASES, ...GPU_CASES].filter(
  ({ name, shared }) => isWanted(name, wanted) && (!shared || sharedIsThere),
);

/** Returns the case that runs, in words: they run one after the other. */
function runningAfter(outcomes: readonly Outcome[]): string {
  const next = RUNNING[outcomes.length];
  const done = `${outcomes.length} of ${RUNNING.length} cases ran`;
  return next === undefined ? done : `${done}, and "${next.name}" was running`;
}

/** Adds the tests of one place. Each has a file of its own, so that places run side by side. */
export function testOnDevice({ place, program, run, missing }: Place): void {
  if (program === undefined && process.env.CI) {
    throw new Error(`${missing}, and CI must not skip its tests of WebGPU`);
  }
  if (program === undefined) console.warn(`skipping tests of WebGPU in ${place}: ${missing}`);

  describe.skipIf(program === undefined)(`webgpu [${place}]`, () => {
    const outcomes: Outcome[] = [];
    let adapter = 'no adapter so far';
    beforeAll(
      async () => {
        const signal = AbortSignal.timeout(MAX_MINUTES * MINUTE_MS);
        const told = (outcome: Outcome) => outcomes.push(outcome);
        try {
          adapter = await run({ wanted, told, signal });
          // Chromium has no adapter in one start of some twenty-five.
          if (outcomes.length === 0) adapter = await run({ wanted, told, signal });
        } catch (cause) {
          const reason = signal.aborted ? `it took over ${MAX_MINUTES} minutes` : String(cause);
          throw new Error(`${place}: ${reason}; ${runningAfter(outcomes)}`, { cause });
        }
        if (outcomes.length > 0) return;
        if (process.env.CI) throw new Error(`no adapter in ${place}: ${adapter}`);
        console.warn(`skipping tests of WebGPU in ${place}: ${adapter}`);
      },
      (MAX_MINUTES + 1) * MINUTE_MS,
    );
    afterAll(() => {
      const notes = outcomes.map(
        ({ name, ms, note = 'failed' }) => `  ${(ms / 1000).toFixed(1)} s  ${name}: ${note}`,
      );
      const seconds = outcomes.reduce((sum, { ms }) => sum + ms / 1000, 0);
      console.log(`WebGPU in ${place} on ${adapter}, ${seconds.toFixed(0)} s\n${notes.join('\n')}`);
    });

    for (const { name, shared } of [...CASES, ...GPU_CASES]) {
      if (!isWanted(name, wanted)) continue;
      test(name, ({ skip }) => {
        skip(outcomes.length === 0, adapter);
        skip(shared && !sharedIsThere, SHARED_ABSENT);
        const outcome = outcomes.find((one) => one.name === name);
        if (outcome === undefined) {
          throw new Error(`it did not run: ${adapter}; ${runningAfter(outcomes)}`);
        }
        expect(outcome.error ?? 'none').toBe('none');
      });
    }
  });
}
