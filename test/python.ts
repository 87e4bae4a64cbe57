import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/*
 * Debian's Python, which runs examples/python and writes files that tests read.
 */

export const PYTHON = '/usr/bin/python3';
export const EXAMPLES = fileURLToPath(new URL('../examples/python/', import.meta.url));

export const finds = (module: string): boolean =>
  spawnSync(PYTHON, [
    ...['-I', '-c'],
    `import importlib.util as u, sys; sys.exit(u.find_spec('${module}') is None)`,
  ]).status === 0;

/** Skips a test, and says why, if a module is not here. If `CI` is set, the test fails instead. */
export function needs(modules: readonly string[], skip: (note: string) => void): void {
  for (const module of modules) {
    if (finds(module)) continue;
    if (process.env.CI)
      throw new Error(`${PYTHON} lacks ${module}, and CI must not skip this test`);
    skip(`${PYTHON} lacks ${module} (Debian's python3-${module})`);
  }
}

/** Runs a script that may import `taesd_stream`. @returns its stdout */
export function runPython(script: string, input: Uint8Array = new Uint8Array()): Buffer {
  const code = `import sys; sys.path.insert(0, ${JSON.stringify(EXAMPLES)})\n${script}`;
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-I', '-c', code], {
    input,
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`python3 failed: ${stderr}`);
  return stdout;
}

/** A script that serves, and the port that it prints as its first line. */
export async function servePython(script: string, ...args: string[]) {
  const code = `import sys; sys.path.insert(0, ${JSON.stringify(EXAMPLES)})\n${script}`;
  const child: ChildProcess = spawn(PYTHON, ['-I', '-c', code, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr?.on('data', (data) => {
    errors += data;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once('data', (data) => resolve(Number.parseInt(`${data}`, 10)));
    child.on('close', () => reject(new Error(`python3 ended: ${errors}`)));
  });
  return {
    port,
    /** Resolves to the exit code and what it wrote to stderr. */
    ended: async () => ({ code: await ended, errors }),
    stop: () => child.kill(),
  };
}
