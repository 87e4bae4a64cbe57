import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readLatents } from '../../src/formats/index.ts';
import { encodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { documentedCode } from '../docs/blocks.mjs';
import { comfyByHand } from '../formats/files-by-hand.ts';
import { seededNumbers } from '../formats/seeded-numbers.ts';
import { HASH, hashOf } from '../hash.ts';
import { askServiceWorker, type BrowserName, chromium, firefox, runOnPage } from '../page.ts';
import { type OtherOrigin, serveDist } from './other-origin.ts';

/*
 * The package by address from another origin, as from a CDN, in real browsers.
 */

const LATENTS = `{
  shape: [1, 4, 40, 24],
  data: Float32Array.from({ length: 4 * 40 * 24 }, (_, i) => 2 * Math.sin(i / 7)),
}`;
const TEXTS = { Title: 'lake' };

const evaluate = <Value>(code: string): Value => new Function(`return ${code}`)();

/** Code that decodes with a module and returns what came of it. */
const DECODE = `
  const hash = ${HASH};
  const decode = async ({ Taesd }, nano) => {
    const taesd = await Taesd.load({ ...nano(), workers: 2 });
    const picture = await taesd.decode(${LATENTS});
    const { workers, workersReason: reason = 'none' } = taesd.info;
    taesd.dispose();
    return { picture, result: { workers, reason, hash: hash(picture.data) } };
  };`;

const ROOT = new URL('../../', import.meta.url);
const DOCUMENT = readFileSync(new URL('docs/cdn.md', ROOT), 'utf8');
const README = readFileSync(new URL('README.md', ROOT), 'utf8');
const { version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
/** The address in the documents, with this version. */
const PINNED = `https://cdn.jsdelivr.net/npm/taesd-wasm@${version}/dist/`;

let cdn: OtherOrigin;
/** The hashes of the picture and of its PNG, as this process makes them. */
let wanted: { picture: number; png: number };

beforeAll(async () => {
  cdn = await serveDist();
  const taesd = await Taesd.load({ model: 'nano', workers: 0 });
  const picture = await taesd.decode(evaluate(LATENTS));
  wanted = { picture: hashOf(picture.data), png: hashOf(encodePng(picture, TEXTS)) };
  taesd.dispose();
});
afterAll(() => cdn.close());
beforeEach(() => {
  cdn.requests();
});

test('README and docs/cdn.md → addresses of this version alone', () => {
  for (const text of [DOCUMENT, README]) {
    const addresses = text.match(/https:\/\/(?:cdn\.jsdelivr\.net\/npm|unpkg\.com)\/[^\s'`]*/g);
    expect(addresses?.length).toBeGreaterThan(0);
    for (const address of addresses ?? [])
      expect(address).toContain(`/taesd-wasm@${version}/dist/`);
  }
});

const PROGRAMS: Readonly<Record<BrowserName, string | undefined>> = { chromium, firefox };

for (const browser of ['chromium', 'firefox'] as const) {
  if (PROGRAMS[browser] === undefined) {
    console.warn(`skipping tests of the package by address: no ${browser} here`);
  }

  describe.skipIf(PROGRAMS[browser] === undefined)(`the package by address [${browser}]`, () => {
    test('both files from another origin → one request each, 2 workers, the bytes of the npm package', async () => {
      const found = await runOnPage(
        `${DECODE}
        const { nano } = await import('${cdn.url}nano.js');
        const min = await import('${cdn.url}taesd.min.js');
        const all = await import('${cdn.url}taesd.all.min.js');
        const { picture, result } = await decode(all, nano);
        const png = all.encodePng(picture, ${JSON.stringify(TEXTS)});
        const again = all.decodePng(png);
        return {
          min: (await decode(min, nano)).result,
          all: result,
          png: hash(png),
          again: [again.width, again.height, hash(again.data)],
        };`,
        { browser },
      );
      const decoded = { workers: 2, reason: 'none', hash: wanted.picture };
      const again = [192, 320, wanted.picture];
      expect(found).toEqual({ min: decoded, all: decoded, png: wanted.png, again });
      expect(cdn.requests()).toEqual(['nano.js', 'taesd.min.js', 'taesd.all.min.js']);
    });

    test('single modules from another origin; a classic script → 2 workers', async () => {
      const found = await runOnPage(
        `${DECODE}
        const { nano } = await import('${cdn.url}nano.js');
        const script = document.createElement('script');
        script.textContent = "globalThis.loaded = import('${cdn.url}taesd.min.js')";
        document.head.append(script);
        return {
          modules: (await decode(await import('${cdn.url}index.js'), nano)).result,
          classic: (await decode(await globalThis.loaded, nano)).result,
        };`,
        { browser },
      );
      const decoded = { workers: 2, reason: 'none', hash: wanted.picture };
      expect(found).toEqual({ modules: decoded, classic: decoded });
    });

    test('a policy without blob: → one thread, the reason in info', async () => {
      const { origin } = new URL(cdn.url);
      const found = await runOnPage(
        `${DECODE}
        const { nano } = await import('${cdn.url}nano.js');
        return {
          file: (await decode(await import('${cdn.url}taesd.min.js'), nano)).result,
          modules: (await decode(await import('${cdn.url}index.js'), nano)).result,
        };`,
        {
          browser,
          policy: `default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' ${origin}; connect-src 'self' ${origin}`,
        },
      );
      const reason = expect.stringContaining('has to allow worker-src blob:');
      const decoded = { workers: 0, reason, hash: wanted.picture };
      expect(found).toEqual({ file: decoded, modules: decoded });
    });

    test('the file on the page’s own origin, a policy without blob: → 2 workers', async () => {
      const found = await runOnPage(
        `${DECODE}
        const { nano } = await import('/dist/nano.js');
        return (await decode(await import('/dist/taesd.min.js'), nano)).result;`,
        {
          browser,
          policy: `default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'`,
        },
      );
      expect(found).toEqual({ workers: 2, reason: 'none', hash: wanted.picture });
    });

    test('the example of docs/cdn.md → the decoded picture as a PNG', async () => {
      const example = documentedCode('docs/cdn.md', 'html', 'index.html');
      const [, html, code] = /^(.*)<script type="module">(.*)<\/script>/s.exec(
        example.replaceAll(PINNED, cdn.url),
      ) as RegExpExecArray;
      const found = await runOnPage(
        `
        document.body.innerHTML = ${JSON.stringify(html)};
        const script = document.createElement('script');
        script.type = 'module';
        script.textContent = ${JSON.stringify(code)};
        const shown = new Promise((resolve) => { after.onload = resolve; });
        document.body.append(script);
        await shown;
        return [after.naturalWidth, after.naturalHeight];`,
        { browser },
      );
      expect(found).toEqual([256, 192]);
      expect(cdn.requests().sort()).toEqual(['nano.js', 'taesd.all.min.js']);
    });

    test('README’s page → the picture of a file of ComfyUI, as in this process', async () => {
      const example = documentedCode('README.md', 'html');
      const [, html, code] = /^(.*)<script type="module">(.*)<\/script>/s.exec(
        example.replaceAll(PINNED, cdn.url),
      ) as RegExpExecArray;
      const bytes = comfyByHand(seededNumbers('F32', [1, 4, 6, 10], 2));
      const found = await runOnPage(
        `
        document.body.innerHTML = ${JSON.stringify(html)};
        const script = document.createElement('script');
        script.type = 'module';
        script.textContent = ${JSON.stringify(code)};
        document.body.append(script);
        while (canvas.width !== 80) await new Promise((done) => setTimeout(done, 50));
        const pixels = () => canvas.getContext('2d').getImageData(0, 0, 80, 48).data;
        while (pixels()[3] === 0) await new Promise((done) => setTimeout(done, 50));
        return [canvas.height, (${HASH})(pixels())];`,
        {
          browser,
          served: (path) =>
            path === '/picture.latent' ? { type: 'application/octet-stream', bytes } : undefined,
        },
      );
      const taesd = await Taesd.load({ model: 'nano', workers: 0 });
      const { data } = await taesd.decode(await readLatents(bytes));
      taesd.dispose();
      expect(found).toEqual([48, hashOf(data)]);
    });

    // A busy machine may lose its software adapter; then WASM takes over.
    const title = 'taesd.all.min.js from another origin, a canvas → the picture on WebGPU';
    test(title, { retry: 3 }, async ({ skip }) => {
      const found = await runOnPage(
        `
        const { nano } = await import('${cdn.url}nano.js');
        const { Taesd } = await import('${cdn.url}taesd.all.min.js');
        const taesd = await Taesd.load({ ...nano(), backend: 'webgpu' });
        const canvas = document.createElement('canvas');
        await taesd.decodeToCanvas(${LATENTS}, canvas);
        const { backend, backendReason } = taesd.info;
        return { backend, backendReason, size: [canvas.width, canvas.height] };`,
        { browser, webgpu: true },
      );
      const { backendReason } = found as { backendReason?: string };
      const lacks = /no WebGPU (?:adapter|device).*/.exec(backendReason ?? '')?.[0];
      if (lacks !== undefined && !process.env.CI) skip(lacks);
      expect(found).toEqual({
        backend: 'webgpu',
        backendReason: expect.anything(),
        size: [192, 320],
      });
      expect(cdn.requests()).toEqual(['nano.js', 'taesd.all.min.js']);
    });

    test('taesd.all.min.js in a module service worker → decodes', async () => {
      const found = await runOnPage(askServiceWorker('/sw.js'), {
        browser,
        files: {
          '/sw.js': `${DECODE}
              import * as all from '/dist/taesd.all.min.js';
              import { nano } from '/dist/nano.js';
              addEventListener('message', ({ ports: [port] }) => {
                decode(all, nano).then(({ result }) => port.postMessage(result), (error) => port.postMessage(String(error)));
              });`,
        },
      });
      const reason = expect.stringContaining('expected a runtime with workers');
      expect(found).toEqual({ workers: 0, reason, hash: wanted.picture });
    });
  });
}
