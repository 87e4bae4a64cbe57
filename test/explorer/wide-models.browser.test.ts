import type { Page } from 'playwright-core';
import { afterAll, describe, expect } from 'vitest';
import type { ModelName, Step } from '../../src/index.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import { encodePng } from '../../src/png/index.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { Taesd } from '../../src/taesd.ts';
import { seededWeights } from '../golden.ts';
import { seededTensors } from '../seeded-weights.ts';
import { sharedFile, testShared } from '../shared.ts';
import { choosePixel, jumpTo, numberAt, usePicture } from './at-the-page.ts';
import { isBrowserHere, openSite, type Site } from './site.ts';

/*
 * The explorer with taesana, taeqi2_1 and taew2_1: each layer's texts and one of its numbers, and
 * the operations inside layers on frames, against the reference's. Most weights are seeded.
 */

const BOUND = 1e-4;

type Weights = Uint8Array | { encoder: Uint8Array; decoder: Uint8Array };

async function weightsOf(model: ModelName): Promise<Weights> {
  if (model !== 'taew2_1') return seededWeights(model);
  const json = sharedFile('weights/random/random-weights.json');
  return writeSafetensors([...seededTensors(json, model)]);
}

/** A picture of bytes, translucent if it has four channels. */
function picture(width: number, height: number, channels: 3 | 4) {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [x, y, c] = [
      Math.floor(i / channels) % width,
      Math.floor(i / channels / width),
      i % channels,
    ];
    return c === 3 ? (23 * y + 5 * x) & 255 : 128 + 120 * Math.sin(x / (c + 2) + y / 5 + c);
  });
  return { width, height, data };
}

interface Walk {
  readonly model: ModelName;
  readonly input: ReturnType<typeof picture>;
  /** The layers that are opened. */
  readonly opened: readonly string[];
  /** Titles of some steps. */
  readonly titles: Readonly<Record<string, string>>;
}

const WALKS: readonly Walk[] = [
  {
    model: 'taesana',
    input: picture(40, 33, 3),
    opened: ['decoder.8'],
    titles: {
      'encoder.0': 'First convolution, every second pixel',
      'encoder.2': 'Convolution, every second place',
      'encoder.17': 'To the latent',
      'decoder.1': 'From the latent',
      'decoder.7': 'Smoothing convolution',
      'decoder.29': 'To the picture',
    },
  },
  {
    model: 'taeqi2_1',
    input: picture(35, 29, 4),
    opened: [],
    titles: {
      'encoder.0': 'Pixels to channels',
      'encoder.8': 'Convolution, every second place',
      'encoder.16': 'To the latent',
      'decoder.1': 'From the latent',
      'decoder.12': 'Smoothing convolution',
      'decoder.19': 'Convolution',
      'decoder.20': 'Channels to pixels',
    },
  },
  {
    model: 'taew2_1',
    input: picture(21, 17, 3),
    opened: ['encoder.3', 'encoder.5', 'encoder.6', 'decoder.12', 'decoder.15'],
    titles: {
      'encoder.0': 'First convolution',
      'encoder.3': 'Block with a memory',
      'encoder.6': 'Two frames become one',
      'decoder.7': 'Smoothing convolution',
      'decoder.12': 'One frame becomes two',
      'decoder.15': 'Block with a memory',
      'decoder.17': 'Smoothing convolution',
      'decoder.19': 'To the picture',
      'encoder.3.frame0.relu': 'ReLU inside the block',
      'encoder.3.frame1.past': 'Convolution of the frame before',
      'encoder.5.frame1.x+past': 'Sum with the memory',
      'encoder.6.frame0.1': 'Convolution of the later frame',
      'encoder.6.frame0.x+past': 'Sum of both frames',
      'decoder.12.frame0.0': 'Convolution for the earlier frame',
      'decoder.12.frame1.1': 'Convolution for the later frame',
    },
  },
];

