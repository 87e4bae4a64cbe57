import { describe, expect, test } from 'vitest';
import { type BrowserName, chromium, firefox, runOnPage } from '../page.ts';
import { manifestOf, noiseFiles } from '../weights/small-manifest.ts';

/*
 * A frame in a sandbox, whose origin is none: the browser refuses it the Cache API.
 */

const FILES = noiseFiles();
const NAMES = 'taesd_encoder.safetensors and taesd_decoder.safetensors';

/** Runs a module in `<iframe sandbox="allow-scripts">`. HOST is the page's address. */
const inSandbox = (browser: BrowserName, code: string) =>
  runOnPage(
    `
    const answer = new Promise((resolve) => {
      addEventListener('message', ({ data }) => resolve(data));
    });
    const frame = document.createElement('iframe');
    frame.sandbox = 'allow-scripts';
    frame.srcdoc = ${JSON.stringify(`<script type="module">${code}</script>`)}
      .replaceAll('HOST', location.origin);
    document.body.append(frame);
    return answer;`,
    {
      browser,
      shareable: true,
      weights: (name) => FILES[name.includes('encoder') ? 'encoder' : 'decoder'],
    },
  );

const CODE = `
const { Taesd, VARIANTS } = await import('HOST/dist/index.js');
const { loadWeights } = await import('HOST/dist/weights/load.js');
const { pullModel } = await import('HOST/dist/weights/pull.js');
const caught = (work) => work.then(() => 'no error', ({ name, code, message }) => ({ name, code, message }));
const warnings = [];
console.warn = (text) => warnings.push(text);
async function work() {
  const taesd = await Taesd.load();
  const { width } = await taesd.decode({ shape: [1, 4, 2, 2], data: new Float32Array(16) });
  const { model, weightsNote } = taesd.info;
  const workers = (await Taesd.load({ model: 'nano', workers: 2 })).info.workersReason;
  const named = await caught(Taesd.load({ model: 'taesd' }));
  const manifest = ${JSON.stringify(manifestOf(FILES, []))};
  const from = new URL('HOST/weights/');
  const { from: source, note } = await loadWeights(VARIANTS.taesd, ['encoder'], { download: true, manifest, from })
    .catch((error) => ({ from: String(error) }));
  const pulled = await caught(pullModel(VARIANTS.taesd, ['encoder'], { manifest, from }));
  return { origin, width, model, weightsNote, warnings, workers, named, source, note, pulled };
}
parent.postMessage(await work().catch((error) => error + ' ' + error.stack), '*');
`;

for (const [browser, program] of [
  ['chromium', chromium],
  ['firefox', firefox],
] as const) {
  describe.skipIf(program === undefined)(`a frame in a sandbox [${browser}]`, () => {
    test('load → nano; a download → used and not kept; info says both', async () => {
      const result = await inSandbox(browser, CODE);
      console.log(JSON.stringify(result, null, 1));
      expect(result).toEqual({ NAMES });
    });
  });
}
