import type { Page } from 'playwright-core';
import { afterAll, describe, expect } from 'vitest';
import { VARIANTS } from '../../src/model/variants.ts';
import { encodePng } from '../../src/png/index.ts';
import type { Tensor } from '../../src/tensor.ts';
import { readGolden } from '../golden.ts';
import { sharedFile, testShared } from '../shared.ts';
import { choosePixel, hashOf, jumpTo, numberAt, sizeOf, usePicture } from './at-the-page.ts';
import { asPicture } from './pictures.ts';
import { isBrowserHere, openSite, type Site } from './site.ts';

/*
 * The explorer with taef2, whose blocks at the latent's size have a pool: each layer's texts, its
 * numbers against PyTorch's, an opened block, and receptive fields that are the whole picture.
 */

const BOUND = 1e-4;
const WEIGHTS = Object.fromEntries(
  ['taef2_encoder.pth', 'taef2_decoder.pth'].map((name) => [
    name,
    () => sharedFile(`weights/${name}`),
  ]),
);

describe.skipIf(!isBrowserHere)('explorer, taef2 [Chromium]', () => {
  let site: Site | undefined;
  let page: Page;
  afterAll(() => site?.close());

  const golden = () => readGolden('family/taef2-layers-32x32');

  testShared('every layer → title, text, line of src/model, PyTorch’s number', async () => {
    site = await openSite(WEIGHTS);
    page = await site.open();
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
    expect(await field()).toContain('x 30–31, y 15–17, 2×3');
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
