import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type BrowserName, runOnPage } from '../page.ts';
import { installedProgram, installRuntimes } from '../runtimes/install.mjs';
import { sharedFile, sharedPath } from '../shared.ts';
import type { Outcome } from './remote.ts';

/*
 * The cases in a runtime that has WebGPU: a page of Chromium on its software adapter, a page of
 * Firefox and Deno on the machine's, which is Mesa's llvmpipe where there is no card. They use the
 * package's own files in dist/; only the cases are bundled.
 */

/** How the cases run, and who hears of them. */
export interface Run {
  /** Parts of the names of those that run, as for `isWanted`; empty for all. */
  readonly wanted: string;
  /** Called with each outcome as it comes. */
  readonly told: (outcome: Outcome) => void;
  /** Ends the runtime. */
  readonly signal: AbortSignal;
}

/** @param dist  where the files of `src/` are once they are built */
async function bundle(dist: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('remote.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    write: false,
    plugins: [
      {
        name: 'dist',
        setup({ onResolve }) {
          onResolve({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
            path: path.replace(/^.*\/src\//, dist).replace(/\.ts$/, '.js'),
            external: true,
          }));
        },
      },
    ],
  });
  return outputFiles[0].text;
}

/** @returns the adapter's name, or the reason why there is none or why the cases ended early */
export async function runInBrowser(
  browser: BrowserName,
  { wanted, told, signal }: Run,
): Promise<string> {
  const code = `
    const { runCases } = await import('/cases.js');
    const read = async (path) => new Uint8Array(await (await fetch('/shared/' + path)).arrayBuffer());
    const tell = (outcome) => fetch('/told', { method: 'POST', body: JSON.stringify(outcome) });
    return runCases(${existsSync(sharedPath(''))} ? read : undefined, tell, ${JSON.stringify(wanted)});`;
  const adapter = await runOnPage(code, {
    browser,
    webgpu: true,
    files: { '/cases.js': await bundle('/dist/') },
    shared: sharedFile,
    told: (outcome) => told(outcome as Outcome),
    signal,
  });
  return String(adapter);
}

/**
 * Deno's program: the path's, else the one that `npm run test:runtimes` installs, which CI installs
 * here.
 */
export const deno = await findDeno();

async function findDeno(): Promise<string | undefined> {
  if (spawnSync('deno', ['--version']).status === 0) return 'deno';
  if (!process.env.CI) return installedProgram('deno');
  const { program, reason } = (await installRuntimes(['deno'])).deno;
  if (program === undefined) console.warn(`no Deno: ${reason}`);
  return program;
}

/** Does as `runInBrowser`. */
export async function runInDeno({ wanted, told, signal }: Run): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'taesd-deno-'));
  const dist = new URL('../../dist/', import.meta.url).href;
  const program = join(folder, 'cases.mjs');
  const shared = JSON.stringify(existsSync(sharedPath('')) ? sharedPath('') : undefined);
  writeFileSync(join(folder, 'remote.mjs'), await bundle(dist));
  writeFileSync(
    program,
    `import { runCases } from './remote.mjs';
    const shared = ${shared};
    const read = (path) => Deno.readFile(shared + path);
    const tell = async (outcome) => console.log(JSON.stringify(outcome));
    const adapter = await runCases(shared && read, tell, ${JSON.stringify(wanted)});
    console.log(JSON.stringify({ adapter }));
    Deno.exit();`,
  );
  let adapter = '';
  let complaint = '';
  const child = spawn(deno ?? '', ['run', '-A', '--no-lock', program], {
    env: { ...process.env, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' },
    signal,
    killSignal: 'SIGKILL',
  });
  child.on('error', (error) => {
    complaint += error.message;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaint += text;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const news = JSON.parse(line) as Outcome & { adapter?: string };
    if (news.adapter === undefined) told(news);
    else adapter = news.adapter;
  }
  rmSync(folder, { recursive: true });
  signal.throwIfAborted();
  return adapter || `Deno ended early: ${complaint.slice(-2000)}`;
}
