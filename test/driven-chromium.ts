import { spawnSync } from 'node:child_process';
import { type Browser, chromium as driver } from 'playwright-core';
import { CHROMIUM_WEBGPU } from './browsers.mjs';
import { chromium } from './page.ts';

/*
 * The system's Chromium with a driver, for pages that tests click on.
 */

/**
 * The time that one thing at a page may take, such as loading it or finding a button. A busy
 * machine of two cores takes seconds. Playwright's own 30 s failed about once in a thousand visits.
 */
const WAIT_MS = 120_000;

/** Contexts of pages that share nothing with those of others. */
export type DrivenChromium = Pick<Browser, 'newContext' | 'close'>;

/** @param webgpu  with WebGPU, on the browser's software adapter */
export async function driveChromium(webgpu = false): Promise<DrivenChromium> {
  const { stdout } = spawnSync('which', [chromium as string], { encoding: 'utf8' });
  const browser = await driver.launch({
    executablePath: stdout.trim(),
    args: ['--no-sandbox', ...(webgpu ? CHROMIUM_WEBGPU : ['--disable-gpu'])],
  });
  return {
    async newContext(options) {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(WAIT_MS);
      return context;
    },
    close: () => browser.close(),
  };
}
