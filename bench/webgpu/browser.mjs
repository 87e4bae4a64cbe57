// A browser that benchmarks run in: a fresh profile, and a page that runs one function after the
// other.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SHARED = fileURLToPath(new URL('../../../shared/', import.meta.url));
const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/**
 * The adapters that a browser can be started with: a GPU, if there is one, the software one, or as
 * it comes.
 */
const FLAGS = {
  gpu: ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--ignore-gpu-blocklist'],
  software: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  plain: [],
};

const chromium = NAMES.find((name) => spawnSync(name, ['--version']).status === 0);

export const browserVersion = () =>
  chromium && spawnSync(chromium, ['--version'], { encoding: 'utf8' }).stdout.trim();

/**
 * @param kind  'gpu', 'software' or 'plain'
 * @param page  the address of the page's module, which answers by answer.mjs
 * @returns { ask(name, ...args) → the result of the page's function of that name, close() }
 */
export async function startBrowser(kind, page = '/bench/webgpu/page.mjs') {
  if (chromium === undefined) throw new Error('no Chromium here');
  const questions = [];
  const answers = new Map();
  let wake = () => {};
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://host').pathname;
    if (path === '/question') {
      if (questions.length === 0) await new Promise((resolve) => (wake = resolve));
      response.end(JSON.stringify(questions.shift() ?? null));
    } else if (path === '/answer') {
      let body = '';
      for await (const piece of request.setEncoding('utf8')) body += piece;
      const { id, value, error } = JSON.parse(body);
      response.end();
      if (error === undefined) answers.get(id).resolve(value);
      else answers.get(id).reject(new Error(error));
    } else {
      const file = path === '/' ? htmlOf(page) : fileOf(path);
      response.setHeader('content-type', TYPES[extname(path)] ?? 'text/html');
      response.writeHead(file === undefined ? 404 : 200).end(file);
    }
  }).listen(0, '127.0.0.1');
  server.requestTimeout = 0;
  await new Promise((resolve) => server.once('listening', resolve));
  const profile = mkdtempSync(join(tmpdir(), 'taesd-bench-'));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const flags = ['--headless=new', '--no-sandbox', '--no-first-run', `--user-data-dir=${profile}`];
  const browser = spawn(chromium, [...flags, ...FLAGS[kind], url], {
    stdio: 'ignore',
    detached: true,
  });
  const ended = new Promise((resolve) => browser.on('close', resolve));
  let count = 0;
  const ask = (name, ...args) => {
    const id = count++;
    questions.push({ id, name, args });
    wake();
    const answer = new Promise((resolve, reject) => answers.set(id, { resolve, reject }));
    return Promise.race([
      answer,
      ended.then(() => Promise.reject(new Error('the browser ended early'))),
    ]);
  };
  const close = async () => {
    if (browser.exitCode === null && browser.signalCode === null) {
      process.kill(-browser.pid, 'SIGKILL');
    }
    await ended;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  return { ask, close };
}

const PEERS = '/bench/webgpu/node_modules/';
const htmlOf = (page) =>
  `<!doctype html><link rel="icon" href="data:,"><script type="importmap">${JSON.stringify({
    imports: {
      '@tensorflow/tfjs-core': `${PEERS}@tensorflow/tfjs-core/dist/tf-core.fesm.js`,
      '@tensorflow/tfjs-backend-webgpu': `${PEERS}@tensorflow/tfjs-backend-webgpu/dist/tf-backend-webgpu.fesm.js`,
      'onnxruntime-web/webgpu': `${PEERS}onnxruntime-web/dist/ort.webgpu.bundle.min.mjs`,
    },
  })}</script><script type="module" src="${page}"></script>`;

function fileOf(path) {
  const inside = normalize(path).replace(/^[/\\]+/, '');
  const isShared = inside.startsWith('shared');
  const file = isShared ? join(SHARED, inside.slice('shared'.length)) : join(ROOT, inside);
  if (!isShared && !/^(dist|bench)\b/.test(inside)) return undefined;
  try {
    return statSync(file).isFile() ? readFileSync(file) : undefined;
  } catch {
    return undefined;
  }
}
