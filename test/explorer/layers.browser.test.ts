import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Step, VARIANTS } from '../../src/index.ts';
import { encodePng } from '../../src/png/index.ts';
import {
  choosePixel,
  hashOf,
  jumpTo,
  numberAt,
  numberIn,
  sizeOf,
  usePicture,
} from './at-the-page.ts';
import { nanoTrip, PICTURE, type Trip } from './nano-trip.ts';
import { isDrawnOn, psnr } from './pictures.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The explorer's layers clicked through in a real browser: maps, pixels, blocks; their numbers
 * against this process's.
 */

const KERNEL_BOUND = 2e-5;

describe.skipIf(!isBrowserHere)('explorer, layers [Chromium]', () => {
  let site: Site;
  let page: Page;
  let trip: Trip;
  beforeAll(async () => {
    trip = await nanoTrip();
    site = await openSite();
    page = await site.open();
    await usePicture(page, 'lake.png', encodePng(PICTURE));
  }, START_MS);
  afterAll(() => site?.close());

  const step = (name: string): Step => trip.steps.get(name) as Step;

  test('there and back → original, latent, decoded, difference; PSNR as here', async () => {
    const section = page.locator('#there-and-back');
    expect(await section.getByRole('img').count()).toBe(4);
    const wanted = `${psnr(PICTURE.data, 3, trip.decoded).toFixed(2)} dB`;
    expect(await page.getByTestId('psnr').textContent()).toContain(wanted);
    const shown = section.getByLabel('The decoded picture');
    expect(await hashOf(shown)).toBe(
      [...trip.decoded.data].reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 7),
    );
    const off = section.getByLabel(/^Difference of original and decoded/);
    const before = await hashOf(off);
    await section.getByText('× 16').click();
    expect(await hashOf(off)).not.toBe(before);
  });

  test('layer list → every layer of both halves with its shape', async () => {
    const rows = page.getByRole('navigation', { name: 'Layers of the network' }).locator('li');
    expect(await rows.count()).toBe(trip.steps.size);
    for (const [n, { name, module, shape }] of [...trip.steps.values()].entries()) {
      expect(await rows.nth(n).getAttribute('data-step')).toBe(name);
      const text = await rows.nth(n).textContent();
      expect(text).toContain(module);
      expect(text).toContain(shape.slice(1).join(' × '));
    }
  });

  test('forwards, back, first, last, slider, play → the step', async () => {
    const place = page.locator('.place');
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
    await press('Last step');
    expect(await place.textContent()).toContain('decoder.10, step 19 of 19');
    await press('Step back');
    expect(await place.textContent()).toContain('decoder.9, step 18');
    await press('First step');
    expect(await place.textContent()).toContain('encoder.0, step 1 ');
    await press('Step forwards');
    expect(await place.textContent()).toContain('encoder.1, step 2 ');
    await page.getByLabel('Jump to a step').press('ArrowRight');
    expect(await place.textContent()).toContain('encoder.2, step 3 ');
    await press('Play');
    await place.getByText('step 4 ').waitFor();
    await press('Pause');
  });

  test.each(['encoder.2', 'decoder.3', 'decoder.6'])(
    '%s → all channels, range, zeros, histogram',
    async (name) => {
      await jumpTo(page, name);
      const { data } = step(name).output;
      const [, channels, height, width] = step(name).shape;
      expect(await page.locator('.thumbnail').count()).toBe(channels);
      const [low, high] = (await page.getByTestId('range').textContent())?.split('…') ?? [];
      expect(numberIn(low)).toBeCloseTo(
        data.reduce((a, b) => Math.min(a, b)),
        1,
      );
      expect(numberIn(high)).toBeCloseTo(
        data.reduce((a, b) => Math.max(a, b)),
        1,
      );
      const zeros = data.filter((value) => value === 0).length / data.length;
      expect(await numberAt(page, 'zeros')).toBeCloseTo(100 * zeros, 0);
      if (name !== 'decoder.6') expect(zeros).toBeGreaterThan(0.05);
      await page
        .locator('.thumbnail')
        .nth(channels - 1)
        .click();
      const large = page.getByRole('application', { name: `Channel ${channels - 1} of ${name}` });
      await large.waitFor();
      expect(await sizeOf(large)).toBe(`${width},${height}`);
      const histogram = page.getByLabel(
        new RegExp(`^Histogram of channel ${channels - 1} .*${name}`),
      );
      await histogram.scrollIntoViewIfNeeded();
      await expect.poll(() => histogram.evaluate(isDrawnOn)).toBe(true);
    },
  );

  test('a pixel of a convolution → windows, products, sum and bias are the kernel’s value; its receptive field', async () => {
    await jumpTo(page, 'decoder.6');
    const position = { channel: 9, y: 5, x: 7 };
    await choosePixel(page, position);
    const made = step('decoder.6').arithmetic(position);
    for (const [id, wanted] of [
      ['sum', made.sum],
      ['bias', made.bias],
      ['value', made.value],
      ['kernel-value', made.kernelValue],
    ] as const) {
      expect(Math.abs((await numberAt(page, id)) - wanted)).toBeLessThan(KERNEL_BOUND);
    }
    expect(await page.getByTestId('agreement').textContent()).toContain('✓ agrees');
    expect(await page.locator('.windows li').count()).toBe(4);
    await page.getByRole('button', { name: 'Show all 64 channels' }).click();
    await page.locator('.windows li').nth(63).waitFor();
    expect(await page.locator('.windows li').count()).toBe(64);
    const first = page.locator('.windows li').first();
    expect(await first.locator('td').count()).toBe(27);
    const total = made.products.slice(0, 9).reduce((sum, { product }) => sum + product, 0);
    expect(numberIn(await first.locator('.subtotal').textContent())).toBeCloseTo(total, 4);
    // By hand: from the layer's input back through the decoder, then through the encoder.
    let area = { x: 7, y: 5, width: 1, height: 1 };
    for (const name of [
      'decoder.6',
      'decoder.5',
      'decoder.4',
      'decoder.3',
      'decoder.2',
      'decoder.1',
    ]) {
      area = { ...step(name).inputArea(area) };
    }
    const { x, y, width, height } = step('decoder.0').inputArea(area);
    expect(await page.getByTestId('field-latent').textContent()).toContain(
      `x ${x}–${x + width - 1}, y ${y}–${y + height - 1}, ${width}×${height}`,
    );
    const field = [...trip.steps.values()]
      .filter(({ part }) => part === 'encoder')
      .reduceRight((at, each) => each.inputArea(at), step('decoder.0').inputArea(area));
    expect(await page.getByTestId('field-picture').textContent()).toContain(
      `${field.width}×${field.height}`,
    );
  });

  test('a click on the map → that pixel; arrow keys → the next ones', async () => {
    await jumpTo(page, 'encoder.1');
    const map = page.getByRole('application', { name: /of encoder\.1/ });
    const box = await map.boundingBox();
    const at = (box?.width ?? 0) / 24;
    await map.click({ position: { x: 10.5 * at, y: 3.5 * at } });
    await page.getByText('x 10, y 3 of encoder.1').waitFor();
    await map.press('ArrowRight');
    await map.press('ArrowDown');
    await page.getByText('x 11, y 4 of encoder.1').waitFor();
    expect(await map.getAttribute('aria-label')).toContain('x 11, y 4');
    // What the ReLU after it makes of it.
    expect(await numberAt(page, 'next-relu')).toBeCloseTo(
      Math.max(await numberAt(page, 'kernel-value'), 0),
      5,
    );
  });

  test('a pixel of a block → its last convolution, the skip connection, the ReLU', async () => {
    await jumpTo(page, 'decoder.4');
    await choosePixel(page, { channel: 3, y: 2, x: 11 });
    const sum = await numberAt(page, 'sum');
    const [bias, skip] = [await numberAt(page, 'bias'), await numberAt(page, 'skip')];
    const before = await numberAt(page, 'before-relu');
    expect(before).toBeCloseTo(sum + bias + skip, 4);
    expect(await numberAt(page, 'value')).toBeCloseTo(Math.max(before, 0), 5);
    expect(await page.getByTestId('agreement').textContent()).toContain('✓ agrees');
  });

  test('a block opened → its operations, each with maps and arithmetic; closed again', async () => {
    await page.getByRole('button', { name: 'Open block decoder.4' }).click();
    const inside = page.locator('.layer.inside');
    await inside.first().waitFor();
    expect(await inside.count()).toBe(7);
    for (const name of [
      'decoder.4.conv.2',
      'decoder.4.conv.3',
      'decoder.4.add',
      'decoder.4.fuse',
    ]) {
      await jumpTo(page, name);
      await choosePixel(page, { channel: 1, y: 6, x: 4 });
      expect(await page.getByTestId('agreement').textContent()).toContain('✓ agrees');
    }
    expect(await page.locator('.source').textContent()).toContain('src/model/layers.ts, line');
    await page.getByRole('button', { name: 'Open block decoder.4' }).click();
    expect(await inside.count()).toBe(0);
    expect(await page.locator('.place').textContent()).toContain('decoder.4,');
  });

  test('every layer → what it is called, why it is there, its line of src/model', async () => {
    const lines = readFileSync(new URL('../../src/model/nano.ts', import.meta.url), 'utf8').split(
      '\n',
    );
    for (const { name, index } of trip.steps.values()) {
      await jumpTo(page, name);
      expect((await page.getByTestId('step-title').textContent())?.length).toBeGreaterThan(3);
      expect((await page.locator('.explanation').textContent())?.length).toBeGreaterThan(60);
      const source = (await page.locator('.source').textContent()) ?? '';
      const line = lines[Number(source.match(/nano\.ts, line (\d+)/)?.[1]) - 1];
      expect(line).toContain(`// ${index}`);
      expect(source).toContain(line.trim());
    }
  });

  test('layers → those of the table of models', () => {
    const { encoder, decoder } = VARIANTS.nano.networks;
    expect(trip.steps.size).toBe(encoder.length + decoder.length);
  });

  test('all of it → nothing in the console, under the strict policy', () => {
    expect(site.complaints()).toEqual([]);
  });
});
