import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CASES } from '../conformance/cases.ts';
import { SHARED_ABSENT, sharedIsThere } from '../shared.ts';
import { GPU_CASES, isWanted } from './cases.ts';
import type { Report } from './run-remotely.ts';

/*
 * The conformance suite and the API's cases on WebGPU: Chromium on SwiftShader, Firefox and Deno on
 * what Vulkan finds, which is Mesa's llvmpipe where there is no card. Software adapters take
 * minutes for what a card does in a second.
 */

const MINUTES = 60_000;
/** Parts of the names of those that are wanted, for work on them. */
const wanted = process.env.TAESD_WEBGPU_CASES ?? '';

/** A runtime with WebGPU. */
interface Place {
  readonly place: string;
  readonly program: string | undefined;
  readonly run: (wanted: string) => Promise<Report>;
  /** The reason for skipping if there is no program. */
  readonly missing: string;
}

/** Adds the tests of one place. Each has a file of its own, so that places run side by side. */
export function testOnDevice({ place, program, run, missing }: Place): void {
  if (program === undefined && process.env.CI) {
    throw new Error(`${missing}, and CI must not skip its tests of WebGPU`);
  }
  if (program === undefined) console.warn(`skipping tests of WebGPU in ${place}: ${missing}`);

  describe.skipIf(program === undefined)(`webgpu [${place}]`, () => {
    let report: Report;
    beforeAll(async () => {
      report = await run(wanted);
      // Chromium has no adapter in one start of some twenty-five.
      if (report.outcomes.length === 0) report = await run(wanted);
      if (report.outcomes.length > 0) return;
      if (process.env.CI) throw new Error(`no adapter in ${place}: ${report.adapter}`);
      console.warn(`skipping tests of WebGPU in ${place}: ${report.adapter}`);
    }, 20 * MINUTES);
    afterAll(() => {
      const notes = report.outcomes.map(({ name, note }) => `  ${name}: ${note}`);
      console.log(`WebGPU in ${place} on ${report.adapter}\n${notes.join('\n')}`);
    });

    for (const { name, shared } of [...CASES, ...GPU_CASES]) {
      if (!isWanted(name, wanted)) continue;
      test(name, ({ skip }) => {
        skip(report.outcomes.length === 0, report.adapter);
        skip(shared && !sharedIsThere, SHARED_ABSENT);
        const outcome = report.outcomes.find((one) => one.name === name);
        expect(outcome?.error ?? (outcome === undefined ? 'it did not run' : 'none')).toBe('none');
      });
    }
  });
}
