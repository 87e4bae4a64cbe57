import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  decodedCanvas,
  hashOf,
  inSettings,
  insideNames,
  lookAt,
  pixelsOf,
  pressBlock,
  toScene,
  toTab,
  useSmallSample,
} from './at-the-page.ts';
import { builtPage } from './built-page.ts';
import { longestBlock, watchMainThread } from './main-thread.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The explorer's switch between WASM and WebGPU, in browsers with a software adapter and with none.
 */

type Name = 'WASM' | 'WebGPU';

/** With the arrow keys, as of any radio buttons. Returns the words below, once it is at work. */
async function choose(page: Page, name: Name): Promise<string> {
  let words = '';
  await inSettings(page, async (drawer) => {
    const [from, key] = name === 'WASM' ? ['WebGPU', 'ArrowLeft'] : ['WASM', 'ArrowRight'];
    const group = drawer.getByRole('group', { name: 'What encodes and decodes' });
    await group.getByRole('radio', { name: from }).focus();
    await page.keyboard.press(key);
    const at = group.locator('.hint', { hasText: `Encoding and decoding: ${name}` });
    await at.waitFor();
    await page.locator('.status', { hasText: `again, on ${name}.` }).waitFor({ state: 'attached' });
    words = (await at.textContent()) ?? '';
    await expectAxeClean(page);
  });
  return words;
}

/** What the settings say of it. */
async function placeWords(page: Page): Promise<string> {
  let words = '';
  await inSettings(page, async (drawer) => {
    const group = drawer.getByRole('group', { name: 'What encodes and decodes' });
    words = (await group.locator('.hint').textContent()) ?? '';
  });
  return words;
}

/** Paints one place of the latent. */
async function paint(page: Page): Promise<void> {
  const channel = page.locator('[data-part="channel-0"] canvas');
  await channel.press('ArrowLeft');
  await channel.press(' ');
}

/** @returns the words on the decoded picture */
async function decodedOn(page: Page, name: Name): Promise<string> {
  await toTab(page, 'Compare');
  const words = page.getByTestId('decoded-in');
  await words.getByText(`on ${name}`).waitFor();
  return (await words.textContent()) ?? '';
}

async function expectAxeClean(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  expect(violations.map(({ id, nodes }) => [id, nodes[0].html])).toEqual([]);
}

const largestOff = (one: readonly number[], other: readonly number[]): number =>
  one.reduce((most, byte, i) => Math.max(most, Math.abs(byte - other[i])), 0);

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
    page = await site.open({ before: watchMainThread, at: '#free/nano' });
    await useSmallSample(page);
  }, START_MS);
  afterAll(() => site?.close());

  const decoded = () => page.locator('.free-compare').getByLabel('The decoded picture');

  test('WebGPU chosen → its code comes, the sample decoded to the same bytes ±1, the adapter named', async () => {
    expect(webgpuCode(site)).toEqual([]);
    expect(await placeWords(page)).toBe('Encoding and decoding: WASM.');
    const before = await decodedOn(page, 'WASM');
    const wanted = await pixelsOf(decoded());
    expect(await choose(page, 'WebGPU')).toMatch(
      /^Encoding and decoding: WebGPU, asked for webgpu: .*swiftshader.* software adapter/i,
    );
    const after = await decodedOn(page, 'WebGPU');
    expect(webgpuCode(site).length).toBeGreaterThan(0);
    const got = await pixelsOf(decoded());
    const largest = largestOff(got, wanted);
    console.log(`nano at 128×128: “${before}”, “${after}”, largest difference ${largest}`);
    expect(got.length).toBe(wanted.length);
    expect(largest).toBeLessThanOrEqual(1);
  });

  test('back to WASM → what was painted and opened stays, the live picture as before', async () => {
    await page.getByRole('tab', { name: 'Layers', exact: true }).click();
    await lookAt(page, 'nano', 'decoder.4', { channel: 1, y: 2, x: 3 });
    await pressBlock(page, 'decoder.4');
    await page.locator('.layer.inside').first().waitFor();
    await toScene(page, '4');
    const live = decodedCanvas(page);
    const unpainted = await hashOf(live);
    await page.getByRole('button', { name: 'Paint', exact: true }).click();
    await paint(page);
    await expect.poll(() => hashOf(live)).not.toBe(unpainted);
    const channel = page.locator('[data-part="channel-0"] canvas');
    const [painted, onWebGpu] = [await hashOf(channel), await pixelsOf(live)];
    expect(await choose(page, 'WASM')).toBe('Encoding and decoding: WASM.');
    expect(await hashOf(channel)).toBe(painted);
    expect(largestOff(await pixelsOf(live), onWebGpu)).toBeLessThanOrEqual(1);
    await toScene(page, 'free');
    await page.getByRole('tab', { name: 'Layers', exact: true }).click();
    expect(await insideNames(page)).toContain('decoder.4.conv.4');
  });

  test('there and back, painting on WebGPU → the page’s thread never stands still', async () => {
    const isGood = await longestBlock(
      'WASM to WebGPU and back',
      async () => {
        // What the tests above did at the page is none of it.
        await page.evaluate(() => Object.assign(globalThis.blocked, { task: 0, gap: 0 }));
        return page;
      },
      async () => {
        for (const name of ['WebGPU', 'WASM'] as const) {
          await inSettings(page, async (drawer) => {
            await drawer.getByRole('radio', { name, exact: true }).check();
            const done = page.locator('.status', { hasText: `again, on ${name}.` });
            await done.waitFor({ state: 'attached' });
          });
          await toScene(page, '4');
          const before = await hashOf(decodedCanvas(page));
          await page.getByRole('button', { name: 'Paint', exact: true }).click();
          await paint(page);
          await expect.poll(() => hashOf(decodedCanvas(page))).not.toBe(before);
        }
      },
    );
    expect(isGood).toBe(true);
  });

  test('a device that is lost → WASM takes over, the page says why; WebGPU can be chosen again', async () => {
    for (const worker of page.workers()) {
      const hasGpu = await worker.evaluate(() => typeof GPUAdapter === 'function');
      if (hasGpu) await worker.evaluate(keepDevices);
    }
    await choose(page, 'WebGPU');
    for (const worker of page.workers()) await worker.evaluate(() => globalThis.lose?.());
    await toScene(page, '4');
    await paint(page);
    await decodedOn(page, 'WASM');
    expect(await placeWords(page)).toMatch(/ here: the device was lost: .*[^.]\.$/);
    await inSettings(page, async (drawer) => {
      expect(await drawer.getByRole('radio', { name: 'WASM' }).isChecked()).toBe(true);
    });
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
    const at = '#free/nano';
    const page = await site.open(before === undefined ? { at } : { at, before });
    await inSettings(page, async (drawer) => {
      const text = drawer.getByText(/^Encoding and decoding: /);
      if (await drawer.getByRole('radio', { name: 'WebGPU' }).isDisabled()) {
        expect(await text.textContent()).toContain(
          'WebGPU cannot be chosen: this browser has none',
        );
      } else {
        expect(before).toBe(undefined);
        await drawer.getByRole('radio', { name: 'WebGPU' }).check({ force: true });
        await text.getByText('WebGPU does not do it here: no WebGPU').waitFor();
      }
      expect(await drawer.getByRole('radio', { name: 'WASM' }).isChecked()).toBe(true);
      await expectAxeClean(page);
    });
    await decodedOn(page, 'WASM');
    await page.context().close();
  });
});
