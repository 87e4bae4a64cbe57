import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPack } from '../../../examples/comfyui/build.mjs';
import { Taesd } from '../../../src/index.ts';
import { encodeFrame } from '../../../src/preview/index.ts';
import { type BrowserName, chromium, firefox, runOnPage } from '../../page.ts';
import { randomTensor, seededRandom } from '../../random.ts';

/*
 * The page's half of examples/comfyui, as build.mjs puts it together, in a page that has ComfyUI's
 * `scripts/app.js` and `scripts/api.js` as far as it uses them.
 */

const APP = `export const app = {
  extensions: [],
  registerExtension(extension) { this.extensions.push(extension); },
};`;
const API = 'export const api = new EventTarget();';

const folder = mkdtempSync(join(tmpdir(), 'taesd-comfyui-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files: Record<string, string> = {};
beforeAll(() => {
  const names = buildPack(folder).filter((name) => name.startsWith('web/'));
  files = Object.fromEntries([
    ...names.map((name) => [
      name.replace('web/', '/extensions/pack/'),
      readFileSync(join(folder, name), 'utf8'),
    ]),
    ['/scripts/app.js', APP],
    ['/scripts/api.js', API],
  ]);
});

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const sha256 = (bytes: Uint8ClampedArray) => createHash('sha256').update(bytes).digest('hex');

const latents = randomTensor(seededRandom(5), [1, 4, 24, 40]);
const flux = randomTensor(seededRandom(6), [1, 16, 8, 8]);

/** On the page: sends an event, and waits until the panel says something else. */
const TOOLS = `
  const { app } = await import('/scripts/app.js');
  const { api } = await import('/scripts/api.js');
  await import('/extensions/pack/latent-previews.js');
  const [extension] = app.extensions;
  extension.setup();
  const root = () => document.querySelector('[role=region]')?.shadowRoot;
  const words = () => root()?.querySelector('output').textContent;
  const send = (frame, node) =>
    api.dispatchEvent(new CustomEvent('taesd-wasm.latents', { detail: { frame, node } }));
  const until = async (right) => {
    for (let i = 0; i < 3000 && !right(); i++) await new Promise((done) => setTimeout(done, 20));
    return words();
  };
  const pixels = async () => {
    const canvas = root().querySelector('canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const digest = await crypto.subtle.digest('SHA-256', data);
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  };
  const press = (name) =>
    [...root().querySelectorAll('button')].find(({ textContent }) => textContent === name).click();
`;

for (const [browser, program] of [
  ['chromium', chromium],
  ['firefox', firefox],
] as const) {
  if (program === undefined) console.warn(`skipping tests of ComfyUI's page: no ${browser} here`);

  describe.skipIf(program === undefined)(`the page's half [${browser}]`, () => {
    test('latents of two models → their pictures in full size, with node and step', async () => {
      const frame = (step: number) =>
        base64(encodeFrame(latents, { model: 'taesd', type: 'f16', step, steps: 20 }));
      const other = base64(encodeFrame(flux, { model: 'taef1', type: 'f16', step: 0, steps: 4 }));
      const code = `${TOOLS}
        send('${frame(0)}', '3');
        const first = await until(() => words() !== undefined);
        const canvas = root().querySelector('canvas');
        const shown = {
          words: first, pixels: await pixels(), name: canvas.getAttribute('aria-label'),
          width: canvas.width, height: canvas.height,
        };
        send('${other}', '8');
        const flux = await until(() => words() !== first);
        const second = { words: flux, pixels: await pixels() };
        press('Close');
        const closed = document.querySelector('[role=region]').hidden;
        // The user closed the panel while node 8 was at work: its next steps stay hidden.
        send('${base64(encodeFrame(flux, { model: 'taef1', step: 1, steps: 4 }))}', '8');
        await new Promise((done) => setTimeout(done, 1000));
        const stays = document.querySelector('[role=region]').hidden;
        send('${frame(1)}', '3');
        const again = await until(() => words() !== flux);
        extension.settings[0].onChange(false);
        const off = document.querySelector('[role=region]').hidden;
        return { shown, second, closed, stays, again, off, id: extension.name };`;
      const found = await runOnPage(code, { browser: browser as BrowserName, files });

      const pictureOf = async (model: 'nano' | 'nano-flux1', of: typeof latents, name: string) => {
        const taesd = await Taesd.load({ model, only: 'decoder', workers: 0 });
        const { decodeFrame } = await import('../../../src/preview/index.ts');
        const { latents: read } = decodeFrame(
          encodeFrame(of, { model: name as 'taesd', type: 'f16' }),
        );
        const { data } = await taesd.decode(read);
        taesd.dispose();
        return sha256(data);
      };
      expect(found).toEqual({
        id: 'taesd-wasm.latentPreviews',
        shown: {
          words: 'node 3, step 1 of 20, 320 × 192',
          name: 'Preview: node 3, step 1 of 20, 320 × 192',
          pixels: await pictureOf('nano', latents, 'taesd'),
          width: 320,
          height: 192,
        },
        second: {
          words: 'node 8, step 1 of 4, 64 × 64',
          pixels: await pictureOf('nano-flux1', flux, 'taef1'),
        },
        closed: true,
        stays: true,
        again: 'node 3, step 2 of 20, 320 × 192',
        off: true,
      });
    });

    test('a frame that is none, and one of a model without a small decoder → a sentence', async () => {
      const wide = base64(
        encodeFrame(randomTensor(seededRandom(7), [1, 32, 4, 4]), { model: 'taef2' }),
      );
      const good = base64(encodeFrame(latents, { model: 'taesd', step: 0 }));
      const code = `${TOOLS}
        send('bm90aGluZw==', '3');
        const broken = await until(() => words() !== undefined);
        send('${wide}', '3');
        const unknown = await until(() => words() !== broken);
        send('${good}', '3');
        return { broken, unknown, after: await until(() => words() !== unknown) };`;
      const found = (await runOnPage(code, { browser: browser as BrowserName, files })) as Record<
        string,
        string
      >;
      expect(found.broken).toMatch(/^No preview: decodeFrame: /);
      expect(found.unknown).toBe('No preview: the page has no small decoder for latents of taef2');
      expect(found.after).toBe('node 3, step 1, 320 × 192');
    });
  });
}
