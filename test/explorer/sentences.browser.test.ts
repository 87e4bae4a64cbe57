import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import {
  type ModelName,
  readSafetensors,
  type Step,
  Taesd,
  type Tensor,
  toTensor,
} from 'taesd-wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import type { StepView } from '../../explorer/src/engine/protocol.ts';
import { Walks } from '../../explorer/src/engine/walks.ts';
import { type Filters, filterOf, planesOf } from '../../explorer/src/measure/convolution.ts';
import {
  covarianceOf,
  type FilterKind,
  type Kind,
  kindOf,
} from '../../explorer/src/measure/filter-kinds.ts';
import { follows } from '../../explorer/src/measure/follows.ts';
import { stopsOf, strongest } from '../../explorer/src/measure/levels.ts';
import { meanDifference } from '../../explorer/src/measure/mean-difference.ts';
import { brushed } from '../../explorer/src/measure/paint.ts';
import { ringsAround } from '../../explorer/src/measure/rings.ts';
import { joinTiles, largestDifference, splitTiles } from '../../explorer/src/measure/seam.ts';
import { answerTo, brightestSpot, contrastOf } from '../../explorer/src/measure/spot.ts';
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
} from '../../explorer/src/text/measured.ts';
import { whole } from '../../explorer/src/text/numbers.ts';
import { smoothText, stopText, timesText } from '../../explorer/src/text/way-up.ts';
import { realWeights } from '../golden.ts';
import { sharedIsThere } from '../shared.ts';
import { inSettings, toScene, useSmallSample } from './at-the-page.ts';
import { psnr } from './pictures.ts';
import { rgba } from './rgba.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The sentences of the scenes that have a number or say what channels mean, each against what this
 * process computes for the same picture and model.
 */

const SIDE = 128;
const PICTURE = rgba(renderPicture(SIDE));
const MODELS: readonly ModelName[] = ['nano', 'taesd'];
const FIRST_FILTERS = new URL('../../weights/nano/first-filters.safetensors', import.meta.url);

const ANSWERS: Readonly<Record<Kind, string>> = {
  brightness: 'to brightness',
  colour: 'to colours',
  edge: 'to edges',
  texture: 'to fine patterns',
  none: 'to nothing',
};

