import { describe, expect, test } from 'vitest';
import { chromium, type PageOptions, runOnPage } from '../page.ts';
import { sharedFile, testShared } from '../shared.ts';
import { manifestOf, noiseFiles } from './small-manifest.ts';

/*
 * The store in the Cache API of a real browser.
 */

const FILES = noiseFiles();
const NOISE: PageOptions = {
  weights: (name) => FILES[name.includes('encoder') ? 'encoder' : 'decoder'],
};
const NAME = 'taesd_encoder.safetensors';

/** The beginning of each page's script. */
const HEAD = `
  const { VARIANTS, Taesd } = await import('/dist/index.js');
  const { pullModel } = await import('/dist/weights/pull.js');
  const { readCached } = await import('/dist/weights/read-cached.js');
  const { openStore } = await import('/dist/weights/open-store.js');
  const caught = (work) => work.then(() => 'no error', ({ code, message }) => ({ code, message }));
  const keptUrls = async () =>
    (await (await caches.open('taesd-wasm')).keys()).map(({ url }) => url);
  const from = new URL('/weights/', location.href);
  const manifest = ${JSON.stringify(manifestOf(FILES, []))};
  const pull = (more) => pullModel(VARIANTS.taesd, ['encoder'], { manifest, from, ...more });
`;

const HINT =
  "the option download: true fetches them, the option weights gives them, model: 'nano' needs none";
const NAMES = 'taesd_encoder.safetensors and taesd_decoder.safetensors';
const notFound = (place: string) => ({
  code: 'ARG',
  message: `Taesd.load: "weights of taesd" expected ${NAMES}, got none in ${place} (neither) (${HINT})`,
});

if (chromium === undefined) console.warn('skipping tests of the Cache API: no Chromium here');

describe.skipIf(chromium === undefined)('CacheStore [Chromium]', () => {
  test('load: nothing there → ARG naming the cache, which stays empty', async () => {
    const code = `${HEAD}
      const error = await caught(Taesd.load({ model: 'taesd' }));
      return { error, kept: await keptUrls() };`;
    expect(await runOnPage(code)).toEqual({
      error: notFound('cache taesd-wasm of this site'),
      kept: [],
    });
  });

  test('pullModel: → in the cache; again → there; another file there → broken, then mended', async () => {
    const code = `${HEAD}
      const store = await openStore();
      const seen = [];
      const states = [];
      const pulled = async (more) => states.push(...(await pull(more)).map(({ before }) => before));
      await pulled({ onDownload: (progress) => seen.push(progress) });
      await pulled();
      const cache = await caches.open('taesd-wasm');
      const [key] = await cache.keys();
      await cache.put(key, new Response('x'));
      const [{ files: [kept] }] = await readCached(manifest, store, VARIANTS.taesd, ['encoder']);
      states.push(kept.state);
      await pulled();
      const read = async (maxBytes) => {
        const { otherKind, size, bytes } = await store.read('${NAME}', maxBytes);
        return [otherKind ?? 'a file', size, bytes?.length ?? 'unread'];
      };
      const reads = [await read(2 ** 26), await read(9)];
      return { location: store.location, path: store.pathOf('${NAME}'), states, last: seen.at(-1), key: key.url, reads };`;
    expect(await runOnPage(code, NOISE)).toEqual({
      location: 'cache taesd-wasm of this site',
      path: `taesd-wasm/${NAME}`,
      states: ['missing', 'whole', 'broken', 'broken'],
      last: { file: NAME, done: FILES.encoder.length, total: FILES.encoder.length },
      key: `https://taesd-wasm.invalid/${NAME}`,
      reads: [
        ['a file', FILES.encoder.length, FILES.encoder.length],
        ['a file', FILES.encoder.length, 'unread'],
      ],
    });
  });

  test('pullModel: another file, no file → errors, and the cache holds nothing', async () => {
    const code = `${HEAD}
      const errors = [await caught(pull({ from: new URL('/nowhere/', location.href) }))];
      manifest.models.taesd[0].encoder.sha256 = 'no hash';
      errors.push(await caught(pull()));
      const store = await openStore();
      const isThere = (await store.read('${NAME}', 2 ** 26)) !== undefined;
      return { codes: errors.map(({ code }) => code), isThere, kept: await keptUrls() };`;
    const result = { codes: ['NETWORK', 'INTEGRITY'], isThere: false, kept: [] };
    expect(await runOnPage(code, NOISE)).toEqual(result);
  });

  test('a full quota: pullModel → ARG that says so; a lenient store → the bytes, and a note', async () => {
    const code = `${HEAD}
      Cache.prototype.put = () => Promise.reject(new DOMException('no', 'QuotaExceededError'));
      const { openLenientStore } = await import('/dist/weights/lenient-store.js');
      const store = await openLenientStore();
      const [{ bytes }] = await pull({ store });
      return [await caught(pull()), bytes.length, store.note, await keptUrls()];`;
    const full = 'a full disk: the quota of this site is used up';
    expect(await runOnPage(code, NOISE)).toEqual([
      {
        code: 'ARG',
        message: `"taesd-wasm/${NAME}" expected room for ${FILES.encoder.length} bytes, got ${full} (the option weights needs none)`,
      },
      FILES.encoder.length,
      `the download is not kept: cache taesd-wasm of this site cannot be written: ${full}`,
      [],
    ]);
  });

  test('an insecure page: load → ARG saying that there is no Cache API; pullModel → UNSUPPORTED', async () => {
    const code = `${HEAD}
      return [isSecureContext, await caught(Taesd.load({ model: 'taesd' })), await caught(pull())];`;
    expect(await runOnPage(code, { ...NOISE, insecure: true })).toEqual([
      false,
      notFound('cache taesd-wasm of this site (there is no Cache API here)'),
      {
        code: 'UNSUPPORTED',
        message:
          '"caches" expected the Cache API, to keep what is downloaded, got none (a page that came by HTTPS has it; or give the option weights)',
      },
    ]);
  });

  testShared(
    'Taesd.load: the real weights, pulled before → from the cache, and it decodes',
    async () => {
      const code = `${HEAD}
      await pullModel(VARIANTS.taesd, ['decoder'], { from });
      const taesd = await Taesd.load({ only: 'decoder', workers: 0 });
      const data = new Float32Array(4);
      const { width, height } = await taesd.decode({ shape: [1, 4, 1, 1], data });
      return { weights: taesd.info.weights, width, height };`;
      const weights = (name: string) => sharedFile(`weights/${name}`);
      expect(await runOnPage(code, { weights })).toEqual({
        weights: 'cache taesd-wasm of this site',
        width: 8,
        height: 8,
      });
    },
  );
});
