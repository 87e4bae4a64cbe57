// npm run fuzz [-- TARGET… --minutes N --seed S --corpus DIR --replay FILE]
// Bundles main.ts and worker.ts, in which imports of src/ become those of dist/, and runs them.
// Coverage is then of the files that users get.
import { mkdirSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { build } from 'esbuild';
import { srcIsDist } from '../src-is-dist.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const BUILT = here('state/built/');

// Memory is measured after a collection. A flag of the command line would not reach workers.
setFlagsFromString('--expose-gc');
// The processes of the targets begin at any time: one would read what another is writing.
if (process.env.TAESD_FUZZ_BUILT !== '1') {
  mkdirSync(BUILT, { recursive: true });
  await build({
    entryPoints: [here('main.ts'), here('worker.ts')],
    outdir: BUILT,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    plugins: [srcIsDist],
  });
}
const { main } = await import(pathToFileURL(`${BUILT}main.mjs`).href);
process.exitCode = await main(process.argv.slice(2), here('./'));
