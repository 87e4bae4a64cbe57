import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './blocks.ts';

/** Calls `run` with a new folder of the project, where `taesd-wasm` is found as by its users. */
export async function inFolder(run: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(ROOT, 'out-readme-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
