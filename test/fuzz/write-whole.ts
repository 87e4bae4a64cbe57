import { renameSync, writeFileSync } from 'node:fs';

/** Writes a file that has its name once it is whole, so that a process that dies leaves no half. */
export function writeWhole(path: string, data: Uint8Array | string): void {
  const draft = `${path}.draft`;
  writeFileSync(draft, data);
  renameSync(draft, path);
}