describe.skipIf(!isBrowserHere)('explorer, wide models [Chromium]', () => {
  const sites: Site[] = [];
  afterAll(() => Promise.all(sites.map((site) => site.close())));

  for (const { model, input, opened, titles } of WALKS) {
    testShared(
      `${model}, layers → title, text, line of src/model, the reference’s number`,
      async () => {
        const weights = await weightsOf(model);
        const page = await pageOf(model, weights);
        await usePicture(page, 'waves.png', encodePng(input));
        const steps = await referenceSteps(model, weights, input);
        const { layers } = steps;
        const listed = page.locator('[data-step]');
        expect(
          await listed.evaluateAll((all) => all.map((e) => e.getAttribute('data-step'))),
        ).toEqual(layers.map(({ name }) => name));
        const found = new Map<string, string | null>();
        const texts = new Set<string | null>();
        for (const step of layers) {
          if (!walked(step, opened, titles)) continue;
          await walkTo(page, step, found, texts);
          if (!opened.includes(step.name)) continue;
          const inside: Step[] = [];
          for await (const inner of step.inner()) inside.push(inner);
          expect(await page.locator('.open-block').textContent()).toMatch(
            new RegExp(`: its ${inside.length} operations$`),
          );
          await page.getByRole('button', { name: `Open block ${step.name}`, exact: true }).click();
          await page.locator(`[data-step="${inside[0].name}"]`).waitFor();
          expect(
            await page
              .locator('.layer.inside')
              .evaluateAll((all) => all.map((e) => e.getAttribute('data-step'))),
          ).toEqual(inside.map(({ name }) => name));
          for (const inner of inside) await walkTo(page, inner, found, texts);
        }
        for (const [name, title] of Object.entries(titles))
          expect([name, found.get(name)]).toEqual([name, title]);
        await checkAlpha(page, model);
        expect(sites.at(-1)?.complaints()).toEqual([]);
        await page.context().close();
      },
    );
  }

  /** Half of the layers at least: the named ones, and every one of taeqi2_1, which has alpha. */
  const walked = ({ name, index }: Step, opened: Walk['opened'], titles: Walk['titles']) =>
    name in titles || opened.length === 0 || opened.includes(name) || index % 2 === 0;

  async function pageOf(model: ModelName, weights: Weights): Promise<Page> {
    const files: [string, Uint8Array][] =
      weights instanceof Uint8Array
        ? [[`${model}.safetensors`, weights]]
        : Object.entries(weights).map(([half, bytes]) => [
            // The real encoder of taesana is a file of torch.
            `${model}_${half}.${bytes[0] === 0x50 ? 'pth' : 'safetensors'}`,
            bytes,
          ]);
    const site = await openSite(
      Object.fromEntries(files.map(([name, bytes]) => [name, () => bytes])),
    );
    sites.push(site);
    const page = await site.open();
    await page.getByLabel('Whose latents it speaks').selectOption(model);
    await page.getByText(`At work: ${model}, weights from the folder beside this page.`).waitFor();
    return page;
  }

  /** Goes to a step and one of its numbers: the page's texts, and the number. */
  async function walkTo(
    page: Page,
    { name, output: { shape, data } }: Step,
    titles: Map<string, string | null>,
    texts: Set<string | null>,
  ): Promise<void> {
    await jumpTo(page, name);
    const [, channels, height, width] = shape;
    const [channel, y, x] = [channels - 1, height >> 1, width - 1];
    await choosePixel(page, { channel, y, x });
    const wanted = data[(channel * height + y) * width + x];
    const scale = Math.max(1, Math.abs(wanted));
    for (const id of ['kernel-value', 'value']) {
      const off = Math.abs((await numberAt(page, id)) - wanted) / scale;
      expect(off, `${name} ${id}`).toBeLessThan(BOUND);
    }
    expect(await page.getByTestId('agreement').textContent(), name).toContain('✓ agrees');
    titles.set(name, await page.getByTestId('step-title').textContent());
    const text = await page.locator('.explanation').textContent();
    expect(text?.length, name).toBeGreaterThan(60);
    texts.add(text);
    expect(await page.locator('.source').textContent(), name).toContain('src/model/');
    const sides = await page
      .locator('.channel-map canvas')
      .first()
      .evaluate((canvas) => [
        (canvas as HTMLCanvasElement).width,
        (canvas as HTMLCanvasElement).height,
      ]);
    expect(sides, name).toEqual([width, height]);
  }
});

/** The steps of both halves by the reference, the decoder's from its own latents. */
async function referenceSteps(
  model: ModelName,
  weights: Weights,
  input: ReturnType<typeof picture>,
): Promise<{ layers: Step[] }> {
  const taesd = await Taesd.load({ model, weights, backend: 'reference' });
  const layers: Step[] = [];
  for await (const step of taesd.steps(input)) layers.push(step);
  const latents = layers[layers.length - 1].output;
  for await (const step of taesd.steps(latents)) layers.push(step);
  return { layers };
}

/** Checks what the page says of alpha, and the latent's square. */
async function checkAlpha(page: Page, model: ModelName): Promise<void> {
  const { pictureChannels, downscale, latentChannels } = VARIANTS[model];
  const text = async (id: string) => (await page.getByTestId(id).textContent()) ?? '';
  const hasAlpha = pictureChannels === 4;
  expect((await text('original')).includes('squares show through')).toBe(hasAlpha);
  expect((await text('decoded-in')).includes('with alpha')).toBe(hasAlpha);
  expect((await text('psnr')).includes('both over white')).toBe(hasAlpha);
  expect(await page.locator('#latent .intro').textContent()).toContain(
    `each ${downscale}×${downscale} square`,
  );
  expect(await page.locator('.latent-channel').count()).toBe(latentChannels);
  const background = (element: Element) => getComputedStyle(element).backgroundImage;
  const decoded = page.getByLabel('The decoded picture');
  expect(await decoded.evaluate(background)).toContain('repeating-conic-gradient');
  // A model without alpha takes the picture over white.
  const { data } = picture(24, 24, 4);
  await usePicture(page, 'glass.png', encodePng({ width: 24, height: 24, data }));
  expect((await text('original')).includes('over white: this model has no alpha')).toBe(!hasAlpha);
  const shown = await page.getByLabel('The original picture').evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    return [...(canvas.getContext('2d')?.getImageData(0, 0, 24, 24).data ?? [])];
  });
  const at = (pixel: number) => 4 * pixel;
  for (const pixel of [0, 100, 575]) {
    const alpha = data[at(pixel) + 3] / 255;
    const wanted = hasAlpha ? data[at(pixel)] : data[at(pixel)] * alpha + 255 * (1 - alpha);
    // A canvas rounds the colours of translucent pixels.
    if (!hasAlpha) expect(Math.abs(shown[at(pixel)] - wanted)).toBeLessThanOrEqual(1);
    expect(shown[at(pixel) + 3]).toBe(hasAlpha ? data[at(pixel) + 3] : 255);
  }
}