for (const model of MODELS) {
  const isThere = isBrowserHere && (model === 'nano' || sharedIsThere);
  describe.skipIf(!isThere)(`explorer, sentences of ${model} [Chromium]`, () => {
    let site: Site;
    let page: Page;
    let taesd: Taesd;
    let walks: Walks;
    let latents: Tensor;
    const views: StepView[] = [];
    beforeAll(async () => {
      const weights = model === 'nano' ? undefined : realWeights(model);
      taesd = await Taesd.load({ model, weights, workers: 0 });
      walks = new Walks(taesd);
      const asked = { picture: PICTURE, latents: undefined, onLatents: () => {} };
      latents = await walks.run({ ...asked, onStep: (step) => void views.push(step) });
      const served = Object.entries(weights ?? {}).map(([half, bytes]) => [
        `${model}_${half}.safetensors`,
        () => bytes,
      ]);
      site = await openSite(Object.fromEntries(served));
      page = await site.open({ at: '#2/nano' });
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

    const sceneText = async () => (await page.locator('.scene-text').textContent()) ?? '';
    const goTo = (hash: string) =>
      page.evaluate((to) => {
        location.hash = to;
      }, hash);

    /** Tries an answer of the scene's question, and returns what is said to it. */
    async function reply(answer: string): Promise<string> {
      const button = page.getByRole('button', { name: '? Question' });
      if ((await button.getAttribute('aria-expanded')) === 'false') await button.click();
      await page.getByRole('button', { name: answer, exact: true }).click();
      return (await page.locator('.reply').textContent()) ?? '';
    }

    test('a filter → its kind, how many there are of each, how it answers to the moon', async () => {
      const filters = await firstFilters();
      const planes = planesOf(PICTURE);
      const covariance = covarianceOf(planes);
      const kinds = Array.from(
        { length: filters.cout },
        (_, n) => kindOf(filterOf(filters, n), covariance) as FilterKind,
      );
      const text = await sceneText();
      for (const [kind, answers] of Object.entries(ANSWERS)) {
        const among = kinds.filter((found) => found.kind === kind).length;
        const told = new RegExp(`\\b${among} (?:answer most )?${answers}\\b`);
        if (among > 0) expect(text).toMatch(told);
        else expect(text).not.toContain(answers);
      }
      const labels = await page
        .locator('.filter-strip .strip-item')
        .evaluateAll((all) => all.map((each) => each.getAttribute('aria-label') ?? ''));
      const number = (label: string) => Number(label.match(/^Filter (\d+):/)?.[1]);
      expect(labels.toSorted((a, b) => number(a) - number(b))).toEqual(
        kinds.map((found, n) => `Filter ${n + 1}: ${filterText(found)}`),
      );
      const contrast = contrastOf(planes, brightestSpot(planes));
      const answers = kinds.map(
        (_, n) => answerTo(filterOf(filters, n), contrast, covariance) ?? -Infinity,
      );
      const sorted = answers.map((_, n) => n).sort((a, b) => answers[b] - answers[a]);
      for (const rank of [1, 2, 12]) {
        const n = sorted[rank - 1];
        await goTo(`#2/${model}/encoder.0/${n}/20,30`);
        const quest = page.locator('.quest', { hasText: `Filter ${n + 1}: ` });
        await quest.waitFor();
        const told = (await quest.textContent()) ?? '';
        expect(told).toContain(filterText(kinds[n]));
        expect(told).toContain(
          rank === 1
            ? `Found: it answers to the moon most of all ${filters.cout}.`
            : `It is ${ordinal(rank)} of ${filters.cout} in answering to the moon.`,
        );
        const way = answers[n] < 0 ? 'below' : 'above';
        expect(told).toContain(
          `In the moon its map is ${fixed(Math.abs(answers[n]), 1)} times its usual spread ${way} the rest.`,
        );
      }
    });

    /** The page's own, or those of the model's first layer. */
    async function firstFilters(): Promise<Filters> {
      if (model === 'nano') {
        const { tensors } = readSafetensors(readFileSync(FIRST_FILTERS));
        const [weight, bias] = ['weight', 'bias'].map((name) => {
          const tensor = tensors.get(name);
          if (tensor === undefined) throw new Error(`no ${name}`);
          return toTensor(tensor, name);
        });
        return { cin: 3, cout: weight.shape[0], weight: weight.data, bias: bias.data };
      }
      for await (const step of taesd.steps(PICTURE)) return filtersOf(step);
      throw new Error('no layers');
    }

    function filtersOf({ weights: { weight, bias } }: Step): Filters {
      const [cout, cin] = weight.shape;
      return { cin, cout, weight: weight.data, bias: bias?.data };
    }

    test('the latent → what each channel follows, which one follows brightness most, the counts', async () => {
      await toScene(page, '4');
      const found = follows(latents, PICTURE, 8);
      const captions = page.locator('.latent-channel figcaption');
      await captions.first().waitFor();
      expect(await captions.allTextContents()).toEqual(found.map(followsText));
      const text = await sceneText();
      expect(text).toContain(
        `The encoder keeps ${whole(latents.data.length)} of ${whole(3 * SIDE * SIDE)} numbers, 4 for each 8×8 pixels.`,
      );
      expect(text).toContain(`on this picture, ${followerText(found)}.`);
      expect(await reply('48')).toContain(`✓ ${whole(3 * SIDE * SIDE)} numbers`);
      const decoded = await taesd.decode(latents);
      const quality = psnr(PICTURE.data, 4, decoded).toFixed(2);
      const caption = page.locator('.bottleneck [data-part="output"] figcaption');
      expect(await caption.textContent()).toContain(`Decoded by ${model}: ${quality} dB`);
    });

    test('blocks switched off → what the picture loses without each, and which one costs most', async () => {
      const decoded = await taesd.decode(latents);
      const all = psnr(PICTURE.data, 4, decoded);
      const blocks = views.filter(({ layer }) => layer.kind === 'block').map(({ name }) => name);
      await goTo(`#3/${model}/${blocks[0]}`);
      await page.locator('.loss-bar').first().waitFor();
      const without = new Map<string, number>();
      for (const name of blocks) {
        const { picture } = await walks.without(name);
        without.set(name, psnr(PICTURE.data, 4, picture));
      }
      const bars = page.locator('.loss-bar');
      const labels = () =>
        bars.evaluateAll((all) => all.map((each) => (each as HTMLElement).title));
      await expect
        .poll(
          async () => (await labels()).filter((label) => label.endsWith(' is not measured yet')),
          {
            timeout: START_MS,
          },
        )
        .toEqual([]);
      const rounded = (db: number) => Number(db.toFixed(1));
      expect(await labels()).toEqual(
        blocks.map((name) => {
          const loss = rounded(all) - rounded(without.get(name) ?? 0);
          return `${fixed(loss, 1)} dB are lost without ${name}`;
        }),
      );
      const sorted = blocks.toSorted((a, b) => (without.get(a) ?? 0) - (without.get(b) ?? 0));
      for (const name of [blocks[0], sorted[0]]) {
        await goTo(`#3/${model}/${name}`);
        const told = page.locator('[data-part="measured"]', {
          hasText: blockOffText(all, without.get(name) ?? 0),
        });
        await told.waitFor();
        const view = views.find((each) => each.name === name) as StepView;
        expect(await told.textContent()).toContain(stepText(view));
      }
      expect(await reply(sorted[0])).toContain(
        `✓ ${blockOffText(all, without.get(sorted[0]) ?? 0)}`,
      );
    });

    test('up to the pixels → how often maps grow, what each level does', async () => {
      await toScene(page, '5');
      const stops = stopsOf(views.filter(({ part }) => part === 'decoder'));
      await page.locator('.scene-text', { hasText: timesText(stops) }).waitFor();
      const mapOf = (step: StepView) => walks.channel(step.name, strongest(step));
      for (const stop of stops) {
        const { step, after } = stop;
        await page.locator(`[data-level="${step.name}"]`).focus();
        const squares =
          after === undefined
            ? ''
            : smoothText(
                measureSquares(await mapOf(step), 2),
                measureSquares(await mapOf(after), 2),
              );
        const told = `${stopText(stop)} ${squares}`.trim();
        await expect.poll(() => page.locator('.pair .says').innerText()).toBe(told);
      }
    });

    test('how far it sees → rings and seam; at the start → how far colours are off', async () => {
      const decoded = await taesd.decode(latents);
      const [, , height, width] = latents.shape;
      const at = { channel: 1, y: 9, x: 5 };
      const layer = `encoder.${views.filter(({ part }) => part === 'encoder').length - 1}`;
      await goTo(`#6/${model}/${layer}/${at.channel}/${at.x},${at.y}`);
      const value = latents.data[(at.channel * height + at.y) * width + at.x] + 1;
      const poked = await taesd.decode(brushed(latents, { ...at, value, radius: 1 }));
      const rings = ringsText(ringsAround(decoded, poked, { ...at, size: 8 }), 5, 8);
      await page.locator('.far-text', { hasText: rings }).waitFor();
      const tiles = splitTiles(latents, { overlap: 0, downscale: 8, width: SIDE, height: SIDE });
      const left = await taesd.decode(tiles.left.latents);
      const right = await taesd.decode(tiles.right.latents);
      const { difference } = largestDifference(decoded, joinTiles(tiles, left, right));
      await page.locator('.far-text', { hasText: seamText(0, difference) }).waitFor();
      await toScene(page, '0');
      const off = meanDifference(PICTURE, decoded).toFixed(1);
      expect(await reply('Nearly')).toContain(`is off by only ${off} of 255 on average.`);
      const counts = [3 * SIDE * SIDE, latents.data.length, 3 * SIDE * SIDE].map(whole);
      expect(await page.locator('.counts').textContent()).toBe(
        `${counts[0]} numbers→ ${counts[1]}→ ${counts[2]}`,
      );
      expect(site.complaints()).toEqual([]);
    });
  });
}
