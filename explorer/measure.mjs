// node explorer/measure.mjs [FOLDER] Measures how fast the built page follows a hand, and how soon
// it can be used on a slow line. FOLDER defaults to explorer/dist. With taesd's weights beside the
// page (TAESD_WEIGHTS=DIR npm run explore:build) a block of it is measured too. Run it on an idle
// machine.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { CONTENT_TYPES } from './content-types.mjs';

const folder = process.argv[2] ?? fileURLToPath(new URL('dist', import.meta.url));

const ZIPPED = ['.html', '.css', '.js', '.json', '.svg', '.wasm'];

/** 1.6 Mbit/s, a slow mobile line, and the time of a request on it. */
const SLOW = { bytesPerMs: 200, latencyMs: 150 };
const SLOWER_PROCESSOR = 4;
/** The page is started so many times on that line. */
const STARTS = 5;

/** The longest times that are good, in ms. */
const GOOD = { convolution: 16, block: 50, keys: 200, start: 2500 };

/**
 * Serves the folder. A line of so many bytes is shared by all requests, those of workers too, which
 * the browser's own emulation leaves out.
 */
async function serve(line) {
  let free = 0;
  const server = createServer(async (request, response) => {
    const name = normalize(new URL(request.url, 'http://host').pathname.slice(1) || 'index.html');
    let bytes;
    try {
      bytes = readFileSync(join(folder, name));
    } catch {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('content-type', CONTENT_TYPES[extname(name)] ?? 'application/octet-stream');
    if (ZIPPED.includes(extname(name))) {
      bytes = gzipSync(bytes);
      response.setHeader('content-encoding', 'gzip');
    }
    if (line === undefined) {
      response.end(bytes);
      return;
    }
    await wait(line.latencyMs);
    for (let at = 0; at < bytes.length; at += 4096) {
      const piece = bytes.subarray(at, at + 4096);
      free = Math.max(free, performance.now()) + piece.length / line.bytesPerMs;
      await wait(Math.max(0, free - performance.now()));
      response.write(piece);
    }
    response.end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { server, address: `http://127.0.0.1:${server.address().port}/` };
}

/** Runs on the page: when the products of the sum change, and when something was asked for. */
function watch() {
  globalThis.changes = [];
  globalThis.asked = [];
  for (const type of ['pointermove', 'keydown']) {
    addEventListener(type, ({ timeStamp }) => globalThis.asked.push(timeStamp), true);
  }
  new MutationObserver((records) => {
    const now = performance.now();
    const products = document.querySelector('[data-part="products"]');
    if (products === null) return;
    globalThis.firstSum ??= now;
    if (records.some(({ target }) => target.parentElement?.closest?.('[data-part="products"]'))) {
      globalThis.changes.push(now);
    }
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
}

async function open(browser, url, slower = 1) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  await page.addInitScript(watch);
  if (slower > 1) {
    const client = await context.newCDPSession(page);
    await client.send('Emulation.setCPUThrottlingRate', { rate: slower });
  }
  await page.goto(url);
  return page;
}

const untilDone = (page, model) =>
  page.waitForFunction(
    (name) => document.querySelector('.status')?.textContent?.match(`^Done: .*${name}\\.$`),
    model,
    { timeout: 120_000 },
  );

/**
 * Moves over the output, one pixel after the other, and returns the time from each move to its
 * products.
 */
async function moves(page) {
  const map = await page.locator('[data-part="output"] .map-canvas').boundingBox();
  const times = [];
  for (let n = 0; n < 40; n++) {
    await page.evaluate(() => {
      globalThis.changes = [];
      globalThis.asked = [];
    });
    await page.mouse.move(
      map.x + map.width * (0.2 + 0.015 * n),
      map.y + map.height * (0.75 - 0.01 * n),
    );
    await wait(120);
    const [asked, changed] = await page.evaluate(() => [
      globalThis.asked[0],
      globalThis.changes[0],
    ]);
    if (asked !== undefined && changed !== undefined) times.push(changed - asked);
  }
  return times;
}

/**
 * Presses an arrow key 15 times in a second, and returns the time from the last one to the last
 * change.
 */
async function keys(page) {
  await page.locator('[data-part="output"] .map-canvas').focus();
  await page.evaluate(() => {
    globalThis.changes = [];
    globalThis.asked = [];
  });
  for (let n = 0; n < 15; n++) {
    await page.keyboard.press('ArrowLeft');
    await wait(60);
  }
  await wait(1500);
  return page.evaluate(() => globalThis.changes.at(-1) - globalThis.asked.at(-1));
}

function report(what, times, good) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  if (sorted.length === 0) {
    console.log(`${what}: nothing was measured`);
    return;
  }
  const median = at(0.5);
  const spread =
    sorted.length > 1 ? ` (95 % within ${at(0.95).toFixed(1)} ms, ${sorted.length} times)` : '';
  const verdict = median <= good ? 'good' : 'NOT GOOD';
  console.log(`${what}: ${median.toFixed(1)} ms${spread}; at most ${good} ms is good: ${verdict}`);
}

async function main() {
  const { stdout } = spawnSync('which', ['chromium'], { encoding: 'utf8' });
  const executablePath = stdout.trim();
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const fast = await serve();
  const slow = await serve(SLOW);
  try {
    const first = await open(browser, `${fast.address}#1/nano`);
    await untilDone(first, 'nano');
    report('A move over the first convolution → products', await moves(first), GOOD.convolution);
    report('15 arrow keys there → the last sum', [await keys(first)], GOOD.keys);
    await first.context().close();

    const index = JSON.parse(readFileSync(join(folder, 'weights/index.json'), 'utf8'));
    const model = index.some((name) => name.startsWith('taesd_')) ? 'taesd' : 'nano';
    const block = { taesd: 'decoder.18', nano: 'decoder.8' }[model];
    const deep = await open(browser, `${fast.address}#3/${model}/${block}/0/100,90`);
    await untilDone(deep, model);
    await deep.locator('[data-part="products"]').first().waitFor();
    await wait(2000);
    const of = `${block} of ${model}, a closed block`;
    report(`A move over ${of} → products`, await moves(deep), GOOD.block);
    report(`15 arrow keys there → the last sum`, [await keys(deep)], GOOD.keys);
    await deep.context().close();

    const starts = [];
    for (let n = 0; n < STARTS; n++) {
      const late = await open(browser, `${slow.address}#1/nano`, SLOWER_PROCESSOR);
      await late.waitForFunction(() => globalThis.firstSum !== undefined, undefined, {
        timeout: 120_000,
      });
      starts.push(await late.evaluate(() => globalThis.firstSum));
      await late.context().close();
    }
    const what = `1.6 Mbit/s, a processor ${SLOWER_PROCESSOR} times slower`;
    report(`${what} → the first sum of scene 1`, starts, GOOD.start);
  } finally {
    await browser.close();
    for (const { server } of [fast, slow]) {
      server.closeAllConnections();
      server.close();
    }
  }
}

await main();
