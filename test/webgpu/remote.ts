import { findDevice } from '../../src/backend/webgpu/device.ts';
import { CASES } from '../conformance/cases.ts';
import type { ReadShared } from '../conformance/place.ts';
import { restoreDevices } from './case-tools.ts';
import { GPU_CASES, isWanted } from './cases.ts';
import { gpuPlace } from './place.ts';

/** What became of a case: a note, or an error. */
export interface Outcome {
  readonly name: string;
  /** The milliseconds that the case took. */
  readonly ms: number;
  readonly note?: string;
  readonly error?: string;
}

/**
 * What runs on a page and in Deno: all cases, one after the other. Bundled by `run-remotely.ts`.
 *
 * @param wanted  as for `isWanted`. Defaults to all.
 */
export async function runCases(
  read: ReadShared | undefined,
  tell: (outcome: Outcome) => Promise<void>,
  wanted = '',
): Promise<string> {
  const gpu = await findDevice('webgpu', undefined);
  if (typeof gpu === 'string') return gpu;
  const place = gpuPlace(gpu);
  const absent: ReadShared = () => Promise.reject(new Error('../shared is absent'));
  const conformance = CASES.map(({ name, shared, run }) => ({
    name,
    shared,
    run: () => run(place, read ?? absent),
  }));
  const api = GPU_CASES.map(({ name, shared, run }) => ({
    name,
    shared,
    run: () => run(read ?? absent),
  }));
  for (const { name, shared, run } of [...conformance, ...api]) {
    if (!isWanted(name, wanted) || (shared && read === undefined)) continue;
    const start = performance.now();
    const outcome = await run().then(
      (note) => ({ note }),
      (error: unknown) => ({
        error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error),
      }),
    );
    await restoreDevices('error' in outcome);
    await tell({ name, ms: Math.round(performance.now() - start), ...outcome });
  }
  return gpu.adapter;
}
