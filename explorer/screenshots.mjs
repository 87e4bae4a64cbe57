// [TAESD_WEIGHTS=DIR] node explorer/screenshots.mjs [SCENE…] The pictures of the page in
// docs/explorer: builds it, opens each scene in Chromium at three sizes, and writes
// docs/explorer/SCENE-WIDTH.webp. With the real taesd's weights, if they are given, else with nano.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));
const configFile = join(here, 'vite.config.ts');
const docs = join(here, '../docs/explorer');

const SIZES = [
  { width: 1280, height: 800, colorScheme: 'light' },
  { width: 768, height: 1024, colorScheme: 'light' },
  { width: 390, height: 844, colorScheme: 'dark' },
];
/** A picture is no larger than this: its quality is lowered until it fits. */
const MAX_BYTES = 60_000;
const QUALITIES = [86, 78, 70, 62, 54, 46, 38];
/**
 * The longest that a scene measures by itself before it is shown, and the time in which nothing
 * changed by then.
 */
const LONGEST_MS = 60_000;
const STILL_MS = 2500;

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
  const model = process.env.TAESD_WEIGHTS ? 'taesd' : 'nano';
  mkdirSync(docs, { recursive: true });
  try {
    for (const scene of await scenesOf(browser, address))
      await shoot(browser, address, scene, model);
  } finally {
    await browser.close();
    await server.close();
    rmSync(outDir, { recursive: true });
  }
}

/** Those of the command line, or all. */
async function scenesOf(browser, address) {
  const given = process.argv.slice(2);
  if (given.length > 0) return given;
  const page = await browser.newPage();
  await page.goto(address);
  const links = page.locator('.scene-nav a');
  await links.first().waitFor();
  const all = await links.evaluateAll((each) => each.map((link) => link.hash.slice(1)));
  await page.close();
  return all;
}

async function shoot(browser, address, scene, model) {
  const page = await browser.newPage({ reducedMotion: 'reduce' });
  const client = await page.context().newCDPSession(page);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(`${address}#${scene}/${model}`);
  const done = (name) =>
    document.querySelector('.status')?.textContent?.match(`^Done: .*${name}\\.$`);
  await page.waitForFunction(done, model, { timeout: 120_000 });
  for (const { width, height, colorScheme } of SIZES) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await untilStill(page);
    const path = join(docs, `${scene}-${width}.webp`);
    let bytes;
    for (const quality of QUALITIES) {
      // Playwright itself makes no WebP, which takes half of a JPEG's bytes.
      const { data } = await client.send('Page.captureScreenshot', { format: 'webp', quality });
      bytes = Buffer.from(data, 'base64');
      if (bytes.length <= MAX_BYTES) break;
    }
    writeFileSync(path, bytes);
    console.log(`docs/explorer/${scene}-${width}.webp, ${bytes.length} bytes`);
  }
  await page.close();
}

/** Charts fill in one by one: waits until the page has stayed as it is for a while. */
async function untilStill(page) {
  const ends = Date.now() + LONGEST_MS;
  let [last, since] = ['', Date.now()];
  while (Date.now() < ends && Date.now() - since < STILL_MS) {
    await page.waitForTimeout(200);
    const now = await page.evaluate(() => document.querySelector('.explorer')?.innerHTML ?? '');
    if (now !== last) [last, since] = [now, Date.now()];
  }
}

await main();
