import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { documentedCode } from '../docs/blocks.mjs';
import { type BrowserName, chromium, EXTENSION_ID, firefox, runOnPage } from '../page.ts';
import { type Came, CORE, PARTS, WORK } from './background-code.ts';

/*
 * Service workers and module workers in real browsers. A service worker has no `import()`.
 */

const BROWSERS: readonly [BrowserName, string | undefined][] = [
  ['chromium', chromium],
  ['firefox', firefox],
];

/** The package by the addresses of its modules. */
const BY_ADDRESS = `
import { Taesd } from '/dist/index.js';
import { nano } from '/dist/nano.js';
${WORK}
const results = () => work({ Taesd, given: nano() });
`;

/** The package in a bundle of one file, as for the background of an extension. */
let bundled = '';
beforeAll(async () => {
  const contents = `
    import { Taesd } from './dist/index.js';
    import { kernels } from './dist/kernels.js';
    import { nano } from './dist/nano.js';
    import { decodePng, encodePng } from './dist/png/index.js';
    ${WORK}
    export const results = async () => {
      const given = { ...nano(), wasm: kernels() };
      const { width, height, data } = decodePng(encodePng(image));
      const png = { value: [width, height, data[0]] };
      return { ...(await work({ Taesd, given })), png };
    };`;
  const resolveDir = fileURLToPath(new URL('../../', import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents, resolveDir },
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'error',
  });
  bundled = outputFiles[0].text.replace(/export \{[^}]*\};?\s*$/, '');
});

/** Answers the first message with the results. */
const ANSWER = `
self.addEventListener('message', (event) => {
  const answering = results().then(
    (value) => (event.source ?? self).postMessage(value),
    (error) => (event.source ?? self).postMessage(String(error)),
  );
  event.waitUntil?.(answering);
});
self.addEventListener('install', () => self.skipWaiting());
`;

type Results = Readonly<Record<string, Came>>;

/** Runs code in a service worker of a page. */
const inServiceWorker = (browser: BrowserName, code: string) =>
  runOnPage(
    `
    const answer = new Promise((resolve) => {
      navigator.serviceWorker.onmessage = ({ data }) => resolve(data);
    });
    const registration = await navigator.serviceWorker.register('/code.js', { type: 'module' });
    const worker = registration.installing ?? registration.active;
    await new Promise((resolve) => {
      const look = () => worker.state === 'activated' && resolve();
      worker.onstatechange = look;
      look();
    });
    worker.postMessage('go');
    return answer;`,
    { browser, files: { '/code.js': code + ANSWER } },
  ) as Promise<Results>;

/** Files in place of these, of which each imports one that is not there. */
const withoutFiles = (paths: readonly string[]) =>
  Object.fromEntries(paths.map((path) => [path, "import './absent.js';"]));

/** Runs code in a module worker of a page. @param absent  the files that cannot be loaded */
const inModuleWorker = (browser: BrowserName, code: string, absent: readonly string[] = []) =>
  runOnPage(
    `
    const worker = new Worker('/code.js', { type: 'module' });
    const answer = new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
    worker.postMessage('go');
    return answer;`,
    { browser, files: { '/code.js': code + ANSWER, ...withoutFiles(absent) } },
  ) as Promise<Results>;

const ONE_FILE =
  'one file loads nothing later: import taesd-wasm from dist/taesd.all.min.js, or bundle your code into one file';
const GIVEN = 'Taesd.load(nano()) with nano from taesd-wasm/nano, or the option weights with bytes';

/** The error of a call without `import()`. */
const noPart = (call: string, remedy = ONE_FILE): Came => ({
  name: 'TaesdError',
  code: 'UNSUPPORTED',
  message: expect.stringMatching(
    new RegExp(
      `^${call}: "import\\(\\)" expected to load a part of taesd-wasm, got .*import.* \\(${remedy.replace(/[()]/g, '\\$&')}\\)$`,
      'i',
    ),
  ),
});

/** The outcome of a request for workers. */
const NO_WORKERS: Came = { value: '"Worker" expected a runtime with workers, got none' };

/** The manifest's part that docs/hosts.md shows. */
const POLICY = JSON.parse(`{${documentedCode('docs/hosts.md', 'json')}}`);

/** The background of an extension: a service worker in Chromium, a page in Firefox. */
const BACKGROUNDS = {
  chromium: {
    manifest_version: 3,
    background: { service_worker: 'background.js', type: 'module' },
    ...POLICY,
  },
  firefox: {
    manifest_version: 2,
    background: { page: 'background.html' },
    content_security_policy: POLICY.content_security_policy.extension_pages,
    browser_specific_settings: { gecko: { id: EXTENSION_ID } },
  },
} as const;

