import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Taesd } from '../../src/taesd.ts';
import { chromium } from '../page.ts';
import { needs, servePython } from '../python.ts';
import { hashOfCanvas, hashOfPicture, openPages, type Pages } from '../recipes/recipe-pages.ts';
import { documentedCode } from './blocks.mjs';
import { LED_TO, writeDiffusers } from './diffusers.ts';

/*
 * The server of docs/wire.md, with the pages of docs/wire.md and docs/element.md that show it.
 */

if (chromium === undefined) console.warn('skipping streams of the documents: no Chromium here');

describe.skipIf(chromium === undefined)('streams of the documents [chromium]', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taesd-docs-'));
  let pages: Pages;
  beforeAll(async () => {
    writeDiffusers(folder);
    pages = await openPages();
  });
  afterAll(async () => {
    await pages.close();
    rmSync(folder, { recursive: true });
  });
  afterEach(() => expect(pages.errors.splice(0)).toEqual([]));

  /** Runs the document's server on a free port, which it prints. */
  function serveSteps(model: 'taesd' | 'taesdxl') {
    const python = documentedCode('docs/wire.md', 'python')
      .replace('port=8765)', 'port=0); print(frames.port, flush=True)')
      .replace("model='taesdxl'", `model='${model}'`)
      .replace('frames.close()', 'frames.close(60)');
    return servePython(`sys.path.insert(0, ${JSON.stringify(folder)})
from diffusers import StableDiffusionXLPipeline
pipe, prompt = StableDiffusionXLPipeline.from_pretrained(''), 'a lake'
${python}`);
  }

  const pictureOf = async (model: 'nano' | 'nano-sdxl', precision: 'f32' | 'fast') => {
    const taesd = await Taesd.load({ model, only: 'decoder', precision, workers: 0 });
    const picture = await taesd.decode(LED_TO);
    taesd.dispose();
    return picture;
  };

  test('docs/wire.md: server and page → the last step’s text and pixels', async ({ skip }) => {
    needs(['numpy', 'websockets'], skip);
    const server = await serveSteps('taesdxl');
    try {
      const js = documentedCode('docs/wire.md', 'js').replace('8765', `${server.port}`);
      const page = await pages.open({
        html: '<canvas></canvas>',
        before: `globalThis.context = document.querySelector('canvas').getContext('2d');`,
        js: `${js}; globalThis.isDone = true;`,
      });
      await page.waitForFunction(() => Reflect.get(globalThis, 'isDone'));
      expect(await page.title()).toBe('20 of 20');
      expect(await hashOfCanvas(page, 'canvas')).toBe(
        hashOfPicture(await pictureOf('nano-sdxl', 'f32')),
      );
      expect(await server.ended()).toEqual({ code: 0, errors: '' });
    } finally {
      server.stop();
    }
  });

  test('docs/element.md: defined, with the address of that server → its last step', async ({
    skip,
  }) => {
    needs(['numpy', 'websockets'], skip);
    const server = await serveSteps('taesd');
    try {
      const page = await pages.open({
        html: documentedCode('docs/element.md', 'html', 'Streams').replace(
          'wss://example.org/previews',
          `ws://127.0.0.1:${server.port}`,
        ),
        js: documentedCode('docs/element.md', 'js', 0),
      });
      await page.getByRole('img', { name: 'Preview, step 20 of 20, 256 × 256' }).waitFor();
      const wanted = hashOfPicture(await pictureOf('nano', 'fast'));
      expect(await hashOfCanvas(page, 'taesd-preview canvas')).toBe(wanted);
      expect(await server.ended()).toEqual({ code: 0, errors: '' });
    } finally {
      server.stop();
    }
  });
});
