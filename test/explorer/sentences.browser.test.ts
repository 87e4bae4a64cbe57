import { readFileSync } from 'node:fs';
import type { Locator, Page } from 'playwright-core';
import {
  type Layer,
  type Picture,
  readSafetensors,
  type Step,
  Taesd,
  type Tensor,
  toTensor,
} from 'taesd-wasm';
import { loadNetwork } from 'taesd-wasm/network';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import type { StepView } from '../../explorer/src/engine/protocol.ts';
import { view } from '../../explorer/src/engine/view.ts';
import { type Filters, filterOf, mapOf, planesOf } from '../../explorer/src/measure/convolution.ts';
import {
  covarianceOf,
  type FilterKind,
  type Kind,
  kindOf,
} from '../../explorer/src/measure/filter-kinds.ts';
import { follows } from '../../explorer/src/measure/follows.ts';
import { levelsOf, type Stop, stopsOf, strongest } from '../../explorer/src/measure/levels.ts';
import { meanDifference } from '../../explorer/src/measure/mean-difference.ts';
import { brushed, eightBit } from '../../explorer/src/measure/paint.ts';
import { ringsAround } from '../../explorer/src/measure/rings.ts';
import { joinTiles, largestDifference, splitTiles } from '../../explorer/src/measure/seam.ts';
import { brightestSpot } from '../../explorer/src/measure/spot.ts';
import { measureSquares } from '../../explorer/src/measure/squares.ts';
import { followerText } from '../../explorer/src/text/latent.ts';
import {
  blockOffText,
  filterText,
  fixed,
  followsText,
  ordinal,
  ringsText,
  seamText,
  stepText,
  sumText,
} from '../../explorer/src/text/measured.ts';
import { whole } from '../../explorer/src/text/numbers.ts';
import {
  busiest,
  levelName,
  smoothText,
  stopText,
  timesText,
  workText,
} from '../../explorer/src/text/way-up.ts';
import { realWeights } from '../golden.ts';
import { sharedIsThere } from '../shared.ts';
import { inSettings, toScene, useSmallSample } from './at-the-page.ts';
import { psnr } from './pictures.ts';
import { pictureOf, rgba } from './rgba.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The sentences of the scenes that have a number or say what channels mean, each against what this
 * process computes for the same picture and model.
 */

const SIDE = 128;
const PICTURE = rgba(renderPicture(SIDE));
const NUMBERS = 3 * SIDE * SIDE;
/** Pixels that a place of the latent stands for, in width and height. */
const DOWNSCALE = 8;
const FIRST_FILTERS = new URL('../../weights/nano/first-filters.safetensors', import.meta.url);

/** In the order in which the page counts them. */
const ANSWERS: Readonly<Record<Kind, string>> = {
  brightness: 'to brightness',
  edge: 'to edges',
  colour: 'to colours',
  texture: 'to fine patterns',
  none: 'to nothing',
};

const range = (length: number): number[] => Array.from({ length }, (_, n) => n);

