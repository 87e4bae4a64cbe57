// node examples/comfyui/build.mjs [FOLDER]
// Puts the node pack together, with the package's files that its page needs, and prints its files.
// FOLDER defaults to out/taesd-latent-previews. Copy that into ComfyUI/custom_nodes.
import { cpSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The package's files: the code in one file, and the small decoders. */
const PACKAGED = {
  'taesd.mjs': 'taesd.min.js',
  'nano.mjs': 'nano.js',
  'nano-sdxl.mjs': 'nano-sdxl.js',
  'nano-sd3.mjs': 'nano-sd3.js',
  'nano-flux1.mjs': 'nano-flux1.js',
};

/** @param {string} folder  is emptied first @returns {string[]} its files */
export function buildPack(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(ROOT, 'examples/comfyui/pack'), folder, {
    recursive: true,
    filter: (path) => !path.includes('__pycache__'),
  });
  cpSync(join(ROOT, 'examples/python/taesd_stream.py'), join(folder, 'taesd_stream.py'));
  for (const [name, from] of Object.entries(PACKAGED)) {
    cpSync(join(ROOT, 'dist', from), join(folder, 'web', name));
  }
  return readdirSync(folder, { recursive: true }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = process.argv[2] ?? 'out/taesd-latent-previews';
  for (const name of buildPack(folder)) {
    console.log(`${folder}/${name}  ${statSync(join(folder, name)).size} bytes`);
  }
}
