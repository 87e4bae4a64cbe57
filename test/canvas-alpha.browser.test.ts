import { describe, expect, test } from 'vitest';
import { type BrowserName, chromium, firefox, runOnPage } from './page.ts';
import { randomWeights } from './small-model.ts';

/*
 * Pictures with alpha on canvases of pages without WebGPU. A canvas keeps colours times alpha, so
 * it gives them back rounded; webgpu/alpha-cases.ts has the pages with WebGPU.
 */

const BROWSERS: readonly (readonly [BrowserName, string | undefined])[] = [
  ['chromium', chromium],
  ['firefox', firefox],
];

for (const [browser, program] of BROWSERS) {
  describe.skipIf(program === undefined)(`canvas [${browser}]`, () => {
    test('decodeToCanvas: taeqi2_1 on canvases in 2d → the bytes of decode, within the rounding of alpha', async () => {
      const file = randomWeights('taeqi2_1', 'decoder');
      const code = `
        const { Taesd } = await import('/dist/index.js');
        const decoder = new Uint8Array(await (await fetch('/weights/decoder')).arrayBuffer());
        const options = { model: 'taeqi2_1', weights: { decoder }, only: 'decoder' };
        const taesd = await Taesd.load(options);
        const data = Float32Array.from({ length: 64 * 6 }, (_, i) => 2 * Math.sin(i * i + i / 7));
        const latents = { shape: [1, 64, 2, 3], data };
        const size = { width: 45, height: 30 };
        const picture = (await taesd.decode(latents, size)).data;
        const alphas = new Set(picture.filter((_, i) => i % 4 === 3)).size;
        const found = { manyAlphas: alphas > 20, backend: taesd.info.backend, shown: [] };
        for (const canvas of [document.createElement('canvas'), new OffscreenCanvas(1, 1)]) {
          await taesd.decodeToCanvas(latents, canvas, size);
          const shown = canvas.getContext('2d').getImageData(0, 0, 45, 30).data;
          let wrong = 0;
          for (let i = 0; i < picture.length; i++) {
            const alpha = picture[i | 3];
            // Half a step of the product and of the quotient; browsers round either differently.
            const within = i % 4 === 3 ? 0 : alpha === 0 ? 255 : Math.ceil(255 / alpha) + 1;
            if (!(Math.abs(shown[i] - picture[i]) <= within)) wrong++;
          }
          found.shown.push([canvas.width, canvas.height, shown.length, wrong]);
        }
        return found;`;
      const weights = (name: string) => (name === 'decoder' ? file : undefined);
      const right = [45, 30, 4 * 45 * 30, 0];
      expect(await runOnPage(code, { browser, weights })).toEqual({
        manyAlphas: true,
        backend: 'wasm',
        shown: [right, right],
      });
    });
  });
}