/** An extension whose content script asks its background for the results. */
const extension = (browser: BrowserName, background: string) => ({
  'manifest.json': JSON.stringify({
    name: 'results',
    version: '1',
    content_scripts: [{ matches: ['http://127.0.0.1/*'], js: ['content.js'] }],
    ...BACKGROUNDS[browser],
  }),
  'content.js': `
    addEventListener('message', ({ data }) => {
      if (data !== 'go') return;
      chrome.runtime.sendMessage('go', (answer) => postMessage({ answer }, '*'));
    });
    document.documentElement.dataset.isThere = 'yes';`,
  'background.html': '<!doctype html><script type="module" src="background.js"></script>',
  'background.js': `${background}
    chrome.runtime.onMessage.addListener((message, sender, answer) => {
      results().then(answer, (error) => answer(String(error)));
      return true;
    });`,
});

/** Runs code in the background of an extension. */
const inExtension = (browser: BrowserName, code: string) =>
  runOnPage(
    `
    const answer = new Promise((resolve) => {
      addEventListener('message', ({ data }) => data.answer !== undefined && resolve(data.answer));
    });
    while (document.documentElement.dataset.isThere === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    postMessage('go');
    return answer;`,
    { browser, extension: extension(browser, code) },
  ) as Promise<Results>;

for (const [browser, program] of BROWSERS) {
  if (program === undefined) console.warn(`skipping tests of workers: no ${browser} here`);

  describe.skipIf(program === undefined)(`service worker [${browser}]`, () => {
    test('modules by address: load(nano()), decode, encode → work; the rest → UNSUPPORTED with the remedy', async () => {
      const search = noPart('Taesd.load', `${GIVEN}; ${ONE_FILE}`);
      expect(await inServiceWorker(browser, BY_ADDRESS)).toEqual({
        ...CORE,
        load: search,
        nano: search,
        download: search,
        weights: search,
        reference: noPart('Taesd.load'),
        webgpu: noPart('Taesd.load'),
        workers: NO_WORKERS,
        vae: noPart('decode'),
        maxSize: noPart('encode'),
        range: noPart('encode'),
        blob: noPart('encode'),
        steps: noPart('steps'),
        canvas: noPart('decodeToCanvas'),
      });
    });

    test('one bundle: every call and PNG → work; weights that are nowhere → errors that say so', async () => {
      const results = await inServiceWorker(browser, bundled);
      const { load, nano, download, weights, ...rest } = results;
      expect(rest).toEqual({
        ...CORE,
        ...PARTS,
        webgpu: { value: 'wasm' },
        workers: NO_WORKERS,
        png: { value: [16, 16, 128] },
      });
      for (const { name, code, message } of [load, nano]) {
        expect([name, code]).toEqual(['TaesdError', 'ARG']);
        expect(message).toContain('Taesd.load(nano()) with nano from taesd-wasm/nano');
      }
      expect(download).toMatchObject({ name: 'TaesdError', code: 'NETWORK' });
      expect(weights).toMatchObject({ name: 'TaesdError', code: 'ARG' });
    });
  });

  describe.skipIf(program === undefined)(`background of an extension [${browser}]`, () => {
    test('one bundle: every call and PNG → work', async () => {
      const results = await inExtension(browser, bundled);
      const { load, nano, download, weights, workers, ...rest } = results;
      expect(rest).toEqual({
        ...CORE,
        ...PARTS,
        webgpu: { value: 'wasm' },
        png: { value: [16, 16, 128] },
      });
      for (const { name } of [load, nano, download, weights]) expect(name).toBe('TaesdError');
      if (browser === 'chromium') expect(workers).toEqual(NO_WORKERS);
      else expect(workers.value).toMatch(/^a worker could not start/);
    });
  });

  describe.skipIf(program === undefined)(`module worker [${browser}]`, () => {
    test('a server that does not send a part → NETWORK, and the instance works on', async () => {
      const part = '/dist/picture/scale.js';
      const code = `
        import { Taesd } from '/dist/index.js';
        ${WORK}
        const results = async () => {
          const taesd = await Taesd.load({ model: 'nano' });
          const maxSize = await came(() => taesd.encode(image, { maxSize: 8 }));
          const { width } = await taesd.decode(latents(2));
          return { maxSize, width };
        };`;
      const { maxSize, ...rest } = await inModuleWorker(browser, code, [part]);
      expect(maxSize).toMatchObject({ name: 'TaesdError', code: 'NETWORK' });
      expect(maxSize.message).toMatch(
        /^encode: "import\(\)" expected a part of taesd-wasm, got .+ \(no network, or a new version on the server\? load the page again\)$/,
      );
      expect(rest).toEqual({ width: 16 });
    });

    test('one bundle: every call and PNG → work', async () => {
      const results = await inModuleWorker(browser, bundled);
      expect(results).toMatchObject({ ...CORE, ...PARTS, png: { value: [16, 16, 128] } });
    });

    test('modules by address: every call → works, with workers of its own', async () => {
      const { download, weights, ...rest } = await inModuleWorker(browser, BY_ADDRESS);
      expect(rest).toEqual({
        ...CORE,
        ...PARTS,
        load: { value: 'nano' },
        nano: { value: 'nano' },
        webgpu: { value: 'wasm' },
        workers: { value: 'started' },
      });
      expect(download).toMatchObject({ name: 'TaesdError', code: 'NETWORK' });
      expect(weights).toMatchObject({ name: 'TaesdError', code: 'ARG' });
    });
  });
}
