import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Drops a file on the page. */
export async function dropFile(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  const transfer = await page.evaluateHandle(
    ([called, content]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(content as number[])], called as string));
      return data;
    },
    [name, [...bytes]],
  );
  const whole = page.locator('.page');
  await whole.dispatchEvent('dragover', { dataTransfer: transfer });
  expect(await page.locator('.page.dropping').count()).toBe(1);
  await whole.dispatchEvent('drop', { dataTransfer: transfer });
  expect(await page.locator('.page.dropping').count()).toBe(0);
}

/** The page's words about a file that is nothing that it reads, behind the file's name. */
export const IS_NOTHING =
  'is not a picture that this browser can read, and no latents or weights. Pictures may be PNG, JPEG, WebP, GIF or AVIF, latents .latent, .safetensors, .npy, .npz, .pt or .png, weights .safetensors or .pth. The file may be damaged.';
