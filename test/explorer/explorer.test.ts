import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import {
  dequantizeLatents,
  type Picture,
  quantizeLatents,
  type Step,
  type Tensor,
  VARIANTS,
} from '../../src/index.ts';
import { encodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import {
  choosePixel,
  hashOf,
  jumpTo,
  numberAt,
  numberIn,
  sizeOf,
  usePicture,
} from './at-the-page.ts';
import { isDrawnOn, pngHeader, psnr, wide } from './pictures.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The explorer clicked through in a real browser, with nano on a picture of 96×96; its numbers against this process's.
 */

const SIZE = 96;
const PICTURE = renderPicture(SIZE);
const KERNEL_BOUND = 2e-5;

describe.skipIf(!isBrowserHere)('explorer [Chromium]', () => {
  let site: Site;
  let page: Page;
  let latents: Tensor;
  let decoded: Picture;
  const steps = new Map<string, Step>();
  const folder = mkdtempSync(join(tmpdir(), 'taesd-pictures-'));

  beforeAll(async () => {
    const taesd = await Taesd.load({ model: 'nano', workers: 0 });
    latents = await taesd.encode(PICTURE);
    decoded = await taesd.decode(latents);
    for (const input of [PICTURE, latents]) {
      for await (const step of taesd.steps(input)) steps.set(step.name, step);
    }
    site = await openSite();
    page = await site.open();
    await usePicture(page, 'lake.png', encodePng(PICTURE));
  }, START_MS);
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await site?.close();
  });

  const step = (name: string): Step => steps.get(name) as Step;

  test('there and back → original, latent, decoded, difference; PSNR as here', async () => {
    const section = page.locator('#there-and-back');
    expect(await section.getByRole('img').count()).toBe(4);
    const wanted = `${psnr(PICTURE.data, 3, decoded).toFixed(2)} dB`;
    expect(await page.getByTestId('psnr').textContent()).toContain(wanted);
    const shown = section.getByLabel('The decoded picture');
    expect(await hashOf(shown)).toBe(
      [...decoded.data].reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 7),
    );
    const off = section.getByLabel(/^Difference of original and decoded/);
    const before = await hashOf(off);
    await section.getByText('× 16').click();
    expect(await hashOf(off)).not.toBe(before);
  });

  test('layer list → every layer of both halves with its shape', async () => {
    const rows = page.getByRole('navigation', { name: 'Layers of the network' }).locator('li');
    expect(await rows.count()).toBe(steps.size);
    for (const [n, { name, module, shape }] of [...steps.values()].entries()) {
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
    const field = [...steps.values()]
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
    for (const { name, index } of steps.values()) {
      await jumpTo(page, name);
      expect((await page.getByTestId('step-title').textContent())?.length).toBeGreaterThan(3);
      expect((await page.locator('.explanation').textContent())?.length).toBeGreaterThan(60);
      const source = (await page.locator('.source').textContent()) ?? '';
      const line = lines[Number(source.match(/nano\.ts, line (\d+)/)?.[1]) - 1];
      expect(line).toContain(`// ${index}`);
      expect(source).toContain(line.trim());
    }
  });

  test('latent → four channels, painted by pointer and keyboard, moved, put back: the picture follows', async () => {
    const live = page.getByTestId('live');
    await live.waitFor();
    const channels = page.locator('.latent-channel canvas');
    expect(await channels.count()).toBe(4);
    const first = await hashOf(live);
    const changed = async (from: number) => {
      await expect.poll(() => hashOf(live)).not.toBe(from);
      return hashOf(live);
    };
    const box = await channels.first().boundingBox();
    if (box === null) throw new Error('no canvas');
    await channels.first().hover({ position: { x: 20, y: 20 } });
    await page.mouse.down();
    await channels.first().hover({ position: { x: box.width - 20, y: 60 } });
    await page.mouse.up();
    const painted = await changed(first);
    await channels.nth(1).focus();
    await channels.nth(1).press('ArrowLeft');
    await channels.nth(1).press(' ');
    const twice = await changed(painted);
    await page.locator('.latent-channel').nth(2).getByRole('slider').press('PageUp');
    await changed(twice);
    await page.getByRole('button', { name: 'Back to the encoded latent' }).click();
    await expect.poll(() => hashOf(live)).toBe(first);
  });

  test('quantisation on → its difference, PSNR as here; off → the picture before', async () => {
    const bytes = dequantizeLatents(quantizeLatents(latents.data));
    const taesd = await Taesd.load({ model: 'nano', workers: 0 });
    const quantised = await taesd.decode({ shape: latents.shape, data: bytes });
    const before = await hashOf(page.getByTestId('live'));
    await page.getByLabel('Quantise to 8 bits').check();
    await page.getByTestId('quantised').waitFor();
    const wanted = `${psnr(quantised.data, 4, decoded).toFixed(2)} dB`;
    expect(await page.getByTestId('quantised').textContent()).toContain(wanted);
    expect(await hashOf(page.getByTestId('live'))).not.toBe(before);
    await page.getByLabel('Quantise to 8 bits').uncheck();
    await expect.poll(() => hashOf(page.getByTestId('live'))).toBe(before);
  });

  test('costs → a bar and a row for each layer, multiply-adds by level', async () => {
    const costs = page.locator('#costs');
    for (const chart of await costs.locator('canvas').all()) {
      await chart.scrollIntoViewIfNeeded();
      await expect.poll(() => chart.evaluate(isDrawnOn)).toBe(true);
    }
    await costs.getByText('The layers as a table').click();
    expect(await page.getByTestId('times').locator('tbody tr').count()).toBe(steps.size);
    const total = [...steps.values()].reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
    expect(await costs.locator('.intro').textContent()).toContain(`${(total / 1e6).toFixed(0)} M`);
  });

  test('from noise → live previews of a seeded path, the last of them the decoded picture', async () => {
    await page.getByRole('button', { name: 'Run from noise' }).click();
    const screen = page.locator('[data-model=nano]');
    await screen.getByTestId('fps').waitFor();
    const early = await hashOf(screen.locator('canvas'));
    await page.getByText('The path has ended after 60 steps.').waitFor();
    const caption = (await screen.locator('figcaption').textContent()) ?? '';
    const [, fps, shown, dropped] =
      caption.match(/([\d.]+) frames\/s.* (\d+) shown, (\d+) dropped/)?.map(Number) ?? [];
    console.log(
      `previews of nano at ${SIZE}×${SIZE}: ${fps} frames/s, ${shown} shown, ${dropped} dropped`,
    );
    expect(fps).toBeGreaterThan(1);
    expect(shown + dropped).toBeLessThanOrEqual(62);
    expect(early).not.toBe(await hashOf(page.getByLabel('The decoded picture')));
    const last = await hashOf(page.getByLabel('The decoded picture'));
    await expect.poll(() => hashOf(screen.locator('canvas'))).toBe(last);
    // By hand, and from another seed.
    await page.getByRole('slider', { name: 'Step', exact: true }).press('Home');
    await expect.poll(() => hashOf(screen.locator('canvas'))).not.toBe(last);
    const one = await hashOf(page.locator('.screens canvas').first());
    await page.getByLabel('Seed').fill('7');
    await page.getByLabel('Seed').press('Tab');
    await expect.poll(() => hashOf(page.locator('.screens canvas').first())).not.toBe(one);
  });

  test.each([
    ['notes.png', 'not a picture', 'is not a picture that this browser can read'],
    ['bomb.png', pngHeader(60000, 60000), 'is 60000×60000: more than the 64 million pixels'],
    ['film.png', new Uint8Array(49 * 2 ** 20), 'has 49 MB: more than the 48 MB'],
  ])('%s → said in words, the page goes on', async (name, content, words) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    await page.getByLabel('Choose a picture').setInputFiles(path);
    expect(await page.getByRole('alert').getByText(words).textContent()).toContain(name);
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await page.getByRole('alert').textContent()).toBe('');
    expect(await page.getByTestId('psnr').isVisible()).toBe(true);
  });

  test('weights that are none → said in words, the model stays', async () => {
    const buffer = Buffer.from('not weights at all');
    const file = { name: 'taesd.safetensors', mimeType: '', buffer };
    await page.getByLabel('Open weights').setInputFiles(file);
    await page.getByRole('alert').getByText('safetensors').waitFor();
    expect(await page.getByText(/^At work: /).textContent()).toContain('nano');
    await page.getByRole('button', { name: 'Close' }).click();
  });

  test('a model that is not here → offered for download, not replaced', async () => {
    await page.getByLabel('Whose latents it speaks').selectOption('taesdxl');
    await page.getByRole('button', { name: 'Download taesdxl, 5 MB' }).waitFor();
    expect(await page.getByText(/^At work: /).textContent()).toContain('nano');
    await page.getByLabel('Whose latents it speaks').selectOption('nano');
    expect(await page.getByRole('button', { name: /^Download/ }).count()).toBe(0);
  });

  test('a picture that is too large → made smaller, and said; the sample', async () => {
    await usePicture(page, 'wide.png', encodePng(wide(600, 40)));
    expect(await page.getByText(/^Shown: /).textContent()).toContain(
      'made smaller from 600×40 to 256×17',
    );
    await page.getByRole('button', { name: 'Use the sample' }).click();
    await page.locator('.status', { hasText: 'Done: the sample, 256×256' }).waitFor();
  });

  test('a picture dropped on the page → taken', async () => {
    const bytes = [...encodePng(PICTURE)];
    const transfer = await page.evaluateHandle((content) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(content)], 'dropped.png', { type: 'image/png' }));
      return data;
    }, bytes);
    await page.locator('.page').dispatchEvent('dragover', { dataTransfer: transfer });
    expect(await page.locator('.page.dropping').count()).toBe(1);
    await page.locator('.page').dispatchEvent('drop', { dataTransfer: transfer });
    await page.locator('.status', { hasText: 'Done: dropped.png' }).waitFor();
    expect(await page.locator('.page.dropping').count()).toBe(0);
  });

  test('all of it → nothing in the console, under the strict policy', () => {
    expect(site.complaints()).toEqual([]);
  });

  test('imports → the package’s public entries alone, and text of src/model', async () => {
    const { globSync } = await import('tinyglobby');
    const files = globSync('explorer/src/**/*.{ts,tsx}');
    expect(files.length).toBeGreaterThan(30);
    for (const file of files) {
      const code = readFileSync(file, 'utf8');
      for (const [, path] of code.matchAll(/from '([^']+)'/g)) {
        if (path.includes('/src/')) expect(path).toMatch(/\/src\/model\/\w+\.ts\?raw$/);
        expect(path).not.toContain('dist/');
      }
    }
  });

  test('layers → those of the table of models', () => {
    const { encoder, decoder } = VARIANTS.nano.networks;
    expect(steps.size).toBe(encoder.length + decoder.length);
  });
});