for (const model of ['nano', 'taesd'] as const) {
  const isThere = isBrowserHere && (model === 'nano' || sharedIsThere);
  describe.skipIf(!isThere)(`explorer, sentences of ${model} [Chromium]`, () => {
    let site: Site;
    let page: Page;
    let taesd: Taesd;
    let latents: Tensor;
    let decoded: Picture;
    /** All layers, the encoder's first. */
    const steps: Step[] = [];
    beforeAll(async () => {
      const weights = model === 'nano' ? undefined : realWeights(model);
      taesd = await Taesd.load({ model, weights, workers: 0 });
      latents = await taesd.encode(PICTURE);
      decoded = await taesd.decode(latents);
      for (const input of [PICTURE, latents]) {
        for await (const step of taesd.steps(input)) steps.push(step);
      }
      const served = Object.entries(weights ?? {}).map(([half, bytes]) => [
        `${model}_${half}.safetensors`,
        () => bytes,
      ]);
      site = await openSite(Object.fromEntries(served));
      page = await site.open({ at: '#1/nano' });
      await useSmallSample(page);
      await inSettings(page, async (drawer) => {
        await drawer.getByLabel('Whose latents it speaks').selectOption(model);
        await page.locator('.status', { hasText: `layers of ${model}.` }).waitFor();
      });
    }, START_MS);
    afterAll(async () => {
      taesd?.dispose();
      await site?.close();
    });

    const halfOf = (part: string) => steps.filter((step) => step.part === part);
    const viewOf = (step: Step): StepView => view(step, undefined);
    const goTo = (hash: string) =>
      page.evaluate((to) => {
        location.hash = to;
      }, hash);
    /** Waits until all of a sentence is on the page. */
    const tells = (where: Locator | string, sentence: string) => {
      const place = typeof where === 'string' ? page.locator(where) : where;
      return expect.poll(() => place.innerText()).toContain(sentence);
    };

    /** Tries an answer of the scene's question, and expects a verdict with its reason. */
    async function answers(answer: string, verdict: string): Promise<void> {
      const button = page.getByRole('button', { name: '? Question' });
      if ((await button.getAttribute('aria-expanded')) === 'false') await button.click();
      await page.locator('.answer').getByText(answer, { exact: true }).click();
      await expect.poll(() => page.locator('.reply').innerText()).toBe(verdict);
    }

    /** The page's own, or those of the model's first layer. */
    function firstFilters(): Filters {
      if (model === 'nano') {
        const { tensors } = readSafetensors(readFileSync(FIRST_FILTERS));
        const [weight, bias] = ['weight', 'bias'].map((name) => {
          const tensor = tensors.get(name);
          if (tensor === undefined) throw new Error(`no ${name}`);
          return toTensor(tensor, name);
        });
        return { cin: 3, cout: weight.shape[0], weight: weight.data, bias: bias.data };
      }
      const { weight, bias } = steps[0].weights;
      return { cin: 3, cout: weight.shape[0], weight: weight.data, bias: bias?.data };
    }

    test('filters → how many answer to what, each one’s kind, its rank for the moon', async () => {
      const owner = model === 'nano' ? 'this page' : model;
      await tells('.scene-text', `here ${whole(SIDE * SIDE)} times, once for each pixel`);
      await tells('[data-part="output"] figcaption', `of 64 of ${owner}:`);
      await toScene(page, '2');
      const filters = firstFilters();
      const planes = planesOf(PICTURE);
      const covariance = covarianceOf(planes);
      const kinds = range(filters.cout).map(
        (n) => kindOf(filterOf(filters, n), covariance) as FilterKind,
      );
      const counts = Object.entries(ANSWERS)
        .map(([kind, to]) => ({ to, count: kinds.filter((found) => found.kind === kind).length }))
        .filter(({ count }) => count > 0)
        .map(({ to, count }, n) => `${count} ${n === 0 ? 'answer most ' : ''}${to}`);
      const told = `${counts.slice(0, -1).join(', ')} and ${counts.at(-1)}`;
      const whose = model === 'nano' ? 'this page’s own' : `${model}’s`;
      await tells('.scene-text', `Of ${whose} ${filters.cout} filters, ${told}.`);
      const labels = await page
        .locator('.filter-strip .strip-item')
        .evaluateAll((all) => all.map((each) => each.getAttribute('aria-label') ?? ''));
      const number = (label: string) => Number(label.match(/^Filter (\d+):/)?.[1]);
      expect(labels.toSorted((a, b) => number(a) - number(b))).toEqual(
        kinds.map((found, n) => `Filter ${n + 1}: ${filterText(found)}`),
      );
      const moon = new Set(brightestSpot(planes).places);
      const higher = kinds.map((_, n) =>
        contrastIn(mapOf(planes, filterOf(filters, n)).data, moon),
      );
      const sorted = range(filters.cout).sort((a, b) => higher[b] - higher[a]);
      for (const rank of [1, 2, 12, filters.cout]) {
        const n = sorted[rank - 1];
        await goTo(`#2/${model}/encoder.0/${n}/20,30`);
        const standing =
          rank === 1
            ? `✓ Found: it answers to the moon most of all ${filters.cout}.`
            : `It ranks ${ordinal(rank)} of ${filters.cout} for the moon.`;
        const way = higher[n] < 0 ? 'lower' : 'higher';
        const far = `${fixed(Math.abs(higher[n]), 1)} standard deviations ${way} than elsewhere.`;
        await tells(
          '.quest',
          `Filter ${n + 1}: ${filterText(kinds[n])} ${standing} In the moon its map is ${far}`,
        );
      }
    });

    test('layers → what their numbers are, the channel that counts most in a sum', async () => {
      const at = { channel: 3, y: 5, x: 6 };
      const blocks = steps.filter(({ layer }) => layer.kind === 'block');
      const isWide = ({ layer }: Step) => layer.kind === 'conv' && layer.cin > 3;
      const convolutions = steps.filter(isWide);
      for (const step of [blocks[0], blocks.at(-1), convolutions[0], convolutions.at(-2)]) {
        if (step === undefined) throw new Error('no such layer');
        await goTo(`#3/${model}/${step.name}/${at.channel}/${at.x},${at.y}`);
        await tells('[data-part="measured"]', stepText(viewOf(step)));
        const sum = await sumOf(step, at);
        const waterfall = page.locator('.doors').getByRole('img').first();
        await expect.poll(() => waterfall.getAttribute('aria-label')).toContain(sumText(sum));
      }
    });

    test(
      'blocks switched off → what the picture loses without each, and which one costs most',
      async () => {
        const all = psnr(PICTURE.data, 4, decoded);
        const blocks = steps.filter(({ layer }) => layer.kind === 'block');
        await goTo(`#3/${model}/${blocks[0].name}`);
        const without = new Map<string, number>();
        for (const block of blocks) {
          without.set(block.name, psnr(PICTURE.data, 4, await decodedWithout(block)));
        }
        const dbOf = ({ name }: Step) => without.get(name) as number;
        const rounded = (db: number) => Number(db.toFixed(1));
        const bars = page.locator('.loss-bar');
        await expect
          .poll(() => bars.evaluateAll((each) => each.map((bar) => (bar as HTMLElement).title)), {
            timeout: START_MS,
          })
          .toEqual(
            blocks.map((block) => {
              const loss = fixed(rounded(all) - rounded(dbOf(block)), 1);
              return `${loss} dB are lost without ${block.name}`;
            }),
          );
        const [most, second] = blocks.toSorted((a, b) => dbOf(a) - dbOf(b));
        for (const block of [blocks[0], most]) {
          await goTo(`#3/${model}/${block.name}`);
          await tells('[data-part="measured"]', blockOffText(all, dbOf(block)));
        }
        const [lost, less] = [most, second].map((block) => blockOffText(all, dbOf(block)));
        await answers(most.name, `✓ ${lost} No other block costs as much on this picture.`);
        await answers(second.name, `✗ ${less} Without ${most.name} it is ${fixed(dbOf(most), 1)}.`);
      },
      START_MS,
    );

    /** The picture that is decoded if a block adds nothing: its last convolution is 0. */
    async function decodedWithout(block: Step): Promise<Picture> {
      const half = halfOf(block.part);
      const weights = new Map<string, Tensor>();
      for (const { name, index, weights: own } of half) {
        for (const [tensor, { shape, data }] of Object.entries(own)) {
          const isOff = name === block.name && tensor.startsWith('conv.4.');
          weights.set(`${index}.${tensor}`, { shape, data: isOff ? data.map(() => 0) : data });
        }
      }
      const layers = half.map(({ layer }) => layer as Layer);
      const network = await loadNetwork(layers, weights, { workers: 0 });
      const made = await network.run(half[0].inputs[0]);
      network.dispose();
      return block.part === 'encoder' ? taesd.decode(made) : pictureOf(made);
    }

    test('up to the pixels → how often maps grow, what each level does, where the work is', async () => {
      await toScene(page, '5');
      const views = halfOf('decoder').map(viewOf);
      const stops = stopsOf(views);
      await tells('.scene-text', '4 numbers become 192, level by level.');
      await tells('.scene-text', timesText(stops));
      for (const stop of stops) {
        await page.locator(`[data-level="${stop.step.name}"]`).focus();
        const told = `${stopText(stop)} ${smoothing(stop)}`.trim();
        await expect.poll(() => page.locator('.pair .says').innerText()).toBe(told);
      }
      const levels = levelsOf(views);
      const most = busiest(levels);
      await answers(levelName(most, DOWNSCALE), `✓ ${workText(most, levels, DOWNSCALE)}`);
    });

    /** The sentence on what the convolution after an upsampling does, if there is one. */
    function smoothing({ step, after }: Stop): string {
      if (after === undefined) return '';
      const [before, now] = [step, after].map((each) => {
        const { output } = steps.find(({ name }) => name === each.name) as Step;
        const [, , height, width] = output.shape;
        const from = strongest(each) * height * width;
        return { width, height, data: output.data.subarray(from, from + height * width) };
      });
      return smoothText(measureSquares(before, 2), measureSquares(now, 2));
    }

    test('the start → how many numbers there are, how far colours are off', async () => {
      await toScene(page, '0');
      const counts = [NUMBERS, latents.data.length, NUMBERS].map(whole);
      expect(await page.locator('.counts').textContent()).toBe(
        `${counts[0]} numbers→ ${counts[1]}→ ${counts[2]}`,
      );
      const off = meanDifference(PICTURE, decoded).toFixed(1);
      const fewer = `${NUMBERS / latents.data.length} times fewer numbers`;
      await answers(
        'Nearly',
        `✓ The latent has ${fewer}, and yet a colour is off by only ${off} of 255 on average.`,
      );
      await answers(
        'Yes, to the last number',
        `✗ A colour is off by ${off} of 255 on average: the latent has too few numbers for every detail.`,
      );
    });

    test('how far a number of the latent could reach → the pixels that look at it', async () => {
      for (const at of [
        { y: 9, x: 5 },
        { y: 0, x: 15 },
      ]) {
        await goTo(`#6/${model}/${halfOf('encoder').at(-1)?.name}/1/${at.x},${at.y}`);
        await tells('.far-text', `the change could reach ${reachOf(at)}, the dashed frame.`);
      }
    });

    /** The part of the picture whose pixels look at a number of the latent, through all layers. */
    function reachOf({ y, x }: { y: number; x: number }): string {
      const sees = (at: { y: number; x: number }) =>
        halfOf('decoder').reduceRight((area, step) => step.inputArea(area), {
          ...at,
          width: 1,
          height: 1,
        });
      const columns = range(SIDE).filter((at) => {
        const area = sees({ y: 0, x: at });
        return area.x <= x && x < area.x + area.width;
      }).length;
      const rows = range(SIDE).filter((at) => {
        const area = sees({ y: at, x: 0 });
        return area.y <= y && y < area.y + area.height;
      }).length;
      return columns === SIDE && rows === SIDE ? 'the whole picture' : `${columns}×${rows} px`;
    }

    // Those of nano are in latent-scenes.browser.test.ts and how-far.browser.test.ts.
    if (model !== 'nano') {
      test('the latent → what each channel follows, which one follows brightness most', async () => {
        await toScene(page, '4');
        const found = follows(latents, PICTURE, DOWNSCALE);
        const quality = psnr(PICTURE.data, 4, decoded).toFixed(2);
        await tells('.bottleneck [data-part="output"]', `Decoded by ${model}: ${quality} dB`);
        expect(await page.locator('.latent-channel figcaption').allInnerTexts()).toEqual(
          found.map(followsText),
        );
        const kept = whole(latents.data.length);
        await tells(
          '.scene-text',
          `makes ${kept} numbers of ${whole(NUMBERS)}, 4 for each 8×8 pixels.`,
        );
        await tells('.scene-text', `on this picture, ${followerText(found)}.`);
        await answers('48', `✓ ${whole(NUMBERS)} numbers of the picture, divided by ${kept}.`);
        const bytes = psnr(PICTURE.data, 4, await taesd.decode(eightBit(latents))).toFixed(2);
        await page.getByLabel('8 bits').check();
        await tells(
          '.bottleneck [data-part="output"]',
          `${kept} bytes instead of ${whole(4 * latents.data.length)}. The picture: ${bytes} dB instead of ${quality}.`,
        );
      });

      test('how far it sees → what changes around a number, the seams of all overlaps', async () => {
        const [, , height, width] = latents.shape;
        const at = { channel: 1, y: 9, x: 5 };
        const layer = halfOf('encoder').at(-1)?.name;
        await goTo(`#6/${model}/${layer}/${at.channel}/${at.x},${at.y}`);
        const value = latents.data[(at.channel * height + at.y) * width + at.x] + 1;
        const poked = await taesd.decode(brushed(latents, { ...at, value, radius: 1 }));
        const rings = ringsAround(decoded, poked, { ...at, size: DOWNSCALE });
        await tells('[data-part="change"]', `decoded by ${model}`);
        await tells('.far-text', ringsText(rings, 5, DOWNSCALE));
        const seams: number[] = [];
        for (const overlap of range(width / 2 + 1)) {
          const size = { width: SIDE, height: SIDE };
          const tiles = splitTiles(latents, { overlap, downscale: DOWNSCALE, ...size });
          const left = await taesd.decode(tiles.left.latents);
          const right = await taesd.decode(tiles.right.latents);
          seams.push(largestDifference(decoded, joinTiles(tiles, left, right)).difference);
        }
        const chart = page.getByTestId('seams').getByRole('img');
        const told = seams.map((most, overlap) => `${overlap}: ${most}`).join(', ');
        await expect
          .poll(() => chart.getAttribute('aria-label'))
          .toContain(`By cells of overlap, of 255: ${told}.`);
        await tells('.far-text', seamText(0, seams[0]));
        const enough = seams.findLastIndex((most) => most > 0) + 1;
        const isAll = enough === width / 2 ? ': each half is the whole latent then' : '';
        await answers(
          `${enough} cells`,
          `✓ Measured here: with ${enough - 1} it is still ${seams[enough - 1]}, with ${enough} it is 0${isAll}.`,
        );
      });
    }

    test('all of it → nothing in the console, under the strict policy', () => {
      expect(site.complaints()).toEqual([]);
    });
  });
}

