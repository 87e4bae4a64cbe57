import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect } from 'vitest';
import { loadDream } from '../../examples/dream/dream.mjs';
import { encodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { readGolden, realWeights } from '../golden.ts';
import { sharedFile, sharedPath, testShared } from '../shared.ts';
import {
  hashOf,
  hashOfBytes,
  inSettings,
  lookAt,
  numberOf,
  pressBlock,
  toScene,
  toTab,
  usePicture,
} from './at-the-page.ts';
import { longestBlock, watchMainThread } from './main-thread.ts';
import { asPicture } from './pictures.ts';
import { isBrowserHere, openSite, type Site } from './site.ts';

/*
 * The explorer with the real taesd: the numbers on the page against PyTorch's; where weights come
 * from.
 */

const BOUND = 1e-4;
const DREAM = new URL('../../weights/dream/dream.safetensors', import.meta.url);
const MODELS = ['taesd', 'taesd3'];
const WEIGHTS = Object.fromEntries(
  MODELS.flatMap((model) =>
    ['encoder', 'decoder'].map((part) => `${model}_${part}.safetensors`),
  ).map((name) => [name, () => sharedFile(`weights/${name}`)]),
);

describe.skipIf(!isBrowserHere)('explorer, the real model [Chromium]', () => {
  let site: Site | undefined;
  let page: Page;
  afterAll(() => site?.close());

  testShared('a link to the model, opened cold → its place, which nano does not have', async () => {
    const own = await openSite(WEIGHTS);
    for (const [at, shown] of [
      ['#free/taesd/decoder.18/50/200,101', 'Channel 50, x 200, y 101 of decoder.18'],
      ['#free/taesd/decoder.4.conv.2/33/9,11', 'Channel 33, x 9, y 11 of decoder.4.conv.2'],
    ]) {
      const cold = await own.open({ at });
      await cold.locator('.status', { hasText: 'layers of taesd.' }).waitFor();
      await cold.locator('.exactly[aria-busy="false"]', { hasText: shown }).waitFor();
      await cold.waitForTimeout(400);
      expect(await cold.evaluate(() => location.hash)).toBe(at);
      await cold.context().close();
    }
    const page6 = await own.open({ at: '#6/taesd3/encoder.14/9/12,20' });
    await page6.locator('.status', { hasText: 'layers of taesd3.' }).waitFor();
    await page6.waitForTimeout(400);
    expect(await page6.evaluate(() => location.hash)).toBe('#6/taesd3/encoder.14/9/12,20');
    expect(own.complaints()).toEqual([]);
    await own.close();
  });

  testShared(
    'a link to a model that is slow to come → not done with the numbers of nano',
    async () => {
      const own = await openSite(WEIGHTS);
      const cold = await own.open({ at: '#3/nano' });
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      await cold.route('**/weights/taesd_*', async (route) => {
        await released;
        await route.continue();
      });
      await cold.evaluate(() => {
        location.hash = '#3/taesd/decoder.8/12/13,7';
      });
      await cold.reload();
      const status = cold.locator('.status');
      await expect
        .poll(() => status.textContent(), { timeout: 60_000 })
        .toBe('Loading taesd … Until it is here, the numbers are those of nano.');
      release();
      await expect
        .poll(() => status.textContent(), { timeout: 60_000 })
        .toBe('Done: the sample, 256×256, through the 35 layers of taesd.');
      await cold.context().close();
      await own.close();
    },
  );

  testShared('one pixel of one layer → PyTorch’s number, within 1e-4', async () => {
    site = await openSite(WEIGHTS);
    page = await site.open({ before: watchMainThread, at: '#free' });
    await inSettings(page, (drawer) =>
      drawer.getByText('At work: taesd, weights from the folder beside this page.').waitFor(),
    );
    const golden = readGolden('taesd-layers-32x32');
    await usePicture(page, 'crop.png', encodePng(asPicture(golden('image'))));
    let largest = 0;
    for (const [name, channel, y, x] of [
      ['encoder.0', 5, 0, 31],
      ['encoder.1', 63, 17, 9],
      ['encoder.14', 3, 2, 1],
      ['decoder.1', 20, 3, 0],
      ['decoder.13', 7, 11, 15],
      ['decoder.19', 2, 31, 16],
    ] as const) {
      const shown = await lookAt(page, 'taesd', name, { channel, y, x });
      const { shape, data } = golden(name);
      const wanted = data[(channel * shape[2] + y) * shape[3] + x];
      expect(shown.agreement).toContain('✓ agrees');
      for (const id of ['kernel-value', 'exact-value']) {
        largest = Math.max(largest, Math.abs(numberOf(shown, id) - wanted));
      }
    }
    console.log(
      `explorer: 6 pixels of 6 layers, off PyTorch by ${largest.toExponential(1)} at most`,
    );
    expect(largest).toBeLessThan(BOUND);
  });

  testShared('from noise → decoded by taesd, the picture of this process', async () => {
    await toTab(page, 'From noise');
    await page.getByRole('slider', { name: 'Steps' }).press('Home');
    await page.getByRole('button', { name: 'Run from noise' }).click();
    await page.getByText('The path has ended after 4 steps.').waitFor();
    await page.getByText('The landscape, decoded by taesd').waitFor();
    const taesd = await Taesd.load({ model: 'taesd', weights: realWeights('taesd'), workers: 0 });
    const dream = await loadDream(readFileSync(DREAM), { workers: 0 });
    const { data } = await taesd.decode(await dream.generate({ seed: 1, steps: 4 }));
    dream.dispose();
    taesd.dispose();
    expect(await hashOf(page.getByLabel('The landscape'))).toBe(hashOfBytes(data));
    await page.getByRole('tab', { name: 'Layers', exact: true }).click();
  });

  testShared('the sample through taesd at 256×256 → its thread never stands still', async () => {
    const isGood = await longestBlock(
      'taesd at 256×256',
      async () => page,
      async () => {
        await inSettings(page, async (drawer) => {
          await drawer.getByRole('button', { name: 'Use the sample' }).click();
          await page.locator('.status', { hasText: 'Done: the sample, 256×256' }).waitFor();
        });
        await lookAt(page, 'taesd', 'decoder.18', { channel: 30, y: 200, x: 100 });
        await pressBlock(page, 'decoder.18');
        await page.locator('.layer.inside').first().waitFor();
        await lookAt(page, 'taesd', 'decoder.18.conv.3', { channel: 30, y: 200, x: 101 });
        await pressBlock(page, 'decoder.18');
      },
    );
    expect(isGood).toBe(true);
  });

  testShared(
    'no weights beside the page → downloaded at a click, kept for the next visit',
    async () => {
      const page = await (site as Site).open({ weights: false });
      const asked: string[] = [];
      // The places of weights/manifest.json, played by this test.
      await page.context().route('https://**/*', async (route) => {
        const name = new URL(route.request().url()).pathname.split('/').at(-1) as string;
        asked.push(name);
        const body = Buffer.from(sharedFile(`weights/${name}`));
        await route.fulfill({ body, headers: { 'access-control-allow-origin': '*' } });
      });
      await inSettings(page, async (drawer) => {
        const atWork = drawer.getByText(/^At work: /);
        expect(await atWork.textContent()).toContain('nano');
        await drawer.getByLabel('Whose latents it speaks').selectOption('taesd');
        await drawer.getByRole('button', { name: 'Download taesd, 5 MB' }).click();
        await drawer.getByText(/^At work: taesd, /).waitFor();
      });
      expect(asked.sort()).toEqual(['taesd_decoder.safetensors', 'taesd_encoder.safetensors']);
      await page.reload();
      await inSettings(page, (drawer) => drawer.getByText(/^At work: taesd, /).waitFor());
      expect(asked).toHaveLength(2);
      await page.context().close();
    },
  );

  testShared('files of weights that the reader has → opened', async () => {
    const page = await (site as Site).open({ weights: false });
    const files = ['encoder', 'decoder'].map((part) =>
      sharedPath(`weights/taesdxl_${part}.safetensors`),
    );
    const ofTorch = ['encoder', 'decoder'].map((part) => sharedPath(`weights/taef2_${part}.pth`));
    await inSettings(page, async (drawer) => {
      const weights = drawer.getByLabel('Open weights');
      await weights.setInputFiles(files.slice(1));
      await page.getByRole('alert').getByText('lack the encoder').waitFor();
      await weights.setInputFiles(files);
      await drawer.getByText('At work: taesdxl, weights from given bytes.').waitFor();
      await weights.setInputFiles(ofTorch);
      await drawer.getByText('At work: taef2, weights from given bytes.').waitFor();
    });
    await page.context().close();
  });

  testShared('taesd3 → sixteen channels of latent, three of them large', async () => {
    await inSettings(page, async (drawer) => {
      await drawer.getByLabel('Whose latents it speaks').selectOption('taesd3');
      await page.locator('.status', { hasText: 'layers of taesd3' }).waitFor();
      await drawer.getByText('At work: taesd3').waitFor();
    });
    await toScene(page, '4');
    expect(await page.locator('.latent-strip .strip-item').count()).toBe(16);
    expect(await page.locator('.latent-channel').count()).toBe(3);
    expect(site?.complaints()).toEqual([]);
  });
});
