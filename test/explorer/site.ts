import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import type { Page } from 'playwright-core';
import { CONTENT_TYPES } from '../../explorer/content-types.mjs';
import { POLICY } from '../../explorer/plugins/content-security.ts';
import { driveChromium } from '../driven-chromium.ts';
import { chromium as browserName } from '../page.ts';
import { builtPage } from './built-page.ts';

/*
 * The explorer's page as it is published: built into a folder, served below a path of its own under
 * a strict policy, and opened in a real browser.
 */

export const isBrowserHere = browserName !== undefined;
if (!isBrowserHere) console.warn('skipping tests of the explorer: no Chromium here');

/** What building the page and starting the browser may take on a busy machine. */
export const START_MS = 300_000;

export interface OpenOptions {
  readonly width?: number;
  readonly height?: number;
  /** What follows the page's address: `#1`, `?embed=sum#1`. */
  readonly at?: string;
  /** A phone: fingers in place of a mouse. */
  readonly touch?: boolean;
  readonly scheme?: 'light' | 'dark';
  /** Runs on the page before its own code. */
  readonly before?: () => void;
  /** False: as if there were none beside the page. */
  readonly weights?: boolean;
  /** Lets the page keep itself for later, which fetches all its files. Defaults to false. */
  readonly keeps?: boolean;
}

export interface Site {
  /**
   * A page whose picture has gone through the model. The test fails if the browser reports an error
   * or a warning.
   */
  open(options?: OpenOptions): Promise<Page>;
  /** What the browser complained of since it was asked last. */
  complaints(): string[];
  /** The files that were asked for so far. */
  asked(): readonly string[];
  close(): Promise<void>;
}

/**
 * @param weights  the files below `weights/`, by name
 * @param webgpu  with WebGPU, on the browser's software adapter
 */
export async function openSite(
  weights: Readonly<Record<string, () => Uint8Array>> = {},
  webgpu = false,
): Promise<Site> {
  const folder = builtPage();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://host');
    const name = pathname.replace(/^\/some\/where\//, '');
    asked.push(name);
    const bytes = name === pathname ? undefined : fileNamed(folder, weights, name);
    response.setHeader('content-security-policy', POLICY);
    response.setHeader('content-type', CONTENT_TYPES[extname(name || '.html')] ?? '');
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/where/`;
  const browser = await driveChromium(webgpu);
  let heard: string[] = [];
  return {
    async open({ width = 1280, height = 900, scheme = 'light', before, ...more } = {}) {
      const { at = '', touch = false, weights = true, keeps = false } = more;
      const viewport = { width, height };
      // Nothing scrolls softly: a page that moves on while a button is pressed is no test of the
      // button.
      const motion = { reducedMotion: 'reduce' } as const;
      const phone = touch ? { hasTouch: true, isMobile: true } : {};
      const context = await browser.newContext({
        ...{ viewport, colorScheme: scheme, ...motion, ...phone },
        serviceWorkers: keeps ? 'allow' : 'block',
        permissions: ['clipboard-read', 'clipboard-write'],
      });
      const page = await context.newPage();
      page.on('pageerror', ({ message }) => heard.push(message));
      page.on('console', (message) => {
        if (message.type() === 'error') heard.push(message.text());
      });
      if (before !== undefined) await page.addInitScript(before);
      if (!weights)
        await page.route('**/weights/index.json', (route) => route.fulfill({ json: [] }));
      await page.goto(address + at);
      await page.locator('.status', { hasText: 'Done: ' }).waitFor({ state: 'attached' });
      return page;
    },
    complaints() {
      const all = heard;
      heard = [];
      return all;
    },
    asked: () => asked,
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

export function fileNamed(
  folder: string,
  weights: Readonly<Record<string, () => Uint8Array>>,
  name: string,
): Uint8Array | undefined {
  if (name === 'weights/index.json') return Buffer.from(JSON.stringify(Object.keys(weights)));
  if (name.startsWith('weights/')) return weights[name.slice('weights/'.length)]?.();
  try {
    return readFileSync(join(folder, normalize(name === '' ? 'index.html' : name)));
  } catch {
    return undefined;
  }
}
