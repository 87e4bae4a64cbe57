// Next: the app of docs/bundlers.md, built and served as on a server.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressSaid } from './bundler-runtimes.mjs';
import { examined, installedModule, onChromium, unbundled } from './compare-bundled.mjs';
import { INSTALLED, requireInstalled } from './install.mjs';
import { run, start, withinSeconds } from './spawn.mjs';

/** The files of docs/bundlers.md, and where they go in the app. */
const DOCUMENTED = {
  'app/picture.jsx': 'app/picture.jsx',
  'app/decode/route.js': 'app/decode/route.js',
  'next.config.mjs': 'documented.config.mjs',
};
const OF_EDGE = { 'app/edge/route.js': 'app/edge/route.js' };

/**
 * @param flags  of `next build`
 * @param edge   whether the bundler can build edge routes
 */
export async function runNext({ place, program, flags, edge }) {
  const app = makeApp(place, edge ? { ...DOCUMENTED, ...OF_EDGE } : DOCUMENTED);
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', TAESD_ROOT: INSTALLED, CI: '1' };
  const options = { cwd: app, env };
  const next = program('next');
  const building = [next, 'build', ...flags];
  const { stdout, stderr } = await run(process.execPath, building, { ...options, seconds: 300 });
  const running = start(process.execPath, [next, 'start', '--port', '0'], options);
  try {
    const address = await withinSeconds(60, addressSaid(running), running.words);
    const checks = await withinSeconds(120, examineApp(place, address, edge), running.words);
    checks.push(same('warnings of the build', warnings(stdout + stderr), 'none'));
    return { version: requireInstalled('next/package.json').version, checks };
  } finally {
    await running.kill();
  }
}

/** Next's analysis reports what an edge runtime or a bundler cannot have. */
const warnings = (text) =>
  /.*(?:Node\.js (?:API|module)|Critical dependency|not found|not allowed).*/i.exec(text)?.[0] ??
  'none';

/**
 * Writes the app into a folder of its own, in the folder where Next is installed: its bundlers take
 * no packages from elsewhere.
 */
function makeApp(place, documented) {
  const app = mkdtempSync(join(INSTALLED, 'next-app-'));
  process.on('exit', () => rmSync(app, { recursive: true, force: true, maxRetries: 5 }));
  cpSync(join(place, 'next'), app, { recursive: true });
  cpSync(join(place, 'bundled'), join(app, 'bundled'), { recursive: true });
  cpSync(join(place, 'measures.mjs'), join(app, 'measures.mjs'));
  for (const [from, to] of Object.entries(documented)) {
    cpSync(join(place, 'docs', from), join(app, to));
  }
  writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }\n');
  const packages = join(app, 'node_modules');
  cpSync(join(place, 'node_modules'), packages, { recursive: true });
  const copy = join(packages, 'taesd-kept-out');
  cpSync(join(packages, 'taesd-wasm'), copy, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8'));
  writeFileSync(
    join(copy, 'package.json'),
    JSON.stringify({ ...manifest, name: 'taesd-kept-out' }),
  );
  return app;
}

async function examineApp(place, address, edge) {
  const wanted = await unbundled(place);
  const asked = async (path) => (await fetch(`${address}/${path}`)).json();
  const shown = await onChromium(address, canvasBytes);
  const { digest } = await import(`file://${join(place, 'measures.mjs')}`);
  const client = shown.faults.length > 0 ? { error: shown.faults.join('; ') } : shown.found;
  const latent = readFileSync(join(place, 'files/latent.png'));
  const png = await decodedPng(place, latent);
  return [
    ...examined('route handler', await asked('examine'), wanted),
    ...examined('route handler, serverExternalPackages', await asked('kept-out'), wanted),
    ...examined('client component', client, wanted),
    same('client component of docs, canvas', digest(Uint8Array.from(shown.more)), wanted.digest),
    same('route handler of docs, PNG', await posted(`${address}/decode`, latent), png),
    ...(edge
      ? [same('edge route of docs, PNG', await posted(`${address}/edge`, latent), png)]
      : []),
  ];
}

/** Runs on the page: waits until the component has drawn. */
async function canvasBytes() {
  const canvas = document.querySelector('canvas');
  for (let tries = 0; tries < 100; tries++) {
    const { width, height } = canvas;
    if (width === 400) {
      const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
      if (data[3] === 255) return [...data];
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return [];
}

const posted = async (address, body) => {
  const response = await fetch(address, { method: 'POST', body });
  const bytes = Buffer.from(await response.arrayBuffer());
  return response.ok ? bytes.toString('base64') : `HTTP ${response.status}: ${bytes}`;
};

/** Returns the answer of the routes of docs, made without a bundler. */
async function decodedPng(place, latent) {
  const [{ Taesd }, { encodePng }, { decodeLatentPng }] = await Promise.all(
    ['index.js', 'png/index.js', 'formats/index.js'].map((path) => installedModule(place, path)),
  );
  const { latents, width, height } = decodeLatentPng(latent);
  const taesd = await Taesd.load({ model: 'nano', workers: 0 });
  const png = encodePng(await taesd.decode(latents, { width, height }));
  taesd.dispose();
  return Buffer.from(png).toString('base64');
}

const brief = (text) => (text.length > 120 ? `${text.slice(0, 60)}… (${text.length})` : text);

const same = (name, value, bound) => ({
  name,
  pass: value === bound,
  value: brief(value),
  bound: brief(bound),
});
