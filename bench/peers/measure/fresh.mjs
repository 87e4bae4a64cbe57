// Programs that run once, in a fresh process, and print one JSON object.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs the program at `bench/peers/measure/NAME`. @returns the object that it printed */
export function runFresh(name, ...args) {
  const program = fileURLToPath(new URL(name, import.meta.url));
  const { status, stdout, stderr, signal } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
  });
  if (status === 0) return JSON.parse(stdout);
  const why = stderr.split('\n').find((line) => /error/i.test(line)) ?? '';
  throw new Error(`${name} ended (${signal ?? `status ${status}`}) ${why}`.trim());
}
