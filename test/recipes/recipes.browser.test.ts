import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encodeLatentPng } from '../../src/formats/index.ts';
import { fromVaeLatents } from '../../src/latent.ts';
import { Taesd } from '../../src/taesd.ts';
import { comfyByHand } from '../formats/files-by-hand.ts';
import { chromium } from '../page.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { installRuntimes } from '../runtimes/install.mjs';
import { blocksOf } from './blocks.ts';
import { onnxModel } from './onnx-by-hand.ts';
import { hashOfCanvas, hashOfPicture, openPages, type Pages } from './recipe-pages.ts';

/*
 * The recipes for pages, and the hooks of docs/element.md: the code that stands in the documents.
 */

/** `expect.poll` waits a second, and a busy machine may take longer. */
const PATIENT = { timeout: 120_000 };
const PREVIEW = 'taesd-preview canvas';
const LATENTS = randomTensor(seededRandom(3), [1, 4, 32, 32], 2);
const NUMBERS = JSON.stringify([...LATENTS.data]);

if (chromium === undefined) console.warn('skipping the recipes: no Chromium here');

/** Runs a test if packages can be installed; in CI it fails without them. */
const withPackages = (names: readonly string[], title: string, run: () => Promise<void>): void => {
  test(title, async ({ skip }) => {
    const found = await installRuntimes(names);
    const reasons = Object.values(found).flatMap(({ reason }) => reason ?? []);
    if (reasons.length > 0 && process.env.CI) throw new Error(reasons.join('; '));
    if (reasons.length > 0) skip(reasons.join('; '));
    await run();
  });
};

describe.skipIf(chromium === undefined)('recipes for pages [chromium]', () => {
  let pages: Pages;
  let nano: Taesd;
  let fast: Taesd;
  beforeAll(async () => {
    pages = await openPages();
    nano = await Taesd.load({ model: 'nano', workers: 0 });
    fast = await Taesd.load({ model: 'nano', precision: 'fast', workers: 0 });
  });
  afterAll(() => pages.close());
  afterEach(() => expect(pages.errors.splice(0)).toEqual([]));

  test('numbers → the picture on the canvas', async () => {
    const large = randomTensor(seededRandom(4), [1, 4, 64, 64], 2);
    const { js } = blocksOf('recipes.md', 'Numbers to a picture');
    const page = await pages.open({
      html: '<canvas width="512" height="512"></canvas>',
      before: `globalThis.numbers = Float32Array.from(${JSON.stringify([...large.data])});
        globalThis.context = document.querySelector('canvas').getContext('2d');`,
      js: `${js}; document.title = 'done';`,
    });
    await page.waitForFunction(() => document.title === 'done');
    expect(await hashOfCanvas(page, 'canvas')).toBe(hashOfPicture(await nano.decode(large)));
  });

  test('a .latent of ComfyUI → the picture, from VAE space', async () => {
    const { shape, data } = fromVaeLatents(LATENTS, 'taesd');
    const vae = { shape, data: data.map((x) => x / 0.18215 ** 2) };
    const bytes = new Uint8Array(vae.data.slice().buffer);
    const file = comfyByHand({ dtype: 'F32', shape: [...shape], bytes });
    const { html, js } = blocksOf('recipes.md', 'A `.latent` of ComfyUI in a page');
    const page = await pages.open({ html, js });
    const input = { name: 'a.latent', mimeType: '', buffer: Buffer.from(file) };
    await page.waitForFunction(() => customElements.get('taesd-preview') !== undefined);
    await page.locator('input').setInputFiles(input);
    await page.getByRole('img', { name: 'Preview, 256 × 256' }).waitFor();
    const wanted = await fast.decode(vae, { space: 'vae' });
    expect(await hashOfCanvas(page, PREVIEW)).toBe(hashOfPicture(wanted));
  });

  test('a gallery → thumbnails; each file is fetched once, also after a reload', async () => {
    const { html, js } = blocksOf('recipes.md', 'A gallery of cached latents');
    const files = Object.fromEntries(
      [1, 2, 3].map((seed) => [
        `/latents/${seed}.png`,
        encodeLatentPng({
          latents: randomTensor(seededRandom(seed), [1, 4, 32, 32], 1),
          ...{ model: 'taesd' as const, width: 256, height: 250 },
        }),
      ]),
    );
    const addresses = Object.keys(files);
    const before = `globalThis.addresses = ${JSON.stringify(addresses)};`;
    const context = await pages.newContext();
    const page = await pages.open({ html, js, files, before }, context);
    const shown = async () => {
      await expect
        .poll(() => page.getByRole('img', { name: 'Preview, 64 × 63' }).count(), PATIENT)
        .toBe(3);
      return pages.asked.filter((path) => addresses.includes(path)).length;
    };
    expect(await shown()).toBe(3);
    await page.reload();
    expect(await shown()).toBe(3);
    const hashes = new Set<number>();
    for (let n = 0; n < 3; n++) {
      hashes.add(await hashOfCanvas(page, `taesd-preview:nth-child(${n + 1}) canvas`));
    }
    expect(hashes.size).toBe(3);
  });

  withPackages(['p5'], 'p5 → a sketch that changes, near the decoder’s pictures', async () => {
    const { js } = blocksOf('recipes.md', 'A sketch of p5.js');
    const page = await pages.open({ js });
    await page.locator('canvas').waitFor();
    const first = await hashOfCanvas(page, 'canvas');
    await expect.poll(() => hashOfCanvas(page, 'canvas'), PATIENT).not.toBe(first);
    const colours = await page.locator('canvas').evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const context = (canvas as HTMLCanvasElement).getContext('2d');
      const { data } = context?.getImageData(0, 0, width, height) ?? { data: [] };
      return new Set([...data].filter((_, i) => i % 4 === 0)).size;
    });
    expect(colours).toBeGreaterThan(100);
  });

  withPackages(['react', 'react-dom'], 'React: the hook → the state’s latents', async () => {
    const { js } = blocksOf('element.md', 'React');
    const program = `
      import { createElement, StrictMode, useState } from 'react';
      import { createRoot } from 'react-dom/client';
      import { usePreview } from 'hook';
      function App() {
        const [step, setStep] = useState(1);
        const latents = step === 1 ? undefined : globalThis.latents;
        const ref = usePreview(latents, step);
        return createElement('div', {},
          createElement('taesd-preview', { ref, steps: 4, onframe: () => { document.title = 'frame'; } }),
          createElement('button', { onClick: () => setStep(step + 1) }, 'next'));
      }
      const root = document.body.appendChild(document.createElement('main'));
      createRoot(root).render(createElement(StrictMode, {}, createElement(App)));`;
    const page = await pages.open({ js: await bundled(program, js), before: GIVEN });
    await stepThrough(page);
    expect(await page.title()).toBe('frame');
  });

  withPackages(['vue'], 'Vue: the hook → the refs’ latents', async () => {
    const { js } = blocksOf('element.md', 'Vue');
    const program = `
      import { createApp, h, ref, shallowRef } from 'vue';
      import { usePreview } from '/hook.js';
      const App = {
        setup() {
          const [latents, step] = [shallowRef(), ref(1)];
          const element = usePreview(latents, step);
          const next = () => { step.value++; latents.value = globalThis.latents; };
          return () => [h('taesd-preview', { ref: element, steps: 4 }), h('button', { onClick: next }, 'next')];
        },
      };
      createApp(App).mount(document.body.appendChild(document.createElement('main')));`;
    const page = await pages.open({ js: program, files: { '/hook.js': js }, before: GIVEN });
    await stepThrough(page);
  });

  const GIVEN = `globalThis.latents = { shape: [1, 4, 32, 32], data: Float32Array.from(${NUMBERS}) };`;

  async function stepThrough(page: Awaited<ReturnType<Pages['open']>>): Promise<void> {
    const next = page.getByRole('button', { name: 'next' });
    for (const step of [2, 3]) {
      await next.click();
      await page.getByRole('img', { name: `Preview, step ${step + 1} of 4, 256 × 256` }).waitFor();
      const wanted = hashOfPicture(await fast.decode(LATENTS));
      expect(await hashOfCanvas(page, PREVIEW)).toBe(wanted);
    }
  }
});

