/*
 * The page's service worker: keeps the page's own files, so that it works without a network after
 * one visit. It runs as a script of its own and imports nothing.
 *
 * A new version is fetched beside the old one. It takes over when no page of the old one is open,
 * so a page never mixes the files of two versions.
 */

/** The page's files, and a hash of them all: `plugins/offline.ts` writes both before this code. */
declare const FILES: readonly string[];
declare const VERSION: string;

/** The types that are used here. TypeScript's own exclude those of pages. */
interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Lasting {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface ServiceWorkerScope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  addEventListener(type: 'install' | 'activate', listener: (event: Lasting) => void): void;
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void;
}

const worker = globalThis as unknown as ServiceWorkerScope;
const { scope } = worker.registration;
/** Other pages of this host have caches beside these. */
const PREFIX = `taesd-explorer ${scope} `;
const PAGE = PREFIX + VERSION;
/** Weights outlive a version: their names say which they are, and they are megabytes. */
const WEIGHTS = `${PREFIX}weights`;
const weightsFolder = new URL('weights/', scope).href;
const pages = [scope, new URL('index.html', scope).href];

worker.addEventListener('install', (event) => event.waitUntil(install()));
worker.addEventListener('activate', (event) => event.waitUntil(activate()));
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const url = origin + pathname;
  if (request.method !== 'GET' || !url.startsWith(scope)) return;
  if (!url.startsWith(weightsFolder)) event.respondWith(kept(request, url));
  else if (url.endsWith('/index.json')) event.respondWith(newest(event, url));
  else event.respondWith(keptFromNowOn(event, url));
});

async function install(): Promise<void> {
  const cache = await caches.open(PAGE);
  // The browser's own cache may hold files of an older version: the server is asked for each.
  await cache.addAll(FILES.map((name) => new Request(new URL(name, scope), { cache: 'no-cache' })));
}

async function activate(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== PAGE && name !== WEIGHTS);
  await Promise.all(old.map((name) => caches.delete(name)));
  // The page of the first visit began without a worker: its weights are kept, too.
  await worker.clients.claim();
}

/** One of the page's files. The query is the page's state and no part of the name. */
async function kept(request: Request, url: string): Promise<Response> {
  const cache = await caches.open(PAGE);
  return (await cache.match(pages.includes(url) ? scope : url)) ?? fetch(request);
}

/** A file of weights: kept when it is used for the first time. */
async function keptFromNowOn(event: Fetching, url: string): Promise<Response> {
  const cache = await caches.open(WEIGHTS);
  return (await cache.match(url)) ?? fetchAndKeep(event, cache, url);
}

/** The list of weights, which a host may change: the one of the last visit without a network. */
async function newest(event: Fetching, url: string): Promise<Response> {
  const cache = await caches.open(WEIGHTS);
  try {
    return await fetchAndKeep(event, cache, url);
  } catch {
    return (await cache.match(url)) ?? Response.error();
  }
}

async function fetchAndKeep(event: Fetching, cache: Cache, url: string): Promise<Response> {
  const response = await fetch(event.request);
  if (response.status === 200) {
    // A full disk keeps nothing, and the page has its file all the same.
    event.waitUntil(cache.put(url, response.clone()).catch(() => {}));
  }
  return response;
}
