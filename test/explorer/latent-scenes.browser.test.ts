import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import { brightestSquare } from '../../explorer/src/measure/brightest.ts';
import { follows } from '../../explorer/src/measure/follows.ts';
import { stamped } from '../../explorer/src/measure/paint.ts';
import { psnr } from '../../explorer/src/measure/psnr.ts';
import { followerText } from '../../explorer/src/text/latent.ts';
import { figure, fixed, followsText } from '../../explorer/src/text/measured.ts';
import { decibels } from '../../explorer/src/text/numbers.ts';
import type { Picture, Tensor } from '../../src/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { rgba } from './rgba.ts';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The scenes of the latent beside what this process computes of the sample picture.
 */

describe.skipIf(!isBrowserHere)('explorer, scenes of the latent [Chromium]', () => {
  let site: Site;
  let taesd: Taesd;
  let picture: Picture;
  let latents: Tensor;
  let decoded: Picture;
  beforeAll(async () => {
    site = await openSite();
    picture = rgba(renderPicture(256));
    taesd = await Taesd.load({ model: 'nano', workers: 0 });
    latents = await taesd.encode(picture);
    decoded = await taesd.decode(latents);
  }, START_MS);
  afterAll(async () => {
    taesd?.dispose();
    await site?.close();
  });

  const caption = (page: Page, part: string): Promise<string> =>
    page.locator(`[data-part="${part}"] figcaption`).innerText();
  const quality = (made: Picture): string => decibels(psnr(picture, made));
  /** The number of a channel at a place. */
  const at = ({ shape, data }: Tensor, channel: number, y: number, x: number): number =>
    data[(channel * shape[2] + y) * shape[3] + x];

  /** The middle of a place of the latent on a map of it. */
  async function middle(map: Locator, y: number, x: number) {
    const box = await map.boundingBox();
    if (box === null) throw new Error('the map is not shown');
    const [, , height, width] = latents.shape;
    return {
      x: box.x + ((x + 0.5) * box.width) / width,
      y: box.y + ((y + 0.5) * box.height) / height,
    };
  }

  async function hover(page: Page, map: Locator, y: number, x: number) {
    const place = await middle(map, y, x);
    await page.mouse.move(place.x, place.y);
  }

  test('the bottleneck → what channels follow, and the dB, are those computed here', async () => {
    const page = await site.open({ at: '#4/nano' });
    const found = follows(latents, picture, 8);
    await page.getByText(quality(decoded)).waitFor();
    expect(await page.locator('.scene-text').innerText()).toContain(followerText(found));
    expect(await page.locator('.scene-text').innerText()).toContain('4,096 numbers of 196,608');
    for (const each of found) {
      expect(await caption(page, `channel-${each.channel}`)).toBe(followsText(each));
    }
    expect(site.complaints()).toEqual([]);
    await page.context().close();
  });

  test('a click on a channel → the framed square is stamped; Ctrl+Z → as it was encoded', async () => {
    const page = await site.open({ at: '#4/nano' });
    await page.getByText(quality(decoded)).waitFor();
    const area = brightestSquare(picture, 8, 5);
    const to = { y: 20, x: 9 };
    const made = stamped(latents, area, { y: to.y - 2, x: to.x - 2 });
    const map = page.locator('[data-part="channel-2"] canvas');
    await hover(page, map, to.y, to.x);
    const value = page.locator('[data-part="channel-2"] .value');
    await expect.poll(() => value.innerText()).toBe(figure(at(latents, 2, to.y, to.x)));
    await page.mouse.down();
    await page.mouse.up();
    await page.getByText(quality(await taesd.decode(made))).waitFor();
    expect(await value.innerText()).toBe(figure(at(made, 2, to.y, to.x)));
    await page.keyboard.press('Control+z');
    await page.getByText(quality(decoded)).waitFor();
    expect(await value.innerText()).toBe(figure(at(latents, 2, to.y, to.x)));
    expect(site.complaints()).toEqual([]);
    await page.context().close();
  });

  test('a stroke → one step of undo; arrows and Space paint; 8 bits tell bytes and dB', async () => {
    const page = await site.open({ at: '#4/nano' });
    await page.getByText(quality(decoded)).waitFor();
    await page.getByRole('button', { name: 'Paint', exact: true }).click();
    const map = page.locator('[data-part="channel-0"] canvas');
    const value = page.locator('[data-part="channel-0"] .value');
    await hover(page, map, 4, 4);
    await page.mouse.down();
    for (const place of [8, 12, 16]) await hover(page, map, place, place);
    await page.mouse.up();
    expect(await value.innerText()).toBe('2.00');
    // Between the places that the pointer was seen at.
    await hover(page, map, 10, 10);
    await expect.poll(() => value.innerText()).toBe('2.00');
    await page.keyboard.press('Control+z');
    await page.getByText(quality(decoded)).waitFor();
    await map.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press(' ');
    expect(await value.innerText()).toBe('2.00');
    expect(await map.getAttribute('aria-label')).toContain('Column 11, row 10: 2.00');
    await page.getByRole('button', { name: 'Reset' }).click();
    await page.getByLabel('8 bits').check();
    await page.getByText(/4,096 bytes instead of 16,384\. The picture: [\d.]+ dB/).waitFor();
    expect(await caption(page, 'output')).toContain(
      `instead of ${decibels(psnr(picture, decoded)).replace(' dB', '')}`,
    );
    expect(site.complaints()).toEqual([]);
    await page.context().close();
  });

  test('a finger → a tap looks and changes nothing; with “Paint by touch” it stamps', async () => {
    const page = await site.open({ at: '#4/nano', width: 390, height: 844, touch: true });
    await page.getByText(quality(decoded)).waitFor();
    const map = page.locator('.latent-channel.chosen canvas');
    const value = page.locator('.latent-channel.chosen .value');
    const to = { y: 20, x: 9 };
    const place = await middle(map, to.y, to.x);
    await page.touchscreen.tap(place.x, place.y);
    const number = figure(at(latents, 1, to.y, to.x));
    await expect.poll(() => value.innerText()).toBe(number);
    expect(await map.evaluate((element) => getComputedStyle(element).touchAction)).toBe('auto');
    expect(await caption(page, 'output')).toContain(quality(decoded));
    await page.getByLabel('Paint by touch').check();
    expect(await map.evaluate((element) => getComputedStyle(element).touchAction)).toBe('none');
    await page.touchscreen.tap(place.x, place.y);
    const area = brightestSquare(picture, 8, 5);
    const made = stamped(latents, area, { y: to.y - 2, x: to.x - 2 });
    await page.getByText(quality(await taesd.decode(made))).waitFor();
    expect(site.complaints()).toEqual([]);
    await page.context().close();
  });

  test('back to pixels → the numbers of the place, the square’s pixels, the levels', async () => {
    const page = await site.open({ at: '#5/nano' });
    const map = page.locator('[data-part="latent"] canvas');
    await page.locator('.level').first().waitFor();
    const [y, x] = [25, 21];
    await hover(page, map, y, x);
    const numbers = [0, 1, 2, 3].map((channel) => fixed(at(latents, channel, y, x), 2));
    await expect.poll(() => caption(page, 'latent')).toContain(numbers.join(' '));
    const texts = await page
      .locator('.block-numbers text')
      .evaluateAll((all) =>
        all.map((one) => [...one.children].map((part) => Number(part.textContent))),
      );
    const pixels = Array.from({ length: 64 }, (_, n) => {
      const from = 4 * ((8 * y + Math.floor(n / 8)) * 256 + 8 * x + (n % 8));
      return [...decoded.data.subarray(from, from + 3)];
    });
    expect(texts).toEqual(pixels);
    expect(await page.locator('.level b').allInnerTexts()).toEqual(['1×1', '2×2', 'Picture']);
    const frames = page.locator('.level .frame');
    for (const frame of await frames.all()) {
      const style = await frame.evaluate((element) => [
        (element as HTMLElement).style.left,
        (element as HTMLElement).style.top,
      ]);
      expect(style.map((each) => Number.parseFloat(each))).toEqual([
        100 * (x / 32),
        100 * (y / 32),
      ]);
    }
    await page.locator('.level').nth(1).click();
    await page.getByText('128 numbers of one place as 2×2 places with 32 numbers each').waitFor();
    await expect
      .poll(() => page.evaluate(() => location.hash))
      .toMatch(/^#5\/nano\/decoder\.7\/\d+\/\d+,\d+$/);
    expect(site.complaints()).toEqual([]);
    await page.context().close();
  });
});
