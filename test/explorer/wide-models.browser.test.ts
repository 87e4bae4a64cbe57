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
import {
  inSettings,
  insideNames,
  lookAt,
  numberOf,
  pixelsOf,
  pressBlock,
  type Shown,
  toScene,
  toTab,
  usePicture,
} from './at-the-page.ts';
import { isBrowserHere, openSite, type Site } from './site.ts';

/*
 * The explorer with taesana, taeqi2_1 and taew2_1: layers of each kind with one of their numbers,
 * and the operations inside layers on frames, against the reference's. Most weights are seeded.
 * `all-models.slow.test.ts` has all of their layers.
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
    testShared(`${model}, layers → title, the reference’s number; alpha`, async () => {
      const weights = await weightsOf(model);
      const page = await pageOf(model, weights);
      await usePicture(page, 'waves.png', encodePng(input));
      const layers = await referenceSteps(model, weights, input);
      const listed = page.locator('.layer-list [data-step]');
      expect(
        await listed.evaluateAll((all) => all.map((e) => e.getAttribute('data-step'))),
      ).toEqual(layers.map(({ name }) => name));
      const found: Record<string, string> = {};
      for (const step of layers) {
        const { name } = step;
        if (name in titles) found[name] = (await look(page, model, step)).title;
        if (!opened.includes(name)) continue;
        const inside: Step[] = [];
        for await (const inner of step.inner()) inside.push(inner);
        await look(page, model, step);
        expect(await page.locator('.open-block').textContent()).toMatch(
          new RegExp(`: its ${inside.length} operations$`),
        );
        await pressBlock(page, name);
        await page.locator(`.layer-list [data-step="${inside[0].name}"]`).waitFor();
        expect(await insideNames(page)).toEqual(inside.map((inner) => inner.name));
        for (const inner of inside) {
          const { title } = await look(page, model, inner);
          if (inner.name in titles) found[inner.name] = title;
        }
      }
      expect(found).toEqual(titles);
      await checkAlpha(page, model);
      expect(sites.at(-1)?.complaints()).toEqual([]);
      await page.context().close();
    });
  }

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
    const page = await site.open({ at: '#free/nano' });
    await inSettings(page, async (drawer) => {
      // What follows is small, and the picture before it too.
      await drawer.getByLabel('At most, pixels a side').selectOption('128');
      await page.locator('.status', { hasText: 'Done: the sample, 128×128' }).waitFor();
      await drawer.getByLabel('Whose latents it speaks').selectOption(model);
      const words = `At work: ${model}, weights from the folder beside this page.`;
      await drawer.getByText(words).waitFor();
    });
    return page;
  }

  /** Goes to one number of a step, which is the reference's. */
  async function look(
    page: Page,
    model: ModelName,
    { name, output: { shape, data } }: Step,
  ): Promise<Shown> {
    const [, channels, height, width] = shape;
    const at = { channel: channels - 1, y: height >> 1, x: width - 1 };
    const shown = await lookAt(page, model, name, at);
    const wanted = data[(at.channel * height + at.y) * width + at.x];
    const scale = Math.max(1, Math.abs(wanted));
    for (const id of ['kernel-value', 'exact-value']) {
      const off = Math.abs(numberOf(shown, id) - wanted) / scale;
      expect(off, `${name} ${id}`).toBeLessThan(BOUND);
    }
    expect(shown.agreement, name).toContain('✓ agrees');
    expect(shown.map, name).toEqual([width, height]);
    return shown;
  }
});

/** The steps of both halves by the reference, the decoder's from its own latents. */
async function referenceSteps(
  model: ModelName,
  weights: Weights,
  input: ReturnType<typeof picture>,
): Promise<Step[]> {
  const taesd = await Taesd.load({ model, weights, backend: 'reference' });
  const layers: Step[] = [];
  for await (const step of taesd.steps(input)) layers.push(step);
  const latents = layers[layers.length - 1].output;
  for await (const step of taesd.steps(latents)) layers.push(step);
  return layers;
}

/** Checks what the page says of alpha, and of the latent's squares. */
async function checkAlpha(page: Page, model: ModelName): Promise<void> {
  const { pictureChannels, downscale, latentChannels } = VARIANTS[model];
  const hasAlpha = pictureChannels === 4;
  await toScene(page, '4');
  expect(await page.locator('.scene-text').textContent()).toContain(
    `${latentChannels} for each ${downscale}×${downscale} pixels`,
  );
  await toTab(page, 'Compare');
  const text = async (id: string) => (await page.getByTestId(id).textContent()) ?? '';
  expect((await text('original')).includes('squares show through')).toBe(hasAlpha);
  expect((await text('decoded-in')).includes('with alpha')).toBe(hasAlpha);
  expect((await text('psnr')).includes('both over white')).toBe(hasAlpha);
  const background = (element: Element) => getComputedStyle(element).backgroundImage;
  const decoded = page.locator('.free-compare').getByLabel('The decoded picture');
  expect(await decoded.evaluate(background)).toContain('repeating-conic-gradient');
  // A model without alpha takes the picture over white.
  const { data } = picture(24, 24, 4);
  await usePicture(page, 'glass.png', encodePng({ width: 24, height: 24, data }));
  expect((await text('original')).includes('over white: this model has no alpha')).toBe(!hasAlpha);
  const shown = await pixelsOf(page.getByLabel('The original picture'));
  const at = (pixel: number) => 4 * pixel;
  for (const pixel of [0, 100, 575]) {
    const alpha = data[at(pixel) + 3] / 255;
    const wanted = hasAlpha ? data[at(pixel)] : data[at(pixel)] * alpha + 255 * (1 - alpha);
    // A canvas rounds the colours of translucent pixels.
    if (!hasAlpha) expect(Math.abs(shown[at(pixel)] - wanted)).toBeLessThanOrEqual(1);
    expect(shown[at(pixel) + 3]).toBe(hasAlpha ? data[at(pixel) + 3] : 255);
  }
}
