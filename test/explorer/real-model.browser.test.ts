import type { Page } from 'playwright-core';
import { afterAll, describe, expect } from 'vitest';
import { VARIANTS } from '../../src/model/variants.ts';
import { encodePng } from '../../src/png/index.ts';
import type { Tensor } from '../../src/tensor.ts';
import { readGolden } from '../golden.ts';
import { sharedFile, sharedPath, testShared } from '../shared.ts';
import { choosePixel, hashOf, jumpTo, numberAt, sizeOf, usePicture } from './at-the-page.ts';
import { longestBlock, watchMainThread } from './main-thread.ts';
import { isBrowserHere, openSite, type Site } from './site.ts';

/*
 * The explorer with the real taesd: the numbers on the page against PyTorch's, and nano beside it.
 */

const BOUND = 1e-4;
const MODELS = ['taesd', 'taesd3'];
const WEIGHTS = Object.fromEntries(
  [
    ...MODELS.flatMap((model) =>
      ['encoder', 'decoder'].map((part) => `${model}_${part}.safetensors`),
    ),
    'taef2_encoder.pth',
    'taef2_decoder.pth',
  ].map((name) => [name, () => sharedFile(`weights/${name}`)]),
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

  describe('taef2', () => {
    const golden = () => readGolden('family/taef2-layers-32x32');

    testShared('every layer → title, text, line of src/model, PyTorch’s number', async () => {
      await page.getByLabel('Whose latents it speaks').selectOption('taef2');
      await page.getByText('At work: taef2, weights from the folder beside this page.').waitFor();
      await usePicture(page, 'crop.png', encodePng(asPicture(golden()('image'))));
      const { encoder, decoder } = VARIANTS.taef2.networks;
      const names = [
        ...encoder.map((_, index) => `encoder.${index}`),
        ...decoder.map((_, index) => `decoder.${index}`),
      ];
      const steps = page.locator('[data-step]');
      expect(await steps.evaluateAll((all) => all.map((e) => e.getAttribute('data-step')))).toEqual(
        names,
      );
      const titles = new Map<string, string | null>();
      for (const name of names) await walkTo(name, titles, golden());
      expect(titles.get('encoder.11')).toBe('Residual block with a pool');
      expect(titles.get('encoder.9')).toBe('Residual block');
      expect(titles.get('decoder.1')).toBe('From the latent');
      expect(titles.get('encoder.14')).toBe('To the latent');
    });

    testShared('an opened block → the pool’s operations; a group norm’s number', async () => {
      await jumpTo(page, 'decoder.3');
      expect(await page.locator('.open-block').textContent()).toBe(
        'Open the block: its 12 operations',
      );
      await page.getByRole('button', { name: 'Open block decoder.3' }).click();
      await page.locator('.layer.inside').first().waitFor();
      const inside = await page
        .locator('.layer.inside')
        .evaluateAll((all) => all.map((e) => e.getAttribute('data-step') ?? ''));
      expect(inside.map((name) => name.slice('decoder.3.'.length))).toEqual(
        'pool.0 pool.1 pool.2 pool.3 x+pool conv.0 conv.1 conv.2 conv.3 conv.4 add fuse'.split(' '),
      );
      const titles = new Map<string, string | null>();
      for (const name of inside.slice(0, 10)) await walkTo(name, titles, golden());
      expect(titles.get('decoder.3.pool.1')).toBe('Group norm');
      await walkTo('decoder.3.pool.1', titles, golden());
      const [input, scale, bias] = [
        await numberAt(page, 'input'),
        await numberAt(page, 'scale'),
        await numberAt(page, 'bias'),
      ];
      expect(input * scale + bias).toBeCloseTo(await numberAt(page, 'value'), 4);
      expect(await page.locator('.sum').textContent()).toContain(
        '(input − mean) / √(variance + 0.00001) · weight + bias',
      );
      // What the ReLU after it makes of it.
      expect(await numberAt(page, 'next-relu')).toBeCloseTo(
        Math.max(await numberAt(page, 'value'), 0),
        4,
      );
    });

    testShared('receptive field → the whole picture, from the first pool on', async () => {
      const field = () => page.getByTestId('field-picture').textContent();
      const hint = () => page.locator('.receptive-field .hint').textContent();
      const titles = new Map<string, string | null>();
      await walkTo('encoder.0', titles, golden());
      expect(await field()).toContain('3×3');
      expect(await hint()).toBe('Nothing outside the frame can change this number.');
      for (const [name, layer] of [
        ['encoder.12', 'encoder.12'],
        ['decoder.1', 'encoder.13'],
        ['decoder.3.pool.0', 'encoder.13'],
        ['decoder.3.pool.1', 'decoder.3'],
        ['decoder.3.conv.0', 'decoder.3'],
        ['decoder.19', 'decoder.5'],
      ]) {
        await walkTo(name, titles, golden());
        expect(await field()).toContain('32×32: the whole picture');
        expect(await hint()).toContain(`${layer} takes mean and variance over its whole map`);
      }
      expect(await page.getByTestId('field-latent').textContent()).toContain('the whole latent');
    });

    testShared('latent → 32 channels, 8 tiles; painted: the picture follows', async () => {
      const live = page.getByTestId('live');
      const before = await hashOf(live);
      const channels = page.locator('.latent-channel canvas');
      expect(await channels.count()).toBe(32);
      expect(await sizeOf(page.locator('.eight-bits canvas').first())).toBe('4,32');
      await channels.nth(31).focus();
      await channels.nth(31).press(' ');
      await expect.poll(() => hashOf(live)).not.toBe(before);
      await page.getByRole('button', { name: 'Back to the encoded latent' }).click();
      await expect.poll(() => hashOf(live)).toBe(before);
      expect(site?.complaints()).toEqual([]);
    });

    /** Goes to a step and one of its numbers: the page's texts, and the number against PyTorch's. */
    async function walkTo(
      name: string,
      titles: Map<string, string | null>,
      tensors: (name: string) => Tensor,
    ): Promise<void> {
      await jumpTo(page, name);
      const { shape, data } = tensors(name);
      const [channel, y, x] = [2, shape[2] >> 1, shape[3] - 1];
      await choosePixel(page, { channel, y, x });
      const wanted = data[(channel * shape[2] + y) * shape[3] + x];
      expect(Math.abs((await numberAt(page, 'kernel-value')) - wanted)).toBeLessThan(BOUND);
      expect(await page.getByTestId('agreement').textContent()).toContain('✓ agrees');
      titles.set(name, await page.getByTestId('step-title').textContent());
      expect((await page.locator('.explanation').textContent())?.length).toBeGreaterThan(60);
      expect(await page.locator('.source').textContent()).toContain('src/model/');
    }
  });
});

/** [1, 3, H, W] of bytes as a picture. */
function asPicture({ shape, data }: { shape: readonly number[]; data: Float32Array }) {
  const [, , height, width] = shape;
  const area = height * width;
  const bytes = Uint8Array.from(
    { length: 3 * area },
    (_, i) => data[(i % 3) * area + Math.floor(i / 3)],
  );
  return { width, height, data: bytes };
}
