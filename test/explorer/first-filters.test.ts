import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import { firstFilters } from '../../explorer/plugins/first-filters.ts';
import { readSafetensors, toTensor } from '../../src/index.ts';

/*
 * The first scene's filters: weights/nano/first-filters.safetensors.
 */

const COUT = 64;
const WINDOW = 27;

const file = readFileSync(new URL('../../weights/nano/first-filters.safetensors', import.meta.url));
const stored = readSafetensors(file).tensors;
const [weight, bias] = ['weight', 'bias'].map((name) => toTensor(stored.get(name)!));
const filters = Array.from({ length: COUT }, (_, n) =>
  weight.data.subarray(n * WINDOW, (n + 1) * WINDOW),
);

const dot = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + value * b[i], 0);

/** The share of the picture's inner windows to which each filter answers: its sum is above 0. */
function sharesOf({ width, height, data }: ReturnType<typeof renderPicture>): number[] {
  const counts = new Array<number>(COUT).fill(0);
  const window = new Float32Array(WINDOW);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      for (let i = 0; i < WINDOW; i++) {
        const [c, ky, kx] = [Math.floor(i / 9), Math.floor(i / 3) % 3, i % 3];
        window[i] = data[((y + ky - 1) * width + x + kx - 1) * 3 + c] / 255;
      }
      filters.forEach((filter, n) => {
        if (dot(filter, window) + bias.data[n] > 0) counts[n]++;
      });
    }
  }
  return counts.map((count) => count / ((width - 2) * (height - 2)));
}

describe('first filters', () => {
  test('the file → [64,3,3,3] and [64] of finite numbers, each filter of length 1', () => {
    expect([...stored.keys()].sort()).toEqual(['bias', 'weight']);
    expect([weight.shape, bias.shape]).toEqual([[COUT, 3, 3, 3], [COUT]]);
    expect([...weight.data, ...bias.data].every(Number.isFinite)).toBe(true);
    for (const filter of filters) expect(dot(filter, filter)).toBeCloseTo(1, 5);
    expect(file.length).toBeLessThan(7500);
  });

  test('any two filters → |cosine| below 0.95', () => {
    const cosines = filters.flatMap((a, n) => filters.slice(0, n).map((b) => Math.abs(dot(a, b))));
    expect(cosines).toHaveLength((COUT * (COUT - 1)) / 2);
    expect(Math.max(...cosines)).toBeLessThan(0.95);
  });

  test('the sample picture → each filter answers to 14 % of its windows at least', () => {
    const shares = sharesOf(renderPicture(128));
    expect(Math.min(...shares)).toBeGreaterThan(0.14);
  });

  test("the plugin's module → the file's numbers, in 10 kB of code", async () => {
    const { load, resolveId } = firstFilters() as unknown as {
      load(id: string): string | undefined;
      resolveId(id: string): string | undefined;
    };
    expect(resolveId('./first-filters.ts')).toBeUndefined();
    const code = load(resolveId('virtual:first-filters')!)!;
    expect(code.length).toBeLessThan(10_300);
    const url = `data:text/javascript,${encodeURIComponent(code)}`;
    const module = await import(/* @vite-ignore */ url);
    expect(module.firstFilters).toEqual({
      cin: 3,
      cout: COUT,
      weight: weight.data,
      bias: bias.data,
    });
  });
});
