// The examples of README.md and docs/bundlers.md, as files: their first line says their name.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { documentedCode, nameIn } from '../docs/blocks.mjs';

/** Writes them into `place`/readme, `in.png` beside them, and into `place`/docs. */
export function writeExamples(place, picture) {
  const folder = join(place, 'readme');
  mkdirSync(folder);
  copyFileSync(picture, join(folder, 'in.png'));
  const page = documentedCode('README.md', 'js', 'page.js');
  // Processes run `example.mjs`, pages `page.js`, and workerd `worker.js`.
  writeNamed(folder, [
    documentedCode('README.md', 'js', 'example.mjs'),
    page,
    documentedCode('README.md', 'js', 'worker.js'),
  ]);
  writeNamed(join(place, 'docs'), [
    documentedCode('docs/bundlers.md', 'jsx', 'app/picture.jsx'),
    documentedCode('docs/bundlers.md', 'js', 'app/decode/route.js'),
    documentedCode('docs/bundlers.md', 'js', 'next.config.mjs'),
    documentedCode('docs/bundlers.md', 'js', 'app/edge/route.js'),
    documentedCode('docs/bundlers.md', 'js', 'load.js'),
  ]);
  // As README says it is done without a bundler.
  const byAddress = page
    .replace("'taesd-wasm'", "'/node_modules/taesd-wasm/dist/index.js'")
    .replace("'taesd-wasm/nano'", "'/node_modules/taesd-wasm/dist/nano.js'");
  writeFileSync(join(folder, 'page-by-address.js'), byAddress);
}

/** Writes examples into files, each named by its first line. */
export function writeNamed(folder, examples) {
  for (const code of examples) {
    const path = join(folder, nameIn(code));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, code);
  }
}
