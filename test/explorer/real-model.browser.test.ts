import type { Page } from 'playwright-core';
import { afterAll, describe, expect } from 'vitest';
import { encodePng } from '../../src/png/index.ts';
import { readGolden } from '../golden.ts';
import { sharedFile, sharedPath, testShared } from '../shared.ts';
import { choosePixel, jumpTo, numberAt, usePicture } from './at-the-page.ts';
import { longestBlock, watchMainThread } from './main-thread.ts';
import { asPicture } from './pictures.ts';
import { isBrowserHere, openSite, type Site } from './site.ts';

/*
 * The explorer with the real taesd: the numbers on the page against PyTorch's, and nano beside it.
 */

const BOUND = 1e-4;
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

  testShared('one pixel of one layer → PyTorch’s number, within 1e-4', async () => {
    site = await openSite(WEIGHTS);
    page = await site.open({ before: watchMainThread });
    await page.getByText('At work: taesd, weights from the folder beside this page.').waitFor();
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
      await jumpTo(page, name);
      await choosePixel(page, { channel, y, x });
      const { shape, data } = golden(name);
      const wanted = data[(channel * shape[2] + y) * shape[3] + x];
      const kernel = await numberAt(page, 'kernel-value');
      const arithmetic = await numberAt(page, 'value');
      expect(await page.getByTestId('agreement').textContent()).toContain('✓ agrees');
      largest = Math.max(largest, Math.abs(kernel - wanted), Math.abs(arithmetic - wanted));
    }
    console.log(
      `explorer: 6 pixels of 6 layers, off PyTorch by ${largest.toExponential(1)} at most`,
    );
    expect(largest).toBeLessThan(BOUND);
  });

  testShared('from noise → taesd and nano beside each other', async () => {
    await page.getByRole('button', { name: 'Run from noise' }).click();
    for (const model of ['taesd', 'nano']) {
      await page.locator(`[data-model=${model}]`).getByTestId('fps').waitFor();
    }
    await page.getByText('The path has ended after 60 steps.').waitFor();
  });

  testShared('the sample through taesd at 256×256 → its thread never stands still', async () => {
    const isGood = await longestBlock(
      'taesd at 256×256',
      async () => page,
      async () => {
        await page.getByRole('button', { name: 'Use the sample' }).click();
        await page.locator('.status', { hasText: 'Done: the sample, 256×256' }).waitFor();
        await jumpTo(page, 'decoder.18');
        await choosePixel(page, { channel: 30, y: 200, x: 100 });
        await page.getByRole('button', { name: 'Open block decoder.18' }).click();
        await page.locator('.layer.inside').first().waitFor();
        await jumpTo(page, 'decoder.18.conv.3');
      },
    );
    expect(isGood).toBe(true);
  });

  testShared(
    'no weights beside the page → downloaded at a click, kept for the next visit',
    async () => {
      const page = await (site as Site).open({ weights: false });
      expect(await page.getByText(/^At work: /).textContent()).toContain('nano');
      const asked: string[] = [];
      // The places of weights/manifest.json, played by this test.
      await page.context().route('https://**/*', async (route) => {
        const name = new URL(route.request().url()).pathname.split('/').at(-1) as string;
        asked.push(name);
        const body = Buffer.from(sharedFile(`weights/${name}`));
        await route.fulfill({ body, headers: { 'access-control-allow-origin': '*' } });
      });
      await page.getByLabel('Whose latents it speaks').selectOption('taesd');
      await page.getByRole('button', { name: 'Download taesd, 5 MB' }).click();
      await page.getByText(/^At work: taesd, /).waitFor();
      expect(asked.sort()).toEqual(['taesd_decoder.safetensors', 'taesd_encoder.safetensors']);
      await page.reload();
      await page.getByText(/^At work: taesd, /).waitFor();
      expect(asked).toHaveLength(2);
      await page.context().close();
    },
  );

  testShared('files of weights that the reader has → opened', async () => {
    const page = await (site as Site).open({ weights: false });
    const files = ['encoder', 'decoder'].map((part) =>
      sharedPath(`weights/taesdxl_${part}.safetensors`),
    );
    await page.getByLabel('Open weights').setInputFiles(files.slice(1));
    await page.getByRole('alert').getByText('lack the encoder').waitFor();
    await page.getByLabel('Open weights').setInputFiles(files);
    await page.getByText('At work: taesdxl, weights from given bytes.').waitFor();
    const ofTorch = ['encoder', 'decoder'].map((part) => sharedPath(`weights/taef2_${part}.pth`));
    await page.getByLabel('Open weights').setInputFiles(ofTorch);
    await page.getByText('At work: taef2, weights from given bytes.').waitFor();
    await page.context().close();
  });

  testShared('taesd3 → sixteen channels of latent', async () => {
    await page.getByLabel('Whose latents it speaks').selectOption('taesd3');
    await page.getByText('At work: taesd3').waitFor();
    await page.locator('.status', { hasText: 'layers of taesd3' }).waitFor();
    expect(await page.locator('.latent-channel').count()).toBe(16);
    expect(await page.locator('[data-model=nano]').count()).toBe(0);
    expect(site?.complaints()).toEqual([]);
  });
});
