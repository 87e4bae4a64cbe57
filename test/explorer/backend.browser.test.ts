import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashOf, jumpTo, pixelsOf } from './at-the-page.ts';
import { builtPage } from './built-page.ts';
import { longestBlock, watchMainThread } from './main-thread.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The explorer's switch between WASM and WebGPU, in browsers with a software adapter and with none.
 */

/** With the arrow keys, as of any group of radio buttons. */
async function choose(page: Page, name: 'WASM' | 'WebGPU'): Promise<void> {
  const [from, key] = name === 'WASM' ? ['WebGPU', 'ArrowLeft'] : ['WASM', 'ArrowRight'];
  await page.getByRole('radio', { name: from }).focus();
  await page.keyboard.press(key);
}

/** @returns the words below the decoded picture */
async function decodedOn(page: Page, name: 'WASM' | 'WebGPU'): Promise<string> {
  const words = page.getByTestId('decoded-in');
  await words.getByText(`on ${name}`).waitFor();
  return (await words.textContent()) ?? '';
}

async function expectAxeClean(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  expect(violations.map(({ id, nodes }) => [id, nodes[0].html])).toEqual([]);
}

declare global {
  var lose: () => void;
}

/** Runs in a worker: its devices can be lost. */
function keepDevices(): void {
  const devices: GPUDevice[] = [];
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given);
    devices.push(device);
    return device;
  };
  globalThis.lose = () => {
    for (const device of devices) device.destroy();
  };
}

/** The scripts that were fetched and know of WebGPU's adapters. */
const webgpuCode = (site: Site): string[] =>
  site
    .asked()
    .filter((name) => name.endsWith('.js'))
    .filter((name) => readFileSync(join(builtPage(), name), 'utf8').includes('requestAdapter'));

describe.skipIf(!isBrowserHere)('explorer, a software adapter [Chromium]', () => {
  let site: Site;
  let page: Page;
  beforeAll(async () => {
    site = await openSite({}, true);
    page = await site.open({ before: watchMainThread });
    await page.locator('.status', { hasText: 'Done: ' }).waitFor();
  }, START_MS);
  afterAll(() => site?.close());

  const words = () => page.getByTestId('backend');

  test('WebGPU chosen → its code comes, the sample decoded to the same bytes ±1, the adapter named', async () => {
    expect(webgpuCode(site)).toEqual([]);
    expect(await words().textContent()).toBe('Encoding and decoding: WASM.');
    const decoded = page.getByLabel('The decoded picture');
    const wanted = await pixelsOf(decoded);
    const before = await decodedOn(page, 'WASM');
    await choose(page, 'WebGPU');
    const after = await decodedOn(page, 'WebGPU');
    expect(webgpuCode(site).length).toBeGreaterThan(0);
    const got = await pixelsOf(decoded);
    const largest = got.reduce((most, byte, i) => Math.max(most, Math.abs(byte - wanted[i])), 0);
    console.log(`nano at 256×256: “${before}”, “${after}”, largest difference ${largest}`);
    expect(got.length).toBe(wanted.length);
    expect(largest).toBeLessThanOrEqual(1);
    expect(await words().textContent()).toMatch(
      /^Encoding and decoding: WebGPU, asked for webgpu: .*swiftshader.* software adapter/i,
    );
    await expectAxeClean(page);
  });

  test('back to WASM → what was painted and opened stays, the live picture as before', async () => {
    await jumpTo(page, 'decoder.4');
    await page.getByRole('button', { name: 'Open block decoder.4' }).click();
    await page.locator('.layer.inside').first().waitFor();
    const live = page.getByTestId('live');
    const [channel, unpainted] = [
      page.locator('.latent-channel canvas').first(),
      await hashOf(live),
    ];
    await channel.focus();
    await channel.press('ArrowLeft');
    await channel.press(' ');
    await expect.poll(() => hashOf(live)).not.toBe(unpainted);
    const [painted, onWebGpu] = [await hashOf(channel), await pixelsOf(live)];
    await choose(page, 'WASM');
    await decodedOn(page, 'WASM');
    expect(await words().textContent()).toBe('Encoding and decoding: WASM.');
    expect(await hashOf(channel)).toBe(painted);
    expect(await page.locator('.layer.inside').count()).toBeGreaterThan(0);
    const onWasm = await pixelsOf(live);
    expect(onWasm.every((byte, i) => Math.abs(byte - onWebGpu[i]) <= 1)).toBe(true);
  });

  test('there and back, a path from noise on WebGPU → the page’s thread never stands still', async () => {
    const isGood = await longestBlock(
      'WASM to WebGPU and back',
      async () => {
        // What the tests above did at the page is none of it.
        await page.evaluate(() => Object.assign(globalThis.blocked, { task: 0, gap: 0 }));
        return page;
      },
      async () => {
        await choose(page, 'WebGPU');
        await decodedOn(page, 'WebGPU');
        await page.getByRole('button', { name: 'Run from noise' }).click();
        await page.locator('[data-model=nano]').getByTestId('fps').waitFor();
        await page.getByRole('button', { name: 'Pause the path' }).click();
        await choose(page, 'WASM');
        await decodedOn(page, 'WASM');
      },
    );
    expect(isGood).toBe(true);
  });

  test('a device that is lost → WASM takes over, the page says why; WebGPU can be chosen again', async () => {
    for (const worker of page.workers()) await worker.evaluate(keepDevices);
    await choose(page, 'WebGPU');
    await decodedOn(page, 'WebGPU');
    for (const worker of page.workers()) await worker.evaluate(() => globalThis.lose());
    const channel = page.locator('.latent-channel canvas').first();
    await channel.press('ArrowLeft');
    await channel.press(' ');
    await decodedOn(page, 'WASM');
    expect(await words().textContent()).toMatch(/ here: the device was lost: .*[^.]\.$/);
    expect(await page.getByRole('radio', { name: 'WASM' }).isChecked()).toBe(true);
    await choose(page, 'WebGPU');
    await decodedOn(page, 'WebGPU');
    expect(site.complaints()).toEqual([]);
  });
});

describe.skipIf(!isBrowserHere)('explorer, no WebGPU [Chromium]', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  }, START_MS);
  afterAll(() => site?.close());

  const hide = () => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined });

  test.each([
    ['the browser as it is', undefined],
    ['no `navigator.gpu`', hide],
  ])('%s → the page says why not, and goes on', async (_, before) => {
    const page = await site.open(before === undefined ? {} : { before });
    const text = page.getByTestId('backend');
    if (await page.getByRole('radio', { name: 'WebGPU' }).isDisabled()) {
      expect(await text.textContent()).toContain('WebGPU cannot be chosen: this browser has none');
    } else {
      expect(before).toBe(undefined);
      await choose(page, 'WebGPU');
      await text.getByText('WebGPU does not do it here: no WebGPU').waitFor();
    }
    expect(await page.getByRole('radio', { name: 'WASM' }).isChecked()).toBe(true);
    await decodedOn(page, 'WASM');
    await expectAxeClean(page);
    await page.context().close();
  });
});