/** Bundles a program with React and a hook; the page finds the package itself. */
async function bundled(program: string, hook: string): Promise<string> {
  const installed = fileURLToPath(new URL('../runtimes/installed', import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: installed },
    bundle: true,
    format: 'esm',
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
    external: ['taesd-wasm', 'taesd-wasm/*'],
    plugins: [
      {
        name: 'hook',
        setup({ onLoad, onResolve }) {
          onResolve({ filter: /^hook$/ }, () => ({ path: 'hook', namespace: 'document' }));
          onLoad({ filter: /^hook$/, namespace: 'document' }, () => ({
            contents: hook,
            resolveDir: installed,
          }));
        },
      },
    ],
  });
  return outputFiles[0].text;
}

describe.skipIf(chromium === undefined)('onnxruntime-web [chromium, SwiftShader]', () => {
  withPackages(['onnxruntime-web'], 'gpu-buffer → the picture on the canvas', async () => {
    const pages = await openPages(true);
    try {
      const { html, js } = blocksOf('recipes.md', 'A pipeline of onnxruntime-web');
      const page = await pages.open({
        html,
        js,
        files: { '/model.onnx': onnxModel('Tanh', 'noise', 'latents', [1, 4, 32, 32]) },
      });
      // As text: the test's own loader would rewrite the `import()`.
      await page.evaluate(`import('/recipe.js').then(({ draw }) =>
        draw(Float32Array.from(${NUMBERS}), document.querySelector('canvas')))`);
      const pixels = await page.locator('canvas').evaluate((canvas) => {
        const { width, height } = canvas as HTMLCanvasElement;
        const copy = new OffscreenCanvas(width, height).getContext('2d');
        copy?.drawImage(canvas as HTMLCanvasElement, 0, 0);
        return [...(copy?.getImageData(0, 0, width, height).data ?? [])];
      });
      const nano = await Taesd.load({ model: 'nano', workers: 0 });
      const { data } = await nano.decode({ ...LATENTS, data: LATENTS.data.map(Math.tanh) });
      expect(pixels.length).toBe(data.length);
      const worst = pixels.reduce((max, value, i) => Math.max(max, Math.abs(value - data[i])), 0);
      expect(worst).toBeLessThan(4);
      expect(pages.errors).toEqual([]);
    } finally {
      await pages.close();
    }
  });
});
