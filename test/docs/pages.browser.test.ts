import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeLatentPng } from '../../src/formats/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { realWeights } from '../golden.ts';
import { HASH, hashOf } from '../hash.ts';
import { serveDist } from '../one-file/other-origin.ts';
import { askServiceWorker, chromium, runOnPage } from '../page.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { testShared } from '../shared.ts';
import { documentedCode } from './blocks.mjs';

/*
 * Code of the documents that needs a page, run as it stands there.
 */

const latents = randomTensor(seededRandom(3), [1, 4, 6, 10], 1);
const LATENTS = `({ shape: [1, 4, 6, 10], data: Float32Array.from(${JSON.stringify([...latents.data])}) })`;
const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);
const PINNED = `https://cdn.jsdelivr.net/npm/taesd-wasm@${version}/dist/`;

describe.skipIf(chromium === undefined)('the documents on a page [Chromium]', () => {
  test('docs/element.md: the first page, its style, a text of its own → a picture, rounded; no text', async () => {
    const first = documentedCode('docs/element.md', 'html', 'element.html');
    const style = documentedCode('docs/element.md', 'css');
    const own = documentedCode('docs/element.md', 'html', 2);
    const cdn = await serveDist();
    try {
      const [script, element] = first.split('</script>\n');
      const address = /src="([^"]+)"/.exec(script)?.[1].replace(PINNED, cdn.url);
      const lake = randomTensor(seededRandom(4), [1, 4, 64, 64], 1);
      const bytes = encodeLatentPng({ latents: lake, model: 'taesd', width: 512, height: 512 });
      const found = await runOnPage(
        `
        document.head.append(Object.assign(document.createElement('style'), { textContent: ${JSON.stringify(style)} }));
        document.body.innerHTML = ${JSON.stringify(element + own)};
        const elements = [...document.querySelectorAll('taesd-preview')];
        const text = elements[1].textContent;
        const frames = elements.map(
          (each) =>
            new Promise((resolve, reject) => {
              each.addEventListener('frame', resolve, { once: true });
              each.addEventListener('error', ({ detail }) => reject(detail), { once: true });
            }),
        );
        await import(${JSON.stringify(address)});
        await Promise.all(frames);
        const inside = (each, part) => each.shadowRoot.querySelector('[part~=' + part + ']');
        return elements.map((each) => {
          const canvas = inside(each, 'picture');
          return {
            size: [canvas.width, canvas.height],
            name: canvas.getAttribute('aria-label'),
            radius: getComputedStyle(inside(each, 'frame')).borderTopLeftRadius,
            hidesText: inside(each, 'placeholder').hidden,
            text: each.textContent,
          };
        });`,
        {
          served: (path) =>
            path === '/lake.latent' ? { type: 'application/octet-stream', bytes } : undefined,
        },
      );
      const picture = { size: [512, 512], radius: '8px', hidesText: true };
      expect(found).toEqual([
        { ...picture, name: 'A lake at dusk, 512 × 512', text: '' },
        { ...picture, name: 'Preview, 512 × 512', text: 'Noch kein Bild' },
      ]);
    } finally {
      cdn.close();
    }
  });

  testShared(
    'docs/webgpu.md: auto without a graphics card → WASM, the reason, the canvas',
    async () => {
      const code = documentedCode('docs/webgpu.md', 'js');
      const weights = realWeights('taesd');
      const found = await runOnPage(
        `
        const { Taesd: Loaded } = await import('/dist/index.js');
        const Taesd = { load: (options) => Loaded.load({ ...options, weights: '/weights/' }) };
        const latents = ${LATENTS};
        document.body.innerHTML = '<canvas></canvas>';
        ${code}
        const { width, height } = document.querySelector('canvas');
        const { data } = document.querySelector('canvas').getContext('2d').getImageData(0, 0, width, height);
        const { backend, backendReason } = taesd.info;
        taesd.dispose();
        return { backend, hasReason: backendReason !== '', width, height, hash: (${HASH})(data) };`,
        {
          weights: (name) => {
            const half = /^taesd_(encoder|decoder)\.safetensors$/.exec(name)?.[1];
            return half === undefined ? undefined : weights[half as 'encoder' | 'decoder'];
          },
        },
      );
      const taesd = await Taesd.load({ model: 'taesd', weights, workers: 0 });
      const { data } = await taesd.decode(latents);
      taesd.dispose();
      expect(found).toEqual({
        ...{ backend: 'wasm', hasReason: true, width: 80, height: 48 },
        hash: hashOf(data),
      });
    },
  );

  test('docs/hosts.md: the background of an extension → nano, loaded once', async () => {
    const code = documentedCode('docs/hosts.md', 'js', 'background.js');
    const found = await runOnPage(askServiceWorker('/background.js'), {
      files: {
        '/background.js': `${code.replaceAll("'./taesd-wasm/", "'/")}
          addEventListener('message', async ({ ports: [port] }) => {
            const [one, two] = await Promise.all([model(), model()]);
            const { width, height, data } = await one.decode(${LATENTS});
            port.postMessage({ isOne: one === two, width, height, hash: (${HASH})(data) });
          });`,
      },
    });
    const taesd = await Taesd.load({ model: 'nano', workers: 0 });
    const { data } = await taesd.decode(latents);
    taesd.dispose();
    expect(found).toEqual({ isOne: true, width: 80, height: 48, hash: hashOf(data) });
  });
});
