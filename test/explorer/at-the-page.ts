import type { Locator, Page } from 'playwright-core';

/*
 * What a reader does at the page, and the numbers that are read off it.
 */

/** Hands a picture to the page, and waits until it has gone through all layers. */
export async function usePicture(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  const file = { name, mimeType: 'image/png', buffer: Buffer.from(bytes) };
  await page.getByLabel('Choose a picture').setInputFiles(file);
  await page.locator('.status', { hasText: `Done: ${name}` }).waitFor();
}

/** To a layer, by its name. */
export async function jumpTo(page: Page, name: string): Promise<void> {
  await page.locator(`[data-step="${name}"] .layer-button`).click();
  await page
    .getByRole('application', { name: new RegExp(`of ${name.replace('+', '\\+')}[.,]`) })
    .waitFor();
}

/** A pixel of a channel, by the number fields. */
export async function choosePixel(
  page: Page,
  { channel, y, x }: { channel: number; y: number; x: number },
): Promise<void> {
  for (const [label, value] of [
    ['Channel', channel],
    ['x', x],
    ['y', y],
  ] as const) {
    const field = page.locator('.channel-map').getByLabel(label, { exact: true });
    await field.fill(`${value}`);
    await field.press('Tab');
  }
  await page.getByText(`Channel ${channel}, x ${x}, y ${y} of`).waitFor();
}

/** A number as the page writes it. */
export const numberIn = (text: string | null): number =>
  Number((text ?? '').replace('−', '-').match(/-?[\d.]+(?:e-?\d+)?/)?.[0]);

export const numberAt = async (page: Page, testId: string): Promise<number> =>
  numberIn(await page.getByTestId(testId).textContent());

/** A canvas's pixels, as one number: equal pictures have equal ones. */
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

/** A canvas's width and height, in its own pixels. */
export const sizeOf = (canvas: Locator): Promise<string> =>
  canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    return `${width},${height}`;
  });
