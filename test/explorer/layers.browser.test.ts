import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixed } from '../../explorer/src/text/measured.ts';
import { count, percent, tiny } from '../../explorer/src/text/numbers.ts';
import { type Product, type Step, VARIANTS } from '../../src/index.ts';
import { encodePng } from '../../src/png/index.ts';
import {
  hashOf,
  hashOfBytes,
  insideNames,
  lookAt,
  numberIn,
  numberOf,
  type Pixel,
  pressBlock,
  toTab,
  usePicture,
} from './at-the-page.ts';
import { nanoTrip, PICTURE, type Trip } from './nano-trip.ts';
import { psnr } from './pictures.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The free explorer in a real browser: layers, pixels, blocks, costs; their numbers against this
 * process's.
 */

const KERNEL_BOUND = 2e-5;

describe.skipIf(!isBrowserHere)('explorer, layers [Chromium]', () => {
  let site: Site;
  let page: Page;
  let trip: Trip;
  beforeAll(async () => {
    trip = await nanoTrip();
    site = await openSite();
    page = await site.open({ at: '#free/nano' });
    await usePicture(page, 'lake.png', encodePng(PICTURE));
  }, START_MS);
  afterAll(async () => {
    trip?.taesd.dispose();
    await site?.close();
  });

  const step = (name: string): Step => trip.steps.get(name) as Step;
  const look = (layer: string, at: Pixel) => lookAt(page, 'nano', layer, at);

  test('compare → original, decoded, difference, latent; PSNR as here', async () => {
    await toTab(page, 'Compare');
    const view = page.locator('.free-compare');
    expect(await view.getByRole('img').count()).toBe(4);
    const wanted = `${psnr(PICTURE.data, 3, trip.decoded).toFixed(2)} dB`;
    expect(await page.getByTestId('psnr').textContent()).toContain(wanted);
    const { data } = trip.decoded;
    expect(await hashOf(view.getByLabel('The decoded picture'))).toBe(hashOfBytes(data));
    const off = view.getByLabel(/^Difference of original and decoded/);
    const times = (by: number) =>
      hashOfBytes(
        data.map((byte, i) => {
          if (i % 4 === 3) return 255;
          return Math.abs(byte - PICTURE.data[3 * (i >> 2) + (i % 4)]) * by;
        }),
      );
    expect(await hashOf(off)).toBe(times(4));
    await view.getByText('× 16').click();
    await expect.poll(() => hashOf(off)).toBe(times(16));
  });

  test('costs → the multiply-adds of each layer and of all, the share of each size', async () => {
    await toTab(page, 'Costs');
    const costs = page.locator('.free-costs');
    const steps = [...trip.steps.values()];
    const total = steps.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
    const intro = (await costs.locator('.intro').textContent()) ?? '';
    expect(intro).toContain(`${count(total)} multiply-adds`);
    const byWidth = new Map<number, number>();
    for (const { shape, multiplyAdds } of steps) {
      byWidth.set(shape[3], (byWidth.get(shape[3]) ?? 0) + multiplyAdds);
    }
    const [width, most] = [...byWidth].reduce((a, b) => (b[1] > a[1] ? b : a));
    const size = width === PICTURE.width ? 'full size' : `1/${PICTURE.width / width}`;
    expect(intro).toContain(`At ${size} they take ${percent(most / total)} of the work.`);
    for (const half of ['encoder', 'decoder'] as const) {
      const chart = costs.getByLabel(`Multiply-adds of the ${half}, by layer`);
      const bars = await chart.locator('.number').allTextContents();
      const own = steps.filter(({ part }) => part === half);
      expect(bars).toEqual(own.map(({ multiplyAdds }) => count(multiplyAdds)));
    }
    await costs.getByText('The layers as a table').click();
    const rows = await page.getByTestId('times').locator('tbody tr').allTextContents();
    expect(rows).toHaveLength(steps.length);
    for (const [n, { name, multiplyAdds }] of steps.entries()) {
      expect(rows[n]).toMatch(new RegExp(`^${name}[\\d.]+ ms${count(multiplyAdds)}$`));
    }
    await costs.getByLabel('Milliseconds').check();
    const times = costs.getByLabel('Milliseconds of the decoder, by layer');
    expect((await times.locator('.number').allTextContents()).every((t) => / ms$/.test(t))).toBe(
      true,
    );
    // A bar leads to its layer.
    await times.locator('.target').nth(4).click();
    await page.locator('.place', { hasText: 'decoder.4, ' }).waitFor();
  });

  test('the list → every layer of both halves with its shape', async () => {
    const { encoder, decoder } = VARIANTS.nano.networks;
    expect(trip.steps.size).toBe(encoder.length + decoder.length);
    const rows = page.locator('.layer-list li');
    expect(await rows.count()).toBe(trip.steps.size);
    const found = await rows.evaluateAll((all) =>
      all.map((row) => [row.getAttribute('data-step'), row.textContent]),
    );
    for (const [n, { name, module, shape }] of [...trip.steps.values()].entries()) {
      expect(found[n][0]).toBe(name);
      expect(found[n][1]).toContain(module.replace('nn.', ''));
      expect(found[n][1]).toContain(shape.slice(1).join(' × '));
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

  test('every layer → text, line of src/model, range, zeros, size; the sum agrees; no two alike', async () => {
    const lines = readFileSync(new URL('../../src/model/nano.ts', import.meta.url), 'utf8').split(
      '\n',
    );
    const notes = new Set<string>();
    for (const { name, index, shape, output } of trip.steps.values()) {
      const [, channels, height, width] = shape;
      const at = { channel: channels - 1, y: height - 1, x: width >> 1 };
      const shown = await look(name, at);
      expect(shown.title.length, name).toBeGreaterThan(3);
      expect(shown.explanation.length, name).toBeGreaterThan(60);
      const line = lines[Number(shown.source.match(/nano\.ts, line (\d+)/)?.[1]) - 1];
      expect(line).toContain(`// ${index}`);
      expect(shown.source).toContain(line.trim());
      expect(shown.map, name).toEqual([width, height]);
      const wanted = output.data[((channels - 1) * height + at.y) * width + at.x];
      expect(Math.abs(numberOf(shown, 'kernel-value') - wanted), name).toBeLessThan(KERNEL_BOUND);
      expect(Math.abs(numberOf(shown, 'exact-value') - wanted), name).toBeLessThan(KERNEL_BOUND);
      expect(shown.agreement, name).toContain('✓ agrees');
      const [low, high] = shown.texts.range.split('…').map(numberIn);
      const { data } = output;
      const least = data.reduce((a, b) => Math.min(a, b));
      const most = data.reduce((a, b) => Math.max(a, b));
      expect(Math.abs(low - least), name).toBeLessThanOrEqual(0.005 * Math.abs(least));
      expect(Math.abs(high - most), name).toBeLessThanOrEqual(0.005 * Math.abs(most));
      const zeros = data.filter((value) => value === 0).length / data.length;
      expect(shown.texts.zeros, name).toBe(percent(zeros));
      expect(await page.locator('.channels .strip-item').count(), name).toBe(channels);
      const histogram = page.locator('.channels').getByRole('img', { name: /^Histogram/ });
      expect(await histogram.getAttribute('aria-label')).toContain(
        `Histogram of channel ${channels - 1} and of all channels of ${name}`,
      );
      notes.add(shown.notes);
    }
    expect(notes.size).toBe(trip.steps.size);
  });

  test('a pixel of a convolution → windows, products, sum and bias are the kernel’s value; its receptive field', async () => {
    const position = { channel: 9, y: 5, x: 7 };
    const shown = await look('decoder.6', position);
    const made = step('decoder.6').arithmetic(position);
    for (const [id, wanted] of [
      ['sum', made.sum],
      ['bias', made.bias],
      ['exact-value', made.value],
      ['kernel-value', made.kernelValue],
    ] as const) {
      expect(Math.abs(numberOf(shown, id) - wanted), id).toBeLessThan(KERNEL_BOUND);
    }
    expect(numberIn(shown.texts.value)).toBeCloseTo(made.value, 3);
    // The three channels that count most, then all others.
    const windows = new Map<number, Product[]>();
    for (const product of made.products) {
      windows.set(product.channel, [...(windows.get(product.channel) ?? []), product]);
    }
    const sumOf = (products: readonly Product[]) =>
      products.reduce((sum, { product }) => sum + product, 0);
    const sorted = [...windows].toSorted(([, a], [, b]) => Math.abs(sumOf(b)) - Math.abs(sumOf(a)));
    expect(sorted).toHaveLength(64);
    const rows = page.locator('.free-sum .sum-row');
    expect(await rows.count()).toBe(3);
    for (const [n, [channel, products]] of sorted.slice(0, 3).entries()) {
      for (const [what, key] of [
        ['window', 'value'],
        ['weights', 'weight'],
        ['products', 'product'],
      ] as const) {
        const label = `channel ${channel}, ${what}: ${products.map((p) => tiny(p[key])).join(', ')}`;
        const cells = rows.nth(n).getByRole('img', { name: label, exact: true });
        expect(await cells.locator('.cell').count(), label).toBe(9);
      }
      const subtotal = numberIn(await rows.nth(n).locator('.subtotal').textContent());
      expect(Math.abs(subtotal - sumOf(products))).toBeLessThanOrEqual(0.00051);
    }
    const rest = sorted.slice(3).reduce((sum, [, products]) => sum + sumOf(products), 0);
    const equation = (await page.locator('.free-sum .equation').textContent()) ?? '';
    expect(equation).toContain(`${fixed(rest, 3)} 61 more`);
    // By hand: from the layer's input back through the decoder, then through the encoder.
    let area = { x: 7, y: 5, width: 1, height: 1 };
    for (let index = 6; index >= 0; index--) area = { ...step(`decoder.${index}`).inputArea(area) };
    const { x, y, width, height } = area;
    expect(shown.texts['field-latent']).toContain(
      `x ${x}–${x + width - 1}, y ${y}–${y + height - 1}, ${width}×${height}`,
    );
    const field = [...trip.steps.values()]
      .filter(({ part }) => part === 'encoder')
      .reduceRight((at, each) => each.inputArea(at), area);
    expect(shown.texts['field-picture']).toContain(`${field.width}×${field.height}`);
    expect(shown.fieldHint).toBe('Nothing outside the frame can change this number.');
  });

  test('a click on the map → that pixel; arrow keys → the next ones; number fields', async () => {
    await look('encoder.1', { channel: 2, y: 20, x: 15 });
    const map = page.getByRole('application', { name: /of encoder\.1/ });
    const box = await map.boundingBox();
    const at = (box?.width ?? 0) / step('encoder.1').shape[3];
    await map.click({ position: { x: 10.5 * at, y: 3.5 * at } });
    await page.getByText('x 10, y 3 of encoder.1').waitFor();
    await map.press('ArrowRight');
    await map.press('ArrowDown');
    await page.getByText('x 11, y 4 of encoder.1').waitFor();
    const shown = await look('encoder.1', { channel: 2, y: 4, x: 11 });
    // What the ReLU after it makes of it.
    const next = Math.max(numberOf(shown, 'kernel-value'), 0);
    expect(numberOf(shown, 'next-relu')).toBeCloseTo(next, 5);
    const fields = page.locator('.channel-map');
    for (const [label, value] of [
      ['Channel', '5'],
      ['x', '1'],
      ['y', '2'],
    ]) {
      await fields.getByLabel(label, { exact: true }).fill(value);
      await fields.getByLabel(label, { exact: true }).press('Tab');
    }
    await page.getByText('Channel 5, x 1, y 2 of encoder.1').waitFor();
  });

  test('a pixel of a block → its last convolution, the skip connection, the ReLU', async () => {
    const shown = await look('decoder.4', { channel: 3, y: 2, x: 11 });
    const number = (name: string) => numberOf(shown, name);
    const before = number('before-relu');
    expect(before).toBeCloseTo(number('sum') + number('bias') + number('skip'), 4);
    expect(number('exact-value')).toBeCloseTo(Math.max(before, 0), 5);
    expect(shown.agreement).toContain('✓ agrees');
  });

  test('a block opened → its operations, each with maps and arithmetic; closed again', async () => {
    await look('decoder.4', { channel: 1, y: 6, x: 4 });
    await pressBlock(page, 'decoder.4');
    await page.locator('.layer.inside').first().waitFor();
    const inside = new Map<string, Step>();
    for await (const each of step('decoder.4').inner()) inside.set(each.name, each);
    expect(await insideNames(page)).toEqual([...inside.keys()]);
    expect(inside.size).toBe(7);
    for (const { name, output, shape } of inside.values()) {
      const shown = await look(name, { channel: 1, y: 6, x: 4 });
      const wanted = output.data[(shape[2] + 6) * shape[3] + 4];
      expect(Math.abs(numberOf(shown, 'kernel-value') - wanted), name).toBeLessThan(KERNEL_BOUND);
      expect(shown.agreement, name).toContain('✓ agrees');
      expect(shown.source).toContain('src/model/layers.ts, line');
    }
    await pressBlock(page, 'decoder.4');
    expect(await page.locator('.layer.inside').count()).toBe(0);
    expect(await page.locator('.place').textContent()).toContain('decoder.4,');
  });

  test('an address inside a block, opened cold → that block is open, that number shown', async () => {
    const at = '#free/nano/decoder.4.conv.2/9/7,5';
    const cold = await site.open({ at });
    await cold.getByText('Channel 9, x 7, y 5 of decoder.4.conv.2').waitFor();
    expect(await cold.evaluate(() => location.hash)).toBe(at);
    expect(await insideNames(cold)).toContain('decoder.4.conv.2');
    // Another picture: the same place of it.
    await usePicture(cold, 'lake.png', encodePng(PICTURE));
    await cold.getByText(/^Channel 9, x \d+, y \d+ of decoder\.4\.conv\.2\.$/).waitFor();
    await cold.context().close();
  });

  test('down through channels, across a block, and up again → each number as here', async () => {
    await page.evaluate(() => {
      location.hash = '#3/nano/decoder.6/9/7,5';
    });
    const made = step('decoder.6').arithmetic({ channel: 9, y: 5, x: 7 });
    const trail = page.locator('.trail');
    // By keyboard: a pointer at rest on the waterfall chooses another channel as sums arrive.
    const down = () => page.locator('.doors .door[tabindex="0"]').press('Enter');
    await page
      .getByRole('application', { name: /^Channel 9 of decoder\.6, x 7, y 5, [−\d]/ })
      .waitFor();
    await down();
    await trail.getByText('decoder.6·9').waitFor();
    expect(await trail.getByRole('button').first().textContent()).toContain(fixed(made.value, 3));
    for (const depth of [2, 3, 4, 5]) {
      const last = await page.evaluate(() => location.hash);
      await down();
      await expect.poll(() => trail.getByRole('button').count()).toBe(depth);
      await expect.poll(() => page.evaluate(() => location.hash)).not.toBe(last);
    }
    // Inside one block now; the number that is gone back to may be inside another.
    const crumbs = await trail.getByRole('button').allTextContents();
    const inner = crumbs.findIndex((text) => /^decoder\.\d+\.conv/.test(text));
    expect(inner).toBeGreaterThan(0);
    const [, layer, channel, value] =
      crumbs[inner].match(/^(decoder\.\S+)·(\d+) (.+)$/)?.map(String) ?? [];
    await trail.getByRole('button').nth(inner).click();
    await expect.poll(() => trail.getByRole('button').count()).toBe(inner);
    await page
      .getByRole('application', {
        name: new RegExp(`^Channel ${channel} of ${layer.replaceAll('.', '\\.')}, x`),
      })
      .waitFor();
    // What a ReLU makes of the sum is the number itself.
    const relu = page.locator('.panel-number [data-testid=relu]');
    const sum = page.locator('.panel-number [data-testid=value]');
    const shown = (await relu.count()) > 0 ? relu : sum;
    expect(numberIn(await shown.textContent())).toBe(numberIn(value));
  });

  test('all of it → nothing in the console, under the strict policy', () => {
    expect(site.complaints()).toEqual([]);
  });
});
