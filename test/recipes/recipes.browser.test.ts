import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encodeLatentPng } from '../../src/formats/index.ts';
import { fromVaeLatents } from '../../src/latent.ts';
import { Taesd } from '../../src/taesd.ts';
import { decodeFrame, encodeFrame } from '../../src/wire/frame.ts';
import { documentedCode } from '../docs/blocks.mjs';
import { LED_TO, writeDiffusers } from '../docs/diffusers.ts';
import { inFolder } from '../docs/in-folder.ts';
import { comfyByHand } from '../formats/files-by-hand.ts';
import { chromium } from '../page.ts';
import { needs, servePython } from '../python.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { installRuntimes } from '../runtimes/install.mjs';
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
    const js = documentedCode('docs/recipes.md', 'js', 'numbers.js');
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
    const html = documentedCode('docs/recipes.md', 'html', 'A `.latent` of ComfyUI in a page');
    const js = documentedCode('docs/recipes.md', 'js', 'comfy.js');
    const page = await pages.open({ html, js });
    const input = { name: 'a.latent', mimeType: '', buffer: Buffer.from(file) };
    await page.waitForFunction(() => customElements.get('taesd-preview') !== undefined);
    await page.locator('input').setInputFiles(input);
    await page.getByRole('img', { name: 'Preview, 256 × 256' }).waitFor();
    const wanted = await fast.decode(vae, { space: 'vae' });
    expect(await hashOfCanvas(page, PREVIEW)).toBe(hashOfPicture(wanted));
  });

  test('a gallery → thumbnails; each file is fetched once, also after a reload', async () => {
    const html = documentedCode('docs/recipes.md', 'html', 'A gallery of cached latents');
    const js = documentedCode('docs/recipes.md', 'js', 'gallery.js');
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
    const js = documentedCode('docs/recipes.md', 'js', 'sketch.js');
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
    const js = documentedCode('docs/element.md', 'js', 'React');
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
    const js = documentedCode('docs/element.md', 'js', 'Vue');
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

  test('diffusers → each step on the page, the last one’s name and pixels', async ({ skip }) => {
    needs(['numpy', 'websockets'], skip);
    const py = documentedCode('docs/recipes.md', 'py', 'serve.py');
    const html = documentedCode(
      'docs/recipes.md',
      'html',
      'A diffusers server, and a page that shows each step',
    );
    const js = documentedCode(
      'docs/recipes.md',
      'js',
      'A diffusers server, and a page that shows each step',
    );
    const folder = mkdtempSync(join(tmpdir(), 'taesd-recipe-'));
    writeDiffusers(folder);
    const found = `import sys; sys.path.insert(0, ${JSON.stringify(folder)})\n`;
    // A free port, which it prints; the rest is the document's.
    const free = py
      .replace('port=8765)', 'port=0); print(frames.port, flush=True)')
      .replace('frames.close()', 'frames.close(60)');
    const server = await servePython(found + free);
    try {
      const page = await pages.open({ html: html.replace('8765', `${server.port}`), js });
      const last = page.getByRole('img', { name: 'A lake at dusk, step 20 of 20, 256 × 256' });
      await last.waitFor();
      expect(await server.ended()).toEqual({ code: 0, errors: '' });
      // x − σ·output with the numbers of the stand-in: all of channel 0 is 1, of the others 0.
      const model = 'nano-sdxl' as const;
      const sdxl = await Taesd.load({ model, only: 'decoder', precision: 'fast', workers: 0 });
      const picture = await sdxl.decode(LED_TO);
      expect(await hashOfCanvas(page, PREVIEW)).toBe(hashOfPicture(picture));
    } finally {
      server.stop();
      rmSync(folder, { recursive: true });
    }
  });

  test('one latent by HTTP → its picture, from 16 bits a number', async ({ skip }) => {
    needs(['numpy'], skip);
    const py = documentedCode('docs/recipes.md', 'py', 'latent_server.py');
    const html = documentedCode('docs/recipes.md', 'html', 'One latent of a Python server');
    const js = documentedCode('docs/recipes.md', 'js', 'One latent of a Python server');
    await inFolder(async (folder) => {
      writeDiffusers(folder);
      const found = `import sys; sys.path.insert(0, ${JSON.stringify(folder)})\n`;
      const free = py.replace(
        "HTTPServer(('127.0.0.1', 8766), Handler).serve_forever()",
        "server = HTTPServer(('127.0.0.1', 0), Handler); print(server.server_port, flush=True)\nserver.serve_forever()",
      );
      const server = await servePython(found + free);
      try {
        const page = await pages.open({ html, js: js.replace('8766', `${server.port}`) });
        // Channel 0 is a tenth of the prompt’s length, the others are 0.
        const data = Float32Array.from({ length: 4 * 1024 }, (_, i) =>
          i < 1024 ? 'a lake at dusk'.length / 10 : 0,
        );
        const sdxl = await Taesd.load({ model: 'nano-sdxl', only: 'decoder', workers: 0 });
        const latents = decodeFrame(
          encodeFrame({ shape: [1, 4, 32, 32], data }, { model: 'taesdxl', type: 'f16' }),
        );
        const wanted = hashOfPicture(await sdxl.decode(latents));
        await expect.poll(() => hashOfCanvas(page, 'canvas'), PATIENT).toBe(wanted);
      } finally {
        server.stop();
      }
    });
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
  withPackages(
    ['onnxruntime-web'],
    'gpu-buffer → the picture on a texture; a canvas of its size',
    async () => {
      const pages = await openPages(true);
      try {
        const html = documentedCode('docs/recipes.md', 'html', 'A pipeline of onnxruntime-web');
        const js = documentedCode('docs/recipes.md', 'js', 'pipeline.js');
        const page = await pages.open({
          html,
          js,
          files: { '/model.onnx': onnxModel('Tanh', 'noise', 'latents', [1, 4, 32, 32]) },
        });
        // As text: the test's own loader would rewrite the `import()`. Nothing shows a canvas of
        // WebGPU here, and then it reads as empty, so the pixels are those of a texture.
        const found = (await page.evaluate(`(async () => {
        const { draw } = await import('/recipe.js');
        const { env } = await import('onnxruntime-web/webgpu');
        const device = await env.webgpu.device;
        const noise = Float32Array.from(${NUMBERS});
        const canvas = document.querySelector('canvas');
        await draw(noise, canvas);
        const usage = GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.COPY_SRC;
        const texture = device.createTexture({ size: [256, 256], format: 'rgba8unorm', usage });
        await draw(noise, texture);
        const buffer = device.createBuffer({
          size: 4 * 256 * 256,
          usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
        });
        const encoder = device.createCommandEncoder();
        encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow: 1024 }, [256, 256]);
        device.queue.submit([encoder.finish()]);
        await buffer.mapAsync(GPUMapMode.READ);
        return { size: [canvas.width, canvas.height], pixels: [...new Uint8Array(buffer.getMappedRange())] };
      })()`)) as { size: number[]; pixels: number[] };
        const { size, pixels } = found;
        expect(size).toEqual([256, 256]);
        const nano = await Taesd.load({ model: 'nano', workers: 0 });
        const { data } = await nano.decode({ ...LATENTS, data: LATENTS.data.map(Math.tanh) });
        expect(pixels.length).toBe(data.length);
        const worst = pixels.reduce((max, value, i) => Math.max(max, Math.abs(value - data[i])), 0);
        const differing = pixels.filter((value, i) => value !== data[i]).length;
        expect([worst < 4, differing < data.length / 10], `${worst}, ${differing}`).toEqual([
          true,
          true,
        ]);
        expect(pages.errors).toEqual([]);
      } finally {
        await pages.close();
      }
    },
  );
});
