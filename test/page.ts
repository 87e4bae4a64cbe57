import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { strToU8, zipSync } from 'fflate';
import { afterAll } from 'vitest';
import { browserProgram } from './browsers.mjs';
import { type BrowserName, type RunningBrowser, startBrowser } from './running-browser.ts';

/*
 * Real browsers, where this machine has them: one runs a module on a page and sends back what that
 * gives.
 */

export type { BrowserName };

/** The programs' names; undefined for those that are not here. */
export const [chromium, firefox] = (['chromium', 'firefox'] as const).map((name) => {
  const program = browserProgram(name);
  if (program === undefined && process.env.CI) {
    throw new Error(`there is no ${name} here, and CI must not skip the tests on a page`);
  }
  return program;
});

/** A host that Chromium finds here, and whose pages by plain HTTP get no Cache API. */
const INSECURE = 'insecure.test';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** How a page is run. */
export interface PageOptions {
  /** The page comes from a host that is not to be trusted; in Chromium alone. */
  readonly insecure?: boolean;
  /** The files below `/weights/`. */
  readonly weights?: (name: string) => Uint8Array | undefined;
  /** Defaults to Chromium. */
  readonly browser?: BrowserName;
  /** With WebGPU, on whatever adapter the browser has: of Chromium its software adapter. */
  readonly webgpu?: boolean;
  /** More preferences of Firefox, by their names. */
  readonly preferences?: Readonly<Record<string, unknown>>;
  /** Other files, by their paths. */
  readonly files?: Readonly<Record<string, string>>;
  /** The files below `/shared/`. */
  readonly shared?: (path: string) => Uint8Array;
  /** Files of other kinds, by their paths. */
  readonly served?: (path: string) => { type: string; bytes: Uint8Array } | undefined;
  /** The page's Content-Security-Policy. */
  readonly policy?: string;
  /** Other origins may read all files, such as sandboxed frames, whose origin is none. */
  readonly shareable?: boolean;
  /** The files of an extension that is installed, by their names. */
  readonly extension?: Readonly<Record<string, string>>;
  /** The page has an import map for the packages that the package needs. */
  readonly mapped?: boolean;
  /** Called with what the page posts to `/told` while it works. */
  readonly told?: (value: unknown) => void;
  /** Ends the browser. Its reason is thrown. */
  readonly signal?: AbortSignal;
}

/**
 * Returns the body of a page's code: it starts a module as a service worker, sends it `decode` with
 * a port, and returns the answer.
 */
export const askServiceWorker = (script: string): string => `
  const registration = await navigator.serviceWorker.register('${script}', { type: 'module' });
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => { port1.onmessage = ({ data }) => resolve(data); });
  worker.postMessage('decode', [port2]);
  return answer;`;

/**
 * Runs a module on a page, `/dist/…` and `/weights/…` beside it.
 *
 * @param code  the body of an async function
 * @returns what it returns, or its error's text
 */
export async function runOnPage(
  code: string,
  {
    browser: name = 'chromium',
    insecure = false,
    weights = () => undefined,
    ...more
  }: PageOptions = {},
): Promise<unknown> {
  const map = more.mapped
    ? `<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>`
    : '';
  const page = `<!doctype html>${map}<script type="module">
    const work = async () => { ${code} };
    const result = await work().catch((error) => error + ' ' + error.stack);
    await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
    close();
  </script>`;
  let tell: (result: unknown) => void = () => {};
  const told = new Promise<unknown>((resolve) => {
    tell = resolve;
  });
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '', 'http://host').pathname;
    if (more.shareable) response.setHeader('access-control-allow-origin', '*');
    if (path === '/result' || path === '/told') {
      let body = '';
      for await (const piece of request.setEncoding('utf8')) body += piece;
      (path === '/told' ? more.told : tell)?.(JSON.parse(body));
      response.end();
    } else if (path === '/never') {
      // A request without an answer.
    } else if (more.files?.[path] !== undefined) {
      response.setHeader('content-type', TYPES['.js']).end(more.files[path]);
    } else if (path.startsWith('/shared/') && more.shared !== undefined) {
      response.end(more.shared(path.slice(8)));
    } else if (path === '/') {
      if (more.policy !== undefined) response.setHeader('content-security-policy', more.policy);
      response.setHeader('content-type', 'text/html').end(page);
    } else if (more.served?.(path) !== undefined) {
      const file = more.served(path);
      response.setHeader('content-type', file?.type ?? '').end(file?.bytes);
    } else {
      const file = path.startsWith('/weights/') ? weights(path.slice(9)) : distFile(path);
      response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
      response.writeHead(file === undefined ? 404 : 200).end(file);
    }
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await browserFor(name, more);
  const aborted = new Promise<never>((_, reject) => {
    more.signal?.addEventListener('abort', () => reject(more.signal?.reason));
  });
  browser.open(`http://${insecure ? INSECURE : '127.0.0.1'}:${port}/`);
  try {
    return await Promise.race([told, browser.ended, aborted]);
  } finally {
    // One that runs on may be at work on that page.
    if (isUsedOnce(more) || more.signal?.aborted) await browser.end();
    server.closeAllConnections();
    server.close();
  }
}

