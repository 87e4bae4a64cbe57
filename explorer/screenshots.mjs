// [TAESD_WEIGHTS=DIR] node explorer/screenshots.mjs
// The pictures of the page in the README: builds it, opens it in Chromium, chooses a layer and a pixel, and writes
// explorer/wide.png and explorer/phone.png. With the real taesd's weights, if they are given, else with nano.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));
const configFile = join(here, 'vite.config.ts');

/** `top` is what the page is scrolled to. Smaller than on a screen: a README shows them so. */
const SHOTS = [
  { name: 'wide', width: 1280, height: 1180, scale: 0.68, colorScheme: 'light', top: '.transport' },
  {
    name: 'phone',
    width: 390,
    height: 900,
    scale: 1,
    colorScheme: 'dark',
    top: '.receptive-field',
  },
];
/** Below what stays at the top of the page. */
const TOP = 60;

async function main() {
  const outDir = mkdtempSync(join(tmpdir(), 'taesd-explorer-'));
  await build({ configFile, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
  const server = await preview({ configFile, build: { outDir } });
  const [address] = server.resolvedUrls.local;
  const { stdout } = spawnSync('which', ['chromium'], { encoding: 'utf8' });
  const browser = await chromium.launch({
    executablePath: stdout.trim(),
    args: ['--no-sandbox', '--hide-scrollbars'],
  });
  try {
    for (const shot of SHOTS) await shoot(browser, address, shot);
  } finally {
    await browser.close();
    await server.close();
    rmSync(outDir, { recursive: true });
  }
}

async function shoot(browser, address, { name, width, height, scale, colorScheme, top }) {
  const page = await browser.newPage({
    viewport: { width, height },
    deviceScaleFactor: scale,
    colorScheme,
    reducedMotion: 'reduce',
  });
  await page.goto(address);
  await page.locator('.status', { hasText: 'Done: ' }).waitFor();
  await page.locator('[data-step="encoder.3"] .layer-button').click();
  await page.locator('.thumbnail').nth(13).click();
  await page.getByRole('application', { name: /Channel 13 of encoder\.3/ }).waitFor();
  await page.getByTestId('kernel-value').waitFor();
  await page.locator(top).evaluate((element, above) => {
    window.scrollTo(0, element.getBoundingClientRect().top + window.scrollY - above);
  }, TOP);
  await page.mouse.move(0, 0);
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(here, `${name}.png`) });
  console.log(`explorer/${name}.png`);
  await page.close();
}

await main();
