// Cloudflare's workerd: no workers, no compiling, a clock that stands still while it computes.
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { requireInstalled } from './install.mjs';
import { serve } from './server.mjs';
import { run, start, withinSeconds } from './spawn.mjs';

/**
 * @param date       the day as of which workerd behaves. Defaults to that of its release
 * @param isUntimed  true if another row has the times of this program
 */
export async function runWorkerd({ program, place, date, isUntimed = false }) {
  const { stdout } = await run(program, ['--version']);
  const [version] = /\d{4}-\d\d-\d\d/.exec(stdout);
  const server = await serve({ '/files/': join(place, 'files/') });
  const worker = { program, place, date: date ?? version, outside: server.port };
  try {
    const path = isUntimed ? '/untimed' : '/';
    const response = await answer({ ...worker, entry: 'worker-host.mjs', path });
    const result = await response.json();
    if (result.failure !== undefined) throw new Error(result.failure);
    result.checks.push(await exampleCheck(worker));
    return { ...result, version };
  } finally {
    server.close();
  }
}

/** README's edge function answers the bytes that the package gives in Node. */
async function exampleCheck(worker) {
  const { place } = worker;
  const latent = readFileSync(join(place, 'files/latent.png'));
  const request = { method: 'POST', body: latent };
  const response = await answer({ ...worker, entry: 'readme/worker.js', request });
  const got = Buffer.from(await response.arrayBuffer());

  const installed = (path) =>
    import(pathToFileURL(join(place, 'node_modules/taesd-wasm/dist', path)).href);
  const [{ Taesd }, { nano }] = [await installed('index.js'), await installed('nano.js')];
  const [{ encodePng }, { decodeLatentPng }] = [
    await installed('png/index.js'),
    await installed('formats/index.js'),
  ];
  const { latents, width, height } = decodeLatentPng(latent);
  const taesd = await Taesd.load({ ...nano(), workers: 0 });
  const wanted = encodePng(await taesd.decode(latents, { width, height }));
  taesd.dispose();
  return {
    name: 'example of README: PNG, bytes equal to those of Node',
    pass: got.equals(wanted),
    value: `${got.length} bytes`,
    bound: `${wanted.length} bytes`,
  };
}

/** What a worker answers, in a process of its own; the body is read before that ends. */
async function answer({ program, place, date, outside, entry, path = '/', request }) {
  const folder = mkdtempSync(join(place, 'workerd-'));
  await bundle(join(place, entry), folder);
  const config = join(folder, 'config.capnp');
  writeFileSync(config, configOf(readdirSync(folder), outside, date));
  // It tells on that descriptor at which port it listens.
  const stdio = ['ignore', 'pipe', 'pipe', 'pipe'];
  const args = ['serve', config, '--socket-addr', 'http=127.0.0.1:0', '--control-fd=3'];
  const running = start(program, args, { cwd: folder, stdio });
  try {
    const died = running.ended.then(({ code }) => {
      throw new Error(`workerd ended with ${code}: ${running.words()}`);
    });
    const work = portOf(running.child.stdio[3]).then(async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, request);
      return new Response(await response.arrayBuffer(), response);
    });
    const response = await withinSeconds(180, Promise.race([work, died]), running.words);
    if (!response.ok) throw new Error(`HTTP ${response.status}: ${running.words()}`);
    return response;
  } finally {
    await running.kill();
  }
}

/**
 * As Cloudflare's own tool does it: one module, the conditions of workerd, and WebAssembly as
 * modules beside it.
 */
async function bundle(entry, folder) {
  const { rolldown } = await import(requireInstalled.resolve('rolldown'));
  const keepModules = {
    name: 'webassembly-modules',
    resolveId(source, importer) {
      if (!source.endsWith('.wasm')) return null;
      copyFileSync(join(importer, '..', source), join(folder, basename(source)));
      return { id: `./${basename(source)}`, external: true };
    },
  };
  const built = await rolldown({
    input: entry,
    platform: 'neutral',
    resolve: { conditionNames: ['workerd', 'worker', 'browser', 'import'] },
    plugins: [keepModules],
    logLevel: 'silent',
  });
  await built.write({
    dir: folder,
    format: 'esm',
    entryFileNames: 'worker.js',
    codeSplitting: false,
  });
  await built.close();
}

function configOf(files, outside, date) {
  // The first module is the entry.
  const names = files.filter((name) => /\.(js|wasm)$/.test(name) && name !== 'worker.js');
  const modules = ['worker.js', ...names].map((name) => {
    const kind = name.endsWith('.wasm') ? 'wasm' : 'esModule';
    return `(name = "${name}", ${kind} = embed "${name}")`;
  });
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "outside", external = (address = "127.0.0.1:${outside}", http = ())),
  ],
  sockets = [(name = "http", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  compatibilityDate = "${date}",
  bindings = [(name = "OUTSIDE", service = "outside")],
);
`;
}

/** What is said on the control channel: lines of JSON, one of them with the port. */
async function portOf(stream) {
  let text = '';
  for await (const piece of stream.setEncoding('utf8')) {
    text += piece;
    const port = /"event":"listen".*"port":(\d+)/.exec(text)?.[1];
    if (port !== undefined) return port;
  }
  throw new Error('workerd listens at no port');
}
