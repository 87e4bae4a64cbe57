import type { Page } from 'playwright-core';
import { afterAll, describe, expect } from 'vitest';
import { brushed } from '../../explorer/src/measure/paint.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import { encodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { readGolden, realWeights } from '../golden.ts';
import { sharedFile, testShared } from '../shared.ts';
import {
  decodedCanvas,
  hashOf,
  hashOfBytes,
  insideNames,
  lookAt,
  numberOf,
  pressBlock,
  type Shown,
  toScene,
  usePicture,
} from './at-the-page.ts';
import { asPicture } from './pictures.ts';
import { isBrowserHere, openSite, type Site } from './site.ts';

/*
 * The explorer with taef2, whose blocks at the latent's size have a pool: numbers against
 * PyTorch's, an opened block, and receptive fields that are the whole picture.
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

  testShared('layers → the list of the table, titles, PyTorch’s numbers', async () => {
    site = await openSite(WEIGHTS);
    page = await site.open({ at: '#free/taef2' });
    await page.locator('.status', { hasText: 'layers of taef2' }).waitFor();
    await usePicture(page, 'crop.png', encodePng(asPicture(golden()('image'))));
    const { encoder, decoder } = VARIANTS.taef2.networks;
    const names = [
      ...encoder.map((_, index) => `encoder.${index}`),
      ...decoder.map((_, index) => `decoder.${index}`),
    ];
    const rows = page.locator('.layer-list [data-step]');
    expect(await rows.evaluateAll((all) => all.map((e) => e.getAttribute('data-step')))).toEqual(
      names,
    );
    for (const [name, title] of [
      ['encoder.9', 'Residual block'],
      ['encoder.11', 'Residual block with a pool'],
      ['encoder.14', 'To the latent'],
      ['decoder.1', 'From the latent'],
      ['decoder.7', 'Smoothing convolution'],
      ['decoder.19', 'To the picture'],
    ]) {
      expect((await look(name)).title, name).toBe(title);
    }
  });

  testShared('an opened block → the pool’s operations; a group norm’s number', async () => {
    await look('decoder.3');
    expect(await page.locator('.open-block').textContent()).toBe(
      'Open the block: its 12 operations',
    );
    await pressBlock(page, 'decoder.3');
    await page.locator('.layer.inside').first().waitFor();
    const inside = await insideNames(page);
    expect(inside.map((name) => name.slice('decoder.3.'.length))).toEqual(
      'pool.0 pool.1 pool.2 pool.3 x+pool conv.0 conv.1 conv.2 conv.3 conv.4 add fuse'.split(' '),
    );
    for (const name of inside.slice(0, 10)) await look(name);
    const shown = await look('decoder.3.pool.1');
    expect(shown.title).toBe('Group norm');
    const number = (name: string) => numberOf(shown, name);
    const value = number('exact-value');
    expect(number('input') * number('scale') + number('bias')).toBeCloseTo(value, 4);
    expect(await page.locator('.exactly').textContent()).toContain(
      '(input − mean) / √(variance + 0.00001) · weight + bias',
    );
    // What the ReLU after it makes of it.
    expect(number('next-relu')).toBeCloseTo(Math.max(value, 0), 4);
  });

  testShared('receptive field → the whole picture, from the first pool on', async () => {
    const first = await look('encoder.0');
    expect(first.texts['field-picture']).toContain('x 30–31, y 15–17, 2×3');
    expect(first.fieldHint).toBe('Nothing outside the frame can change this number.');
    for (const [name, layer] of [
      ['encoder.12', 'encoder.12'],
      ['decoder.1', 'encoder.13'],
      ['decoder.3.pool.0', 'encoder.13'],
      ['decoder.3.pool.1', 'decoder.3'],
      ['decoder.3.conv.0', 'decoder.3'],
      ['decoder.19', 'decoder.5'],
    ]) {
      const shown = await look(name);
      expect(shown.texts['field-picture'], name).toContain('32×32: the whole picture');
      expect(shown.fieldHint, name).toContain(
        `${layer} takes mean and variance over its whole map`,
      );
      if (name === 'decoder.19') {
        expect(shown.texts['field-latent']).toContain('the whole latent');
      }
    }
  });

  testShared(
    'latent → 32 channels; the last one painted: the picture of those numbers',
    async () => {
      const taesd = await Taesd.load({ model: 'taef2', weights: realWeights('taef2'), workers: 0 });
      const latents = await taesd.encode(asPicture(golden()('image')));
      expect(latents.shape).toEqual([1, 32, 4, 4]);
      await toScene(page, '4');
      const before = hashOfBytes((await taesd.decode(latents)).data);
      await expect.poll(() => hashOf(decodedCanvas(page))).toBe(before);
      // Sixteen at once. The channel that follows brightness most is chosen, on either page.
      const strip = page.locator('.latent-strip');
      expect(await strip.locator('.strip-item').count()).toBe(16);
      const last = strip.getByRole('button', { name: /^Channel 31: / });
      if ((await last.count()) === 0)
        await strip.getByRole('button', { name: 'Channels after' }).click();
      expect(await strip.locator('.strip-item').count()).toBe(16);
      await last.click();
      await page.getByRole('button', { name: 'Paint', exact: true }).click();
      await page.locator('[data-part="channel-31"] canvas').press(' ');
      const spot = { channel: 31, y: 2, x: 2, value: 2, radius: 2 };
      const painted = await taesd.decode(brushed(latents, spot));
      taesd.dispose();
      await expect.poll(() => hashOf(decodedCanvas(page))).toBe(hashOfBytes(painted.data));
      await page.getByRole('button', { name: 'Reset', exact: true }).click();
      await expect.poll(() => hashOf(decodedCanvas(page))).toBe(before);
      expect(site?.complaints()).toEqual([]);
    },
  );

  /** Goes to one number of a step, which is PyTorch's. */
  async function look(name: string): Promise<Shown> {
    const { shape, data } = golden()(name);
    const at = { channel: 2, y: shape[2] >> 1, x: shape[3] - 1 };
    const shown = await lookAt(page, 'taef2', name, at);
    const wanted = data[(at.channel * shape[2] + at.y) * shape[3] + at.x];
    expect(Math.abs(numberOf(shown, 'kernel-value') - wanted), name).toBeLessThan(BOUND);
    expect(shown.agreement, name).toContain('✓ agrees');
    return shown;
  }
});
