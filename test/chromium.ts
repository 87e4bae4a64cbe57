import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * A real browser, where this machine has one: it runs a module on a page and sends back what that gives.
 */

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The browser's name, or undefined where there is none. */
export const chromium = NAMES.find((name) => spawnSync(name, ['--version']).status === 0);

if (chromium === undefined && process.env.CI) {
  throw new Error('there is no Chromium here, and CI must not skip the tests on a page');
}

/** A host that the browser finds here, and whose pages by plain HTTP get no Cache API. */
const INSECURE = 'insecure.test';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

/**
 * WebGPU is off on Linux unless asked for, and without a card there is only the software adapter; a canvas costs it its
 * device unless all else is drawn by that adapter too.
 */
export const WEBGPU_FLAGS = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--use-angle=vulkan',
  '--disable-vulkan-surface',
];

/** How a page is run. */
export interface PageOptions {
  /** The page comes from a host that is not to be trusted. */
  readonly insecure?: boolean;
  /** The files below `/weights/`. */
  readonly weights?: (name: string) => Uint8Array | undefined;
  /** With WebGPU, on the browser's software adapter. */
  readonly webgpu?: boolean;
  /** Other files, by their paths. */
  readonly files?: Readonly<Record<string, string>>;
  /** The files below `/shared/`. */
  readonly shared?: (path: string) => Uint8Array;
  /** Called with what the page posts to `/told` while it works. */
  readonly told?: (value: unknown) => void;
}

/**
 * Runs a module on a page, `/dist/…` and `/weights/…` beside it.
 *
 * @param code  the body of an async function
 * @returns what it returns, or its error's text
 */
export async function runInChromium(
  code: string,
  { insecure = false, weights = () => undefined, ...more }: PageOptions = {},
): Promise<unknown> {
  const page = `<!doctype html><script type="module">
    const work = async () => { ${code} };
    const result = await work().catch((error) => String(error.stack));
    await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
  </script>`;
  let tell: (result: unknown) => void = () => {};
  const told = new Promise<unknown>((resolve) => {
    tell = resolve;
  });
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '', 'http://host').pathname;
    if (path === '/result' || path === '/told') {
      let body = '';
      for await (const piece of request.setEncoding('utf8')) body += piece;
      (path === '/told' ? more.told : tell)?.(JSON.parse(body));
      response.end();
    } else if (more.files?.[path] !== undefined) {
      response.setHeader('content-type', TYPES['.js']).end(more.files[path]);
    } else if (path.startsWith('/shared/') && more.shared !== undefined) {
      response.end(more.shared(path.slice(8)));
    } else if (path === '/') {
      response.setHeader('content-type', 'text/html').end(page);
    } else {
      const file = path.startsWith('/weights/') ? weights(path.slice(9)) : distFile(path);
      response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
      response.writeHead(file === undefined ? 404 : 200).end(file);
    }
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const profile = mkdtempSync(join(tmpdir(), 'taesd-chromium-'));
  const { port } = server.address() as AddressInfo;
  const flags = [
    '--headless=new',
    '--no-sandbox',
    ...(more.webgpu ? WEBGPU_FLAGS : ['--disable-gpu']),
    '--no-first-run',
    `--user-data-dir=${profile}`,
    `--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`,
  ];
  const url = `http://${insecure ? INSECURE : '127.0.0.1'}:${port}/`;
  // In a process group of its own, so that its helpers end with it and leave the profile alone.
  const browser = spawn(chromium ?? '', [...flags, url], { stdio: 'ignore', detached: true });
  const ended = new Promise<string>((resolve, reject) => {
    browser.on('error', reject);
    browser.on('close', (code) => resolve(`the browser ended with code ${code}`));
  });
  try {
    return await Promise.race([told, ended]);
  } finally {
    if (browser.pid !== undefined && browser.exitCode === null)
      process.kill(-browser.pid, 'SIGKILL');
    await ended;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

function distFile(path: string): Uint8Array | undefined {
  const inside = normalize(path).replace(/^[/\\]+/, '');
  if (!inside.startsWith('dist')) return undefined;
  try {
    return readFileSync(join(ROOT, inside));
  } catch {
    return undefined;
  }
}
