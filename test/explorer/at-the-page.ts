import type { Locator, Page } from 'playwright-core';
import type { ModelName } from '../../src/index.ts';

/*
 * What a reader does at the page, and the numbers that are read off it.
 */

/** Opens the settings, does something there, and closes them. */
export async function inSettings(
  page: Page,
  work: (drawer: Locator) => Promise<unknown>,
): Promise<void> {
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  const drawer = page.getByRole('complementary', { name: 'Settings' });
  await work(drawer);
  await drawer.getByRole('button', { name: 'Close', exact: true }).click();
}

/** Hands a picture to the page, and waits until it has gone through all layers. */
export const usePicture = (page: Page, name: string, bytes: Uint8Array): Promise<void> =>
  inSettings(page, async (drawer) => {
    const file = { name, mimeType: 'image/png', buffer: Buffer.from(bytes) };
    await drawer.getByLabel('Choose a picture').setInputFiles(file);
    await page.locator('.status', { hasText: `Done: ${name}` }).waitFor();
  });

/** The sample at 128 pixels, where its size does not matter. */
export const useSmallSample = (page: Page): Promise<void> =>
  inSettings(page, async (drawer) => {
    await drawer.getByLabel('At most, pixels a side').selectOption('128');
    await page.locator('.status', { hasText: 'Done: the sample, 128×128' }).waitFor();
  });

/** To a scene, by its link. */
export async function toScene(page: Page, scene: string): Promise<void> {
  await page.locator(`.scene-nav a[href="#${scene}"]`).click();
  await page.locator(`.explorer[data-scene="${scene}"] .stage`).waitFor();
}

/** To a view of the free explorer. */
export async function toTab(page: Page, name: string): Promise<void> {
  await toScene(page, 'free');
  await page.getByRole('tab', { name, exact: true }).click();
}

/** One number of a layer. */
export interface Pixel {
  readonly channel: number;
  readonly y: number;
  readonly x: number;
}

/** What the free explorer shows of a layer and of one of its numbers. */
export interface Shown {
  readonly title: string;
  readonly explanation: string;
  readonly source: string;
  /** All that is said of the layer but the time it took. */
  readonly notes: string;
  readonly agreement: string;
  readonly fieldHint: string;
  /** The texts of all terms and figures, by the name that tests find them by. */
  readonly texts: Readonly<Record<string, string>>;
  /** Width and height of the map. */
  readonly map: readonly number[];
}

/** Goes to a number of a layer by the page's address, waits for its sum, and reads all of it. */
export async function lookAt(
  page: Page,
  model: ModelName,
  layer: string,
  { channel, y, x }: Pixel,
): Promise<Shown> {
  const hash = `#free/${model}/${layer}/${channel}/${x},${y}`;
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  const name = layer.replaceAll('.', '\\.').replaceAll('+', '\\+');
  await page
    .locator('.exactly[aria-busy="false"]', {
      hasText: new RegExp(`Channel ${channel}, x ${x}, y ${y} of ${name}[.:;]`),
    })
    .waitFor();
  // The map's label has a number once the map is that of the layer.
  await page
    .getByRole('application', {
      name: new RegExp(`^Channel ${channel} of ${name}, x ${x}, y ${y}, [−\\d]`),
    })
    .waitFor();
  return page.evaluate(() => {
    const text = (where: string) => document.querySelector(where)?.textContent ?? '';
    const view = document.querySelector('.free-layers') as HTMLElement;
    const all = [...view.querySelectorAll<HTMLElement>('[data-testid]')];
    const facts = [...view.querySelectorAll('.notes > *:not(dl):not(.source), .facts > div')];
    const map = view.querySelector<HTMLCanvasElement>('[data-part="output"] canvas');
    return {
      title: text('[data-testid="step-title"]'),
      explanation: text('.explanation'),
      source: text('.source'),
      notes: facts
        .map((each) => each.textContent ?? '')
        .filter((fact) => !fact.startsWith('Time'))
        .join(' | '),
      agreement: text('[data-testid="agreement"]'),
      fieldHint: text('.field-views .hint'),
      texts: Object.fromEntries(
        all.map((each) => [each.dataset.testid ?? '', each.textContent ?? '']),
      ),
      map: [map?.width ?? 0, map?.height ?? 0],
    };
  });
}

/** A term or a figure as a number. */
export const numberOf = ({ texts }: Shown, name: string): number => numberIn(texts[name] ?? null);

/** A number as the page writes it. */
export const numberIn = (text: string | null): number =>
  Number((text ?? '').replace('−', '-').match(/-?[\d.]+(?:e-?\d+)?/)?.[0]);

/** Opens a block or a layer on frames in the list of layers, or closes it. */
export const pressBlock = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name: `Open block ${name}`, exact: true }).click();

/** The operations of the block that is open, in the list of layers. */
export const insideNames = (page: Page): Promise<string[]> =>
  page
    .locator('.layer-list .layer.inside')
    .evaluateAll((all) => all.map((each) => each.getAttribute('data-step') ?? ''));

/** Bytes as one number: equal pictures have equal ones. */
export const hashOfBytes = (bytes: ArrayLike<number>): number =>
  Array.from(bytes).reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 7);

/** A canvas's pixels, as one number. */
export const hashOf = (canvas: Locator): Promise<number> =>
  canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const context = (element as HTMLCanvasElement).getContext('2d');
    const { data } = context?.getImageData(0, 0, width, height) ?? { data: [] };
    return [...data].reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 7);
  });

/** A canvas's pixels, RGBA. */
export const pixelsOf = (canvas: Locator): Promise<number[]> =>
  canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const context = (element as HTMLCanvasElement).getContext('2d');
    return [...(context?.getImageData(0, 0, width, height).data ?? [])];
  });

/** The decoded picture of the scene on the bottleneck. */
export const decodedCanvas = (page: Page): Locator =>
  page.locator('.bottleneck [data-part="output"] canvas');
