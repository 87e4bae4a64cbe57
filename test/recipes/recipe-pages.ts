import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page } from 'playwright-core';
import { driveChromium } from '../driven-chromium.ts';
import { IMPORTS } from '../page.ts';

/*
 * Pages with the code of a document. Names of packages are found by an import map, so the code runs
 * as it stands.
 */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const INSTALLED = '/test/runtimes/installed/node_modules';
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
};

/** The names of the package's entries, as package.json has them. */
const ENTRIES = Object.entries(
  JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).exports as Record<
    string,
    { default?: string }
  >,
).flatMap(([name, { default: path }]) =>
  path?.endsWith('.js') ? [[`taesd-wasm${name.slice(1)}`, path.slice(1)]] : [],
);

const MAP = {
  ...Object.fromEntries(ENTRIES),
  ...IMPORTS,
  vue: `${INSTALLED}/vue/dist/vue.runtime.esm-browser.prod.js`,
  p5: `${INSTALLED}/p5/lib/p5.esm.min.js`,
  'onnxruntime-web/webgpu': `${INSTALLED}/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs`,
};

export interface Recipe {
  readonly html?: string | undefined;
  /** The module of the page. */
  readonly js: string;
  /** A script before it, which sets what the document takes as given. */
  readonly before?: string;
  /** Other files, by their paths. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

export interface Pages {
  /** Opens a page. The test fails if it reports an error. */
  open(recipe: Recipe, context?: BrowserContext): Promise<Page>;
  newContext(): Promise<BrowserContext>;
  /** The paths that were asked for so far. */
  readonly asked: string[];
  /** The errors of the pages so far. */
  readonly errors: string[];
  readonly port: number;
  close(): Promise<void>;
}

/** @param webgpu  with WebGPU, on the browser's software adapter */
export async function openPages(webgpu = false): Promise<Pages> {
  let now: Recipe = { js: '' };
  const asked: string[] = [];
  const errors: string[] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://host');
    asked.push(pathname);
    const body = bodyOf(pathname, now);
    const type = pathname === '/' ? 'text/html' : TYPES[extname(pathname)];
    response.setHeader('content-type', type ?? 'application/octet-stream');
    response.writeHead(body === undefined ? 404 : 200).end(body);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await driveChromium(webgpu);
  return {
    asked,
    errors,
    port,
    newContext: () => browser.newContext(),
    async open(recipe, context) {
      now = recipe;
      const page = await (context ?? (await browser.newContext())).newPage();
      page.on('pageerror', ({ message }) => errors.push(message));
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      await page.goto(`http://127.0.0.1:${port}/`);
      return page;
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

function bodyOf(path: string, recipe: Recipe): string | Uint8Array | undefined {
  if (path === '/') {
    return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
      <script type="importmap">${JSON.stringify({ imports: MAP })}</script>
      <body>${recipe.html ?? ''}
      <script>${recipe.before ?? ''}</script>
      <script type="module" src="/recipe.js"></script>`;
  }
  if (path === '/recipe.js') return recipe.js;
  const own = recipe.files?.[path];
  if (own !== undefined) return own;
  const file = join(ROOT, normalize(path));
  if (!/^\/(?:dist|node_modules|test\/runtimes\/installed)\//.test(normalize(path)))
    return undefined;
  try {
    return statSync(file).isFile() ? readFileSync(file) : undefined;
  } catch {
    return undefined;
  }
}

/** A hash of the pixels of a canvas, also of one in an element, as `hashOfPicture` makes it. */
export const hashOfCanvas = (page: Page, selector: string): Promise<number> =>
  page
    .locator(selector)
    .first()
    .evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const copy = new OffscreenCanvas(width, height).getContext('2d');
      copy?.drawImage(canvas as HTMLCanvasElement, 0, 0);
      const { data } = copy?.getImageData(0, 0, width, height) ?? { data: [] };
      return [...data].reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 7);
    });

export const hashOfPicture = ({ data }: { readonly data: Uint8ClampedArray }): number =>
  data.reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 7);
