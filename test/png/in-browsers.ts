import { type BrowserName, runOnPage } from '../page.ts';

/** A file in a browser: its pixels, or null if createImageBitmap refuses it. */
export type Shown = {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
} | null;

const ON_PAGE = `
  const files = JSON.parse(await (await fetch('/files.json')).text());
  const text = (bytes) => {
    let all = '';
    for (let at = 0; at < bytes.length; at += 8192) {
      all += String.fromCharCode(...bytes.subarray(at, at + 8192));
    }
    return btoa(all);
  };
  const shown = [];
  for (const file of files) {
    const bytes = Uint8Array.from(atob(file), (one) => one.charCodeAt(0));
    try {
      const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const { width, height } = bitmap;
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d', { willReadFrequently: true, colorSpace: 'srgb' });
      context.drawImage(bitmap, 0, 0);
      bitmap.close();
      const { data } = context.getImageData(0, 0, width, height);
      shown.push([width, height, text(data)]);
    } catch {
      shown.push(null);
    }
  }
  return shown;`;

/** Returns the pixels that a browser shows for each PNG file. */
export async function showInBrowser(
  browser: BrowserName,
  pngs: readonly Uint8Array[],
): Promise<Shown[]> {
  const files = JSON.stringify(pngs.map((png) => Buffer.from(png).toString('base64')));
  const shown = await runOnPage(ON_PAGE, { browser, files: { '/files.json': files } });
  if (!Array.isArray(shown)) throw new Error(`${browser}: ${shown}`);
  return shown.map((one) =>
    one === null
      ? null
      : { width: one[0], height: one[1], data: Uint8Array.from(Buffer.from(one[2], 'base64')) },
  );
}

/**
 * Returns the largest difference of two pictures. A canvas holds colours multiplied by alpha, so
 * translucent colours are compared so.
 */
export function distance(a: NonNullable<Shown>, b: NonNullable<Shown>): number {
  if (a.width !== b.width || a.height !== b.height) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.data.length; i++) {
    const alpha = a.data[i | 3];
    const difference = Math.abs(a.data[i] - b.data[i]);
    const weighed =
      (i & 3) === 3 || alpha === 255 ? difference : Math.round((difference * alpha) / 255 - 0.5);
    largest = Math.max(largest, weighed);
  }
  return largest;
}