/** How far a map is higher in a spot than elsewhere, in its standard deviations. */
function contrastIn(map: Float32Array, spot: ReadonlySet<number>): number {
  const mean = (numbers: readonly number[]) =>
    numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const all = [...map];
  const [inside, outside] = [true, false].map((isIn) =>
    all.filter((_, at) => spot.has(at) === isIn),
  );
  const middle = mean(all);
  const deviation = Math.sqrt(mean(all.map((value) => (value - middle) ** 2)));
  return (mean(inside) - mean(outside)) / deviation;
}

/** One number of a layer as a sum, by channel. A block's is the sum of its last convolution. */
async function sumOf(step: Step, at: { channel: number; y: number; x: number }) {
  let source = step;
  let skip: number | undefined;
  if (step.layer.kind === 'block') {
    for await (const inner of step.inner()) {
      if (inner.name.endsWith('.conv.4')) source = inner;
      if (inner.name.endsWith('.add')) skip = inner.arithmetic(at).products[1].value;
    }
  }
  const { products, sum, bias } = source.arithmetic(at);
  const windows = [...new Set(products.map(({ channel }) => channel))].map((channel) => {
    const own = products.filter((each) => each.channel === channel);
    return { channel, products: own, sum: own.reduce((total, { product }) => total + product, 0) };
  });
  const value = sum + bias + (skip ?? 0);
  const beforeRelu = skip === undefined ? undefined : value;
  return {
    windows,
    sum,
    bias,
    skip,
    beforeRelu,
    value: skip === undefined ? value : Math.max(value, 0),
  };
}
