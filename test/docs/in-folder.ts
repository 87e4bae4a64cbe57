import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ROOT } from './blocks.mjs';

/** Calls `run` with a new folder of the project, where `taesd-wasm` is found as by its users. */
export async function inFolder(run: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(ROOT, 'out-readme-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Runs code as a module of its own process. It must succeed and say nothing on stderr.
 *
 * @param env  more of the environment
 * @returns its stdout
 */
export function runModule(
  folder: string,
  code: string,
  env: Readonly<Record<string, string>> = {},
): string {
  writeFileSync(join(folder, 'example.mjs'), code);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['example.mjs'], {
    cwd: folder,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  expect([stderr, status]).toEqual(['', 0]);
  return stdout;
}
