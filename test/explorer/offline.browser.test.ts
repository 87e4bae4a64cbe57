import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DrivenChromium, driveChromium } from '../driven-chromium.ts';
import { hashOf } from './at-the-page.ts';
import { builtPage } from './built-page.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The page without a network, after one visit.
 */

/** Waits until the service worker has everything and governs the page. */
const whenKept = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const { serviceWorker } = navigator;
    await serviceWorker.ready;
    if (serviceWorker.controller !== null) return;
    await new Promise((resolve) => serviceWorker.addEventListener('controllerchange', resolve));
  });

const decodedPicture = async (page: Page): Promise<number> => {
  await page.locator('.status', { hasText: 'Done: the sample' }).waitFor();
  return hashOf(page.getByRole('figure').getByLabel('The decoded picture'));
};

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));

describe.skipIf(!isBrowserHere)('explorer, kept for later [Chromium]', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  }, START_MS);
  afterAll(() => site?.close());

  test('offline.js → lists the files of the folder, but itself and weights/', () => {
    const code = readFileSync(join(builtPage(), 'offline.js'), 'utf8');
    const [, list, version] = /^const FILES=(\[.*?\]),VERSION="(\w+)";/.exec(code) ?? [];
    const expected = filesOf(builtPage())
      .filter((name) => name !== 'offline.js' && !name.startsWith('weights'))
      .map((name) => (name === 'index.html' ? './' : name));
    expect(JSON.parse(list).sort()).toEqual(expected.sort());
    expect(version).toMatch(/^[0-9a-f]{12}$/);
  });

  test('a visit, then a reload without a network → the page and its picture', async () => {
    const page = await site.open({ keeps: true });
    const before = await decodedPicture(page);
    await whenKept(page);
    await page.context().setOffline(true);
    const asked = site.asked().length;
    await page.goto(`${page.url().split('#')[0]}?hide=text#anything`);
    expect(await decodedPicture(page)).toBe(before);
    // The browser looks for a new version, which Playwright's switch does not reach.
    expect(
      site
        .asked()
        .slice(asked)
        .filter((name) => name !== 'offline.js'),
    ).toEqual([]);
    await page.context().close();
    site.complaints();
  });
});

describe.skipIf(!isBrowserHere)('a new version of the explorer [Chromium]', () => {
  const weightsFile = 'weights/anything.safetensors';
  let server: Server;
  let browser: DrivenChromium;
  let context: BrowserContext;
  let address: string;
  let changed: Record<string, string> = {};
  const asked: string[] = [];

  beforeAll(async () => {
    const folder = builtPage();
    const types: Record<string, string> = { '.js': 'text/javascript', '.html': 'text/html' };
    server = createServer((request, response) => {
      const name = new URL(request.url ?? '', 'http://host').pathname.slice('/at/'.length);
      asked.push(name);
      const file = name === '' ? 'index.html' : name;
      response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
      try {
        response.end(changed[file] ?? readFileSync(join(folder, file)));
      } catch {
        response.writeHead(404).end();
      }
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/at/`;
    browser = await driveChromium();
    context = await browser.newContext();
  }, START_MS);
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  const visit = async (): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(address);
    return page;
  };
  /** The names of the page's own caches: the package has another. */
  const cachesOf = async (page: Page): Promise<string[]> =>
    (await page.evaluate(() => caches.keys())).filter((name) => name.includes(address)).sort();
  const contentOf = (page: Page, name: string): Promise<string> =>
    page.evaluate(async (path) => (await fetch(path)).text(), name);

  test('the first visit, weights twice → their file is fetched once', async () => {
    changed = { [weightsFile]: 'weights' };
    const page = await visit();
    await whenKept(page);
    expect(await contentOf(page, weightsFile)).toBe('weights');
    expect(await contentOf(page, weightsFile)).toBe('weights');
    expect(asked.filter((name) => name === weightsFile)).toHaveLength(1);
    await page.close();
  });

  test('other files on the server → the visit after the next is of them alone', async () => {
    const folder = builtPage();
    const html = readFileSync(join(folder, 'index.html'), 'utf8');
    const worker = readFileSync(join(folder, 'offline.js'), 'utf8');
    changed = {
      'index.html': html.replace(/<title>.*<\/title>/, '<title>Newer</title>'),
      'offline.js': worker.replace(/VERSION="\w+"/, 'VERSION="newer"'),
    };
    const old = await visit();
    expect(await old.title()).not.toBe('Newer');
    await old.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      await registration.update();
    });
    const isWaiting = () =>
      old.evaluate(async () => (await navigator.serviceWorker.ready).waiting !== null);
    await expect.poll(isWaiting, { timeout: START_MS }).toBe(true);
    await old.close();
    const page = await visit();
    await expect.poll(() => page.title()).toBe('Newer');
    const scope = `taesd-explorer ${address}`;
    await expect.poll(() => cachesOf(page)).toEqual([`${scope} newer`, `${scope} weights`]);
    expect(await contentOf(page, weightsFile)).toBe('weights');
    expect(asked.filter((name) => name === weightsFile)).toHaveLength(1);
    await page.close();
  });
});
