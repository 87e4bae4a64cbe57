// node examples/edge-worker/build.mjs
// Bundles the worker into out/: its code, the kernels and the small model's decoder. workerd runs
// that folder, and it is what gets deployed. Prints its size, and fails if an edge would not take
// it.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { nano } from 'taesd-wasm/nano';
import { loadEsbuild } from './tools/install.mjs';

/** The limit of Cloudflare's free plan. */
const MAX_GZIPPED = 3_000_000;

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * @param {string} [folder]  the bundle's folder
 * @param {string} [banner]  code put in front of the worker's
 * @returns {Promise<{ name: string, bytes: number, gzipped: number }[]>} the bundle's files
 */
export async function buildWorker(folder = 'out', banner = '') {
  const outdir = pathOf(folder);
  rmSync(outdir, { recursive: true, force: true });
  await loadEsbuild().build({
    entryPoints: { worker: pathOf('worker.mjs') },
    outdir,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    banner: { js: banner },
    // The package's entry for workerd imports the kernels as a module: workerd refuses to compile
    // bytes.
    conditions: ['workerd'],
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
    external: ['./nano-decoder.bin'],
  });
  // Calling `nano()` in the worker would need 20 MB more to start: it is 2 MB of text, and half of
  // it is an encoder that this worker does not use.
  writeFileSync(`${outdir}/nano-decoder.bin`, nano().weights.decoder);
  return readdirSync(outdir).map((name) => {
    const file = readFileSync(`${outdir}/${name}`);
    return { name, bytes: file.length, gzipped: gzipSync(file, { level: 9 }).length };
  });
}

/** @param {Awaited<ReturnType<typeof buildWorker>>} files */
export function checkSize(files) {
  const total = files.reduce((sum, { gzipped }) => sum + gzipped, 0);
  for (const { name, bytes, gzipped } of files) {
    console.log(`out/${name.padEnd(16)} ${bytes} bytes, ${gzipped} gzipped`);
  }
  if (total <= MAX_GZIPPED) return;
  throw new Error(`bundle: expected at most ${MAX_GZIPPED} bytes gzipped, got ${total}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) checkSize(await buildWorker());
