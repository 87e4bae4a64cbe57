// webpack, esbuild, Rollup and Vite's server: the programs in program/bundled/, bundled for Node
// and for pages.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentedCode } from '../docs/blocks.mjs';
import { examined, namesRemedy, onChromium, unbundled } from './compare-bundled.mjs';
import { INSTALLED, requireInstalled } from './install.mjs';
import { serve } from './server.mjs';
import { run, start, withinSeconds } from './spawn.mjs';

const PLAIN = 'bundled/plain.mjs';
const ONE_FILE = 'bundled/one-file.mjs';

/** Runs a bundle in Node. */
async function inNode(place, path) {
  const { stdout } = await run(process.execPath, [join(place, path)], { cwd: place });
  return JSON.parse(stdout);
}

/** Runs a bundle on a page, under the policy of `serve`. */
async function onPage(place, folder) {
  const server = await serve({ '/': join(place, folder) });
  try {
    const { found, faults } = await onChromium(`http://127.0.0.1:${server.port}/index.html`);
    return faults.length === 0 ? found : { error: faults.join('; ') };
  } finally {
    server.close();
  }
}

/** Writes the page of a bundle, a script or a module. */
function writePage(place, folder, kind) {
  const html = `<!doctype html><title>${folder}</title><script ${kind} src="main.js"></script>`;
  writeFileSync(join(place, folder, 'index.html'), html);
}

export async function runWebpack({ place }) {
  const webpack = requireInstalled('webpack');
  const common = { mode: 'production', context: place, entry: `./${PLAIN}`, devtool: false };
  const out = (name) => ({ path: join(place, name), filename: 'main.js' });
  // Only pages need small files, and shortening takes most of the time.
  const optimization = { minimize: false };
  const build = (more) =>
    new Promise((resolve, reject) => {
      webpack({ ...common, ...more }, (error, stats) => {
        if (error === null && !stats.hasErrors()) resolve();
        else reject(error ?? new Error(stats.toString('errors-only')));
      });
    });
  await build({ target: 'web', output: out('webpack-web') });
  const module = { module: true, chunkFormat: 'module', filename: 'main.mjs' };
  await build({
    target: 'node20',
    experiments: { outputModule: true },
    output: { ...out('webpack-node'), ...module },
    optimization,
  });
  const commonJs = { ...out('webpack-cjs'), filename: 'main.cjs' };
  await build({ target: 'node20', output: commonJs, optimization });
  writePage(place, 'webpack-web', 'defer');
  const wanted = await unbundled(place);
  return {
    version: webpack.version,
    checks: [
      ...examined('page', await onPage(place, 'webpack-web'), wanted),
      ...examined('Node', await inNode(place, 'webpack-node/main.mjs'), wanted),
      ...examined('Node, CommonJS', await inNode(place, 'webpack-cjs/main.cjs'), wanted),
    ],
  };
}

export async function runEsbuild({ place }) {
  const { build, version } = requireInstalled('esbuild');
  const bundle = (entry, outfile, format) =>
    build({
      ...{ entryPoints: [join(place, entry)], outfile: join(place, outfile), bundle: true },
      ...{ format, platform: 'node', logLevel: 'error' },
    });
  const oneFile = documentedCode('docs/bundlers.md', 'sh', 0);
  await runLines(oneFile, makeEntry(place, 'esbuild-one-file', ONE_FILE));
  const external = documentedCode('docs/bundlers.md', 'sh', 1);
  await runLines(external, makeEntry(place, 'esbuild-external', PLAIN));
  await bundle(ONE_FILE, 'esbuild-node/one-file.cjs', 'cjs');
  await bundle(PLAIN, 'esbuild-node/plain.mjs', 'esm');
  writePage(place, 'esbuild-one-file/out', 'type="module"');
  const wanted = await unbundled(place);
  const ran = (name) => inNode(place, name);
  const oneInNode = await ran('esbuild-one-file/out/main.mjs');
  return {
    version,
    checks: [
      ...examined('page', await onPage(place, 'esbuild-one-file/out'), wanted, 'none wanted'),
      ...examined('Node, one file', oneInNode, wanted, 'none wanted'),
      ...examined('Node, CommonJS', await ran('esbuild-node/one-file.cjs'), wanted, 'none wanted'),
      ...examined('Node, packages external', await ran('esbuild-external/out/main.mjs'), wanted),
      namesRemedy('Node, nothing handed over', await ran('esbuild-node/plain.mjs')),
    ],
  };
}

/** Makes a folder whose `main.js` is a program. @returns the folder */
function makeEntry(place, name, program) {
  const folder = join(place, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'main.js'), `import '../${program}';\n`);
  return folder;
}

/** Runs lines of docs/bundlers.md, in which `npx` finds the packages installed here. */
async function runLines(lines, cwd) {
  const PATH = `${INSTALLED}node_modules/.bin:${process.env.PATH}`;
  const script = `set -e\nnpx() { "$@"; }\n${lines}`;
  await run('bash', ['-c', script], { cwd, env: { ...process.env, PATH } });
}

export async function runRollup({ place }) {
  const { rollup, VERSION } = requireInstalled('rollup');
  const { nodeResolve } = requireInstalled('@rollup/plugin-node-resolve');
  const bundle = async (entry, name, external = []) => {
    const plugins = [nodeResolve({ exportConditions: ['node'] })];
    const built = await rollup({ input: join(place, entry), external, plugins });
    await built.write({ dir: join(place, `rollup-${name}`), entryFileNames: 'main.mjs' });
    await built.close();
    return inNode(place, `rollup-${name}/main.mjs`);
  };
  const wanted = await unbundled(place);
  return {
    version: VERSION,
    checks: [
      ...examined('one file', await bundle(ONE_FILE, 'one-file'), wanted, 'none wanted'),
      ...examined('external', await bundle(PLAIN, 'kept-out', ['taesd-wasm']), wanted),
      namesRemedy('nothing handed over', await bundle(PLAIN, 'plain')),
    ],
  };
}

/** Vite's server for development, which bundles dependencies in another way than `vite build`. */
export async function runViteServer({ place, program }) {
  const args = [program('vite'), 'bundled', '--host', '127.0.0.1', '--port', '0'];
  const running = start(process.execPath, args, { cwd: place });
  try {
    const address = await withinSeconds(60, addressSaid(running), running.words);
    const wanted = await unbundled(place);
    const checks = [];
    for (const page of ['index.html', 'by-url.html']) {
      const { found, faults } = await onChromium(`${address}/${page}`);
      const shown = faults.length > 0 ? { error: faults.join('; ') } : found;
      checks.push(...examined(page, shown, wanted));
    }
    return { version: requireInstalled('vite/package.json').version, checks };
  } finally {
    await running.kill();
  }
}

/** The address that a server prints when it is ready. */
export async function addressSaid({ child, ended }) {
  let text = '';
  const said = new Promise((resolve) => {
    child.stdout.on('data', (piece) => {
      // Vite writes in colours.
      text += piece.replaceAll(COLOURS, '');
      const port = /http:\/\/[\w.]+:(\d+)/.exec(text)?.[1];
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
    });
  });
  const died = ended.then(({ code }) => {
    throw new Error(`the server ended with ${code}`);
  });
  return Promise.race([said, died]);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const COLOURS = /\x1b\[[\d;]*m/g;
