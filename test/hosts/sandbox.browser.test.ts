import { describe, expect } from 'vitest';
import { type BrowserName, chromium, firefox, runOnPage } from '../page.ts';
import { sharedFile, testShared } from '../shared.ts';

/*
 * A frame in a sandbox, whose origin is none: the browser refuses it the Cache API.
 */

/** Runs a module in `<iframe sandbox="allow-scripts">`. HOST is the page's address. */
const inSandbox = (browser: BrowserName, code: string) =>
  runOnPage(
    `
    const answer = new Promise((resolve) => {
      addEventListener('message', ({ data }) => resolve(data));
    });
    const frame = document.createElement('iframe');
    frame.sandbox = 'allow-scripts';
    frame.srcdoc = ${JSON.stringify(`<script type="module">${code}<_script>`)}
      .replace('<_script>', '<' + '/script>')
      .replaceAll('HOST', location.origin);
    document.body.append(frame);
    return answer;`,
    {
      browser,
      shareable: true,
      weights: (name) => sharedFile(`weights/${name}`),
    },
  );

const CODE = `
const { Taesd, VARIANTS } = await import('HOST/dist/index.js');
const { pullModel } = await import('HOST/dist/weights/pull.js');
const answer = globalThis.fetch;
globalThis.fetch = (url, init) => {
  const { origin, pathname } = new URL(url);
  const name = pathname.split('/').at(-1);
  return answer(origin === 'HOST' ? url : 'HOST/weights/' + name, origin === 'HOST' ? init : {});
};
const caught = (work) => work.then(() => 'no error', ({ name, code, message }) => ({ name, code, message }));
const warnings = [];
console.warn = (text) => warnings.push(text);
const latents = { shape: [1, 4, 2, 2], data: new Float32Array(16) };
async function decoded(options) {
  const taesd = await Taesd.load(options);
  const { width } = await taesd.decode(latents);
  const { model, weights, weightsNote } = taesd.info;
  return { width, model, weights, weightsNote };
}
async function work() {
  return {
    origin,
    first: await decoded(),
    warnings,
    workers: await Taesd.load({ model: 'nano', workers: 2 }).then(
      ({ info: { workers, workersReason = 'none' } }) => [workers, workersReason],
    ),
    named: await caught(Taesd.load({ model: 'taesd' })),
    downloaded: await decoded({ model: 'taesd', download: true }),
    given: await decoded({ model: 'taesd', weights: 'HOST/weights/' }),
    pulled: await caught(pullModel(VARIANTS.taesd, ['encoder'])),
  };
}
parent.postMessage(await work().catch((error) => error + ' ' + error.stack), '*');
`;

const CACHE = 'cache taesd-wasm of this site';
const FIRST = 'https://raw.githubusercontent.com/comfyanonymous/taesd/main';

/** The words of each browser. */
const BROWSERS = [
  {
    browser: 'chromium',
    program: chromium,
    reason:
      "SecurityError: Failed to read the 'caches' property from 'Window': Cache storage is disabled because the context is sandboxed and lacks the 'allow-same-origin' flag",
    workers: [0, 'could not be started from another origin: a sandbox, or '],
  },
  {
    browser: 'firefox',
    program: firefox,
    reason: 'SecurityError: The operation is insecure',
    workers: [2, 'none'],
  },
] as const;

for (const { browser, program, reason, workers } of BROWSERS) {
  if (program === undefined) console.warn(`skipping a test of a sandbox: no ${browser} here`);

  describe.skipIf(program === undefined)(`a frame in a sandbox [${browser}]`, () => {
    testShared('load → nano; a download → the real taesd, not kept; info says both', async () => {
      const unread = `${CACHE} cannot be read: ${reason}`;
      const taesd = { width: 16, model: 'taesd' };
      expect(await inSandbox(browser, CODE)).toEqual({
        origin: 'null',
        first: { width: 16, model: 'nano', weights: 'the package', weightsNote: unread },
        warnings: [expect.stringContaining(`found no weights of taesd (${unread})`)],
        workers: [workers[0], expect.stringContaining(workers[1])],
        named: {
          name: 'TaesdError',
          code: 'ARG',
          message: expect.stringContaining(`got none in ${CACHE} (${reason})`),
        },
        downloaded: {
          ...taesd,
          weights: `fetched from ${FIRST}/taesd_encoder.safetensors and ${FIRST}/taesd_decoder.safetensors`,
          weightsNote: `the download is not kept: ${CACHE} cannot be written: ${reason}`,
        },
        given: { ...taesd, weights: expect.stringMatching(/^http:.+\/weights\/$/) },
        pulled: {
          name: 'TaesdError',
          code: 'ARG',
          message: `"taesd-wasm/taesd_encoder.safetensors" expected a cache that can be read, got ${reason} (the option weights needs none)`,
        },
      });
    });
  });
}
