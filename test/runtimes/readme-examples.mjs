// The examples of README.md and docs/bundlers.md, as files: their first line says their name.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const README = new URL('../../README.md', import.meta.url);
const BUNDLERS = new URL('../../docs/bundlers.md', import.meta.url);

/** Who is run by whom: `example.mjs` by processes, `page.js` on pages, `worker.js` by workerd. */
const NAMES = ['example.mjs', 'page.js', 'worker.js'];

/** Writes them into `place`/readme, `in.png` beside them. */
export function writeExamples(place, picture) {
  const folder = join(place, 'readme');
  mkdirSync(folder);
  copyFileSync(picture, join(folder, 'in.png'));
  const examples = examplesOf(README);
  if (`${[...examples.keys()]}` !== `${NAMES}`) {
    throw new Error(`README.md: expected the examples ${NAMES}, got ${[...examples.keys()]}`);
  }
  writeAll(folder, examples);
  writeAll(join(place, 'docs'), examplesOf(BUNDLERS));
  // As README says it is done without a bundler.
  const byAddress = examples
    .get('page.js')
    .replace("'taesd-wasm'", "'/node_modules/taesd-wasm/dist/index.js'")
    .replace("'taesd-wasm/nano'", "'/node_modules/taesd-wasm/dist/nano.js'");
  writeFileSync(join(folder, 'page-by-address.js'), byAddress);
}

/** name → code. */
function examplesOf(document) {
  const text = readFileSync(document, 'utf8');
  const blocks = [...text.matchAll(/^```jsx?\n(\/\/ (\S+).*?)^```/gms)];
  return new Map(blocks.map(([, code, name]) => [name.replace(/,$/, ''), code]));
}

function writeAll(folder, examples) {
  for (const [name, code] of examples) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, code);
  }
}
