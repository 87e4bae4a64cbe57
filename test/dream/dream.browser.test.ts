import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type BrowserName, chromium, firefox, runOnPage } from '../page.ts';
import { DREAM_BYTES, PINNED, PINNED_LATENTS, PINNED_PICTURE } from './loaded.ts';

/*
 * `dream` on a page: the files of examples/dream and the package as they are, found by an import
 * map.
 */

const source = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../examples/dream/${name}`, import.meta.url)), 'utf8');

/** Module scripts of their own, whose imports are addresses: a page runs after its import map. */
const byAddress = (text: string) =>
  text
    .replace("'taesd-wasm/network'", "'/dist/network/index.js'")
    .replace("'taesd-wasm'", "'/dist/index.js'");

for (const [browser, program] of [
  ['chromium', chromium],
  ['firefox', firefox],
] as const) {
  if (program === undefined) console.warn(`skipping tests of dream: no ${browser} here`);

  describe.skipIf(program === undefined)(`dream [${browser}]`, () => {
    test('generate, and nano’s picture → the bytes of Node', async () => {
      const code = `
        const { loadDream } = await import('/dream.js');
        const { Taesd } = await import('/dist/index.js');
        const hex = async (data) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', data))]
          .map((byte) => byte.toString(16).padStart(2, '0')).join('');
        const bytes = new Uint8Array(await (await fetch('/weights/dream.safetensors')).arrayBuffer());
        const dream = await loadDream(bytes);
        const started = performance.now();
        const latents = await dream.generate(${JSON.stringify(PINNED)});
        const seconds = (performance.now() - started) / 1000;
        const nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
        const picture = await nano.decode(latents);
        return { seconds, latents: await hex(latents.data), picture: await hex(picture.data) };`;
      const { seconds, ...hashes } = (await runOnPage(code, {
        browser: browser as BrowserName,
        weights: (name) => (name === 'dream.safetensors' ? DREAM_BYTES : undefined),
        files: { '/dream.js': byAddress(source('dream.mjs')), '/noise.mjs': source('noise.mjs') },
      })) as { seconds: number; latents: string; picture: string };
      console.log(`${browser}: 20 steps in ${seconds.toFixed(2)} s`);
      expect(hashes).toEqual({ latents: PINNED_LATENTS, picture: PINNED_PICTURE });
    });
  });
}
