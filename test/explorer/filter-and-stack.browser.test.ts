import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isBrowserHere, openSite, type Site, START_MS } from './site.ts';

/*
 * The scenes on a filter and on a stack of layers, as a reader would use them.
 */

describe.skipIf(!isBrowserHere)('explorer, a filter and a stack [Chromium]', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  }, START_MS);
  afterAll(() => site?.close());

  /** A number as the page writes it. */
  const numberOf = (text: string | null): number =>
    Number((text ?? '').replace('−', '-').match(/-?[\d.]+/)?.[0]);
  const value = async (page: Page): Promise<number> =>
    numberOf(await page.getByTestId('value').textContent());
  const weight = (page: Page, place: number) => page.locator(`[data-weight="${place}"]`);

  test('a preset, keys, digits, a drag, the slider → the weight, the sum and the map follow', async () => {
    const page = await site.open({ at: '#2/nano/encoder.0/5/40,30' });
    const sums = page.locator('[data-part="weight-sum"]');
    await page.getByRole('button', { name: 'Edges left–right' }).click();
    expect(await sums.allInnerTexts()).toEqual(Array(3).fill('Σ weights 0'));
    expect(await page.locator('.quest').innerText()).toContain('It is 0 on flat areas.');
    await page.getByRole('button', { name: 'Only red' }).click();
    const red = page.locator('[data-part="window"] [data-n="4"]').first();
    expect(await value(page)).toBeCloseTo(numberOf(await red.textContent()), 1);
    const before = await value(page);
    await weight(page, 4).focus();
    await page.keyboard.press('ArrowDown');
    expect(await weight(page, 4).getAttribute('aria-valuenow')).toBe('0.95');
    expect(await value(page)).toBeCloseTo(0.95 * before, 2);
    await page.keyboard.type('.5');
    expect(await value(page)).toBeCloseTo(0.5 * before, 2);
    // The bias is the last of them.
    await page.keyboard.press('End');
    await page.keyboard.type('-1');
    expect(await value(page)).toBeCloseTo(0.5 * before - 1, 2);
    const box = await weight(page, 13).boundingBox();
    const [x, y] = [(box?.x ?? 0) + 5, (box?.y ?? 0) + 5];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x, y - 30);
    await page.mouse.up();
    expect(await weight(page, 13).getAttribute('aria-valuenow')).toBe('0.3');
    await page.getByRole('slider').fill('-0.25');
    expect(await weight(page, 13).getAttribute('aria-valuenow')).toBe('-0.25');
    await page.getByRole('button', { name: 'Trained' }).click();
    expect(await page.locator('.quest b').textContent()).toMatch(/^Filter \d+$/);
    await page.context().close();
  });

  test('all filters tried → one of them is found, and says so', async () => {
    const page = await site.open({ at: '#2/nano' });
    const items = page.locator('.filter-strip button');
    expect(await items.count()).toBe(64);
    const found = await items.evaluateAll(async (buttons) => {
      const titles: string[] = [];
      for (const button of buttons as HTMLElement[]) {
        button.click();
        await new Promise((resolve) => setTimeout(resolve, 50));
        if (document.querySelector('.quest.found') !== null) titles.push(button.title);
      }
      return titles;
    });
    expect(found).toHaveLength(1);
    await page.context().close();
  });

  test('down through the largest channels → the picture’s own number, and back up', async () => {
    const page = await site.open({ at: '#3/nano/encoder.3/2/20,12' });
    const first = await value(page);
    const way = page.getByRole('navigation', { name: 'The way down' });
    const door = page.locator('.door:not(.visually-hidden)');
    const layer = () => page.locator('.layer-name b').textContent();
    const isAtEnd = async () => (await way.getByText('the picture').count()) > 0;
    for (let n = 0; n < 12 && !(await isAtEnd()); n++) {
      const before = await layer();
      await door.click();
      await expect.poll(async () => (await layer()) !== before || (await isAtEnd())).toBe(true);
      // The sum of the new number.
      await page.waitForTimeout(300);
    }
    const end = (await way.innerText()).match(/the picture, (\w+) at x (\d+), y (\d+): ([\d.]+)/);
    const [, colour, x, y, shown] = end ?? [];
    const byte = await page
      .getByLabel('The picture', { exact: true })
      .evaluate(
        (canvas, [left, top, channel]) =>
          (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(left, top, 1, 1).data[
            channel
          ],
        [Number(x), Number(y), ['red', 'green', 'blue'].indexOf(colour)],
      );
    expect(Number(shown)).toBeCloseTo((byte ?? Number.NaN) / 255, 2);
    await way.getByRole('button').first().click();
    await expect.poll(layer).toBe('encoder.3');
    await expect.poll(() => value(page)).toBe(first);
    await page.context().close();
  });

  test(
    'a block switched off → the picture without it and its dB, as in text and chart',
    async () => {
      const page = await site.open({ at: '#3/nano/decoder.3' });
      await page.getByRole('button', { name: 'Switch decoder.3 off' }).click();
      const picture = page.getByLabel('The decoded picture without decoder.3');
      await picture.waitFor();
      const without = numberOf(await page.locator('.switch-off figcaption').nth(1).innerText());
      const whole = numberOf(await page.locator('.switch-off figcaption').nth(0).innerText());
      expect(whole - without).toBeGreaterThan(0);
      const lost = (whole - without).toFixed(1);
      expect(await page.locator('[data-part="measured"]').innerText()).toContain(
        `loses ${lost} dB: ${without.toFixed(1)} instead of ${whole.toFixed(1)}`,
      );
      const bar = page.locator('.loss-bar', { hasText: 'decoder.3' });
      expect(await bar.locator('.loss-number').textContent()).toBe(lost);
      await expect
        .poll(() => page.locator('.loss-chart p').textContent(), { timeout: START_MS })
        .not.toContain('measured');
      await page.getByRole('button', { name: '? Question' }).click();
      const losses = (await page.locator('.loss-number').allInnerTexts()).map(Number);
      for (const answer of await page.locator('.answer').all()) {
        await answer.click();
        const name = (await answer.textContent()) ?? '';
        const own = page.locator('.loss-bar', { hasText: `without ${name}` });
        const isMost =
          Number(await own.locator('.loss-number').textContent()) === Math.max(...losses);
        expect(await page.locator('.reply').textContent(), name).toMatch(isMost ? /^✓/ : /^✗/);
      }
      await page.context().close();
    },
    START_MS,
  );

  test('all of it → nothing in the console, under the strict policy', () => {
    expect(site.complaints()).toEqual([]);
  });
});
