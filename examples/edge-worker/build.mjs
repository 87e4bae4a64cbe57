// node examples/edge-worker/build.mjs
// Bundles the worker into out/: its code, the kernels, and half of the small model. That folder is what workerd runs and what
// is deployed. Prints its size, and fails where it is more than an edge takes.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { nano } from 'taesd-wasm/nano';
import { loadEsbuild } from './tools/install.mjs';

/** What Cloudflare takes on its free plan, gzipped. */
const MOST_GZIPPED = 3_000_000;

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * @param {string} [folder]  where the bundle goes
 * @param {string} [banner]  code in front of all other
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
    // What the package has for workerd: kernels that the runtime compiles, since it refuses to compile bytes.
    conditions: ['workerd'],
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
    external: ['./nano-decoder.bin'],
  });
  // Not `nano()` in the worker: 2 MB of text, half of it an encoder that is of no use here, take 20 MB more to start.
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
  if (total <= MOST_GZIPPED) return;
  throw new Error(`bundle: expected at most ${MOST_GZIPPED} bytes gzipped, got ${total}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) checkSize(await buildWorker());