/**
 * The browsers that run, by name and preferences. Each is used by all tests of a file: every page
 * has an origin of its own, and so a storage of its own.
 */
const running = new Map<string, Promise<RunningBrowser>>();
afterAll(async () => {
  for (const browser of running.values()) await (await browser).end();
});

/** Software adapters may be lost for good, and an extension stays. */
const isUsedOnce = ({ webgpu, extension }: PageOptions): boolean =>
  webgpu === true || extension !== undefined;

function browserFor(name: BrowserName, options: PageOptions): Promise<RunningBrowser> {
  const { webgpu, preferences, extension } = options;
  const start = () =>
    startBrowser(name, {
      webgpu,
      preferences: { ...preferences, ...(extension && UNSIGNED) },
      prepare: (profile) => [
        ...(name === 'chromium' ? [`--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`] : []),
        ...(extension === undefined ? [] : install(name, profile, extension)),
      ],
    });
  if (isUsedOnce(options)) return start();
  const key = JSON.stringify([name, preferences]);
  const known = running.get(key);
  if (known !== undefined) return known;
  const started = start();
  running.set(key, started);
  void started.then(({ ended }) => ended.then(() => running.delete(key)));
  return started;
}

/** The preferences with which Firefox takes an extension that nobody signed. */
const UNSIGNED = { 'xpinstall.signatures.required': false, 'extensions.autoDisableScopes': 0 };

/** The name of the extension in Firefox, which its manifest repeats. */
export const EXTENSION_ID = 'extension@taesd.test';

/** Puts an extension into a profile. @returns arguments of the browser */
function install(
  browser: BrowserName,
  profile: string,
  files: Readonly<Record<string, string>>,
): string[] {
  if (browser === 'firefox') {
    const folder = join(profile, 'extensions');
    mkdirSync(folder);
    const each = Object.entries(files).map(([name, text]) => [name, strToU8(text)]);
    writeFileSync(join(folder, `${EXTENSION_ID}.xpi`), zipSync(Object.fromEntries(each)));
    return [];
  }
  const folder = join(profile, 'extension');
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return [`--load-extension=${folder}`, '--disable-features=DisableLoadExtensionCommandLineSwitch'];
}

/** The dependencies, as README's section "Runtimes" names their files. */
export const IMPORTS = {
  fflate: '/node_modules/fflate/esm/browser.js',
  'fast-png': '/node_modules/fast-png/lib/index.js',
  iobuffer: '/node_modules/iobuffer/lib/iobuffer.js',
};
const DEPENDENCIES = /^node_modules[/\\](?:fflate|fast-png|iobuffer)[/\\]/;

function distFile(path: string): Uint8Array | undefined {
  const inside = normalize(path).replace(/^[/\\]+/, '');
  if (!inside.startsWith('dist') && !DEPENDENCIES.test(inside)) return undefined;
  try {
    return readFileSync(join(ROOT, inside));
  } catch {
    return undefined;
  }
}
