import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import type { TaesdError } from '../../src/errors.ts';
import * as formats from '../../src/formats/index.ts';
import * as core from '../../src/index.ts';
import { readKernelText, writeKernelText } from '../../src/one-file/kernel-text.ts';
import * as picture from '../../src/picture/index.ts';
import * as png from '../../src/png/index.ts';
import * as preview from '../../src/preview/index.ts';
import { seededRandom } from '../random.ts';

/*
 * taesd.min.js and taesd.all.min.js, as the build makes them, against the package's entries.
 */

const DIST = new URL('../../dist/', import.meta.url);
const load = (name: string) => import(/* @vite-ignore */ new URL(name, DIST).href);

const all: typeof core & typeof formats & typeof picture & typeof png =
  await load('taesd.all.min.js');
const min: typeof core & typeof preview = await load('taesd.min.js');
const { nano } = await load('nano.js');

const LATENTS = {
  shape: [1, 4, 3, 5],
  data: Float32Array.from({ length: 60 }, (_, i) => 2 * Math.sin(i)),
};

/** Returns the code and the message of the TaesdError that a call ends with. */
const refusal = async (call: () => unknown): Promise<string> => {
  try {
    await call();
  } catch (error) {
    const { name, code, message } = error as TaesdError;
    return `${name} ${code} ${message}`;
  }
  return 'nothing was thrown';
};

describe('one file', () => {
  for (const [name, module, entries] of [
    ['taesd.min.js', min, [core, preview]],
    ['taesd.all.min.js', all, [core, preview, formats, picture, png]],
  ] as const) {
    test(`${name} → the exports of the entries it holds, a licence, no import, no source map`, async () => {
      const names = new Set(entries.flatMap((entry) => Object.keys(entry)));
      expect(Object.keys(module).sort()).toEqual([...names].sort());
      const text = readFileSync(new URL(name, DIST), 'utf8');
      const [head] = text.split('\n', 1);
      expect(head).toMatch(/^\/\*! taesd-wasm \d+\.\d+\.\d+ \(MIT\).* \*\/$/);
      expect(text.includes('sourceMappingURL')).toBe(false);
      const options = { bundle: true, write: false, metafile: true, format: 'esm' } as const;
      const entryPoints = [fileURLToPath(new URL(name, DIST))];
      const { metafile } = await build({ ...options, entryPoints });
      expect(Object.values(metafile.inputs).map(({ imports }) => imports)).toEqual([[]]);
    });

    test(`${name}: decode [this thread, 2 workers] → the bytes of the package`, async () => {
      const wanted = await decodeWith(core.Taesd, 0);
      expect(await decodeWith(module.Taesd, 0)).toEqual({ ...wanted, workers: 0 });
      expect(await decodeWith(module.Taesd, 2)).toEqual({ ...wanted, workers: 2 });
    });
  }

  async function decodeWith(of: Pick<typeof core.Taesd, 'load'>, workers: number) {
    const taesd = await of.load({ ...nano(), workers });
    const { data } = await taesd.decode(LATENTS);
    const { workers: running } = taesd.info;
    taesd.dispose();
    return { hash: data.reduce((a, b) => (Math.imul(a, 31) + b) | 0, 7), workers: running };
  }

  for (const [width, height, channels] of [
    [1, 1, 3],
    [3, 2, 4],
    [200, 170, 4],
    [257, 129, 3],
  ]) {
    test(`encodePng ${width}×${height}×${channels} → the bytes of fast-png`, () => {
      const random = seededRandom(5);
      const data = Uint8Array.from({ length: width * height * channels }, () => 9 * random());
      const texts = { Title: 'a lake', Author: 'é'.repeat(300), Empty: '' };
      for (const text of [{}, texts]) {
        const picture = { width, height, data };
        expect(all.encodePng(picture, text)).toEqual(png.encodePng(picture, text));
      }
    });
  }

  test('encodePng with a wrong text → the error of the package', async () => {
    const call = (of: Pick<typeof png, 'encodePng'>) => () =>
      of.encodePng({ width: 1, height: 1, data: new Uint8Array(3) }, { ' a': '' });
    expect(await refusal(call(all))).toBe(await refusal(call(png)));
  });

  test('all bytes as text → the bytes, without control characters', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(readKernelText(writeKernelText(bytes))).toEqual(bytes);
    expect(writeKernelText(bytes)).not.toMatch(/\p{Cc}/u);
  });

  const REFUSED: readonly [string, () => unknown, string][] = [
    [
      'min: no weights',
      () => min.Taesd.load({ model: 'nano' }),
      'Taesd.load: "weights of nano" expected a file of the package with them, got taesd.min.js (import { nano } from \'dist/nano.js\' and call Taesd.load(nano()), or use download: true, which fetches taesd)',
    ],
    [
      'min: WebGPU',
      () => min.Taesd.load({ ...nano(), backend: 'webgpu' }),
      'Taesd.load: "WebGPU" expected a file of the package that has it, got taesd.min.js (import dist/taesd.all.min.js or the npm package instead)',
    ],
    [
      'min: a Blob',
      async () => (await min.Taesd.load(nano())).encode(new Blob(['x'])),
      'encode: "the reader of pictures of browsers" expected a file of the package that has it, got taesd.min.js (import dist/taesd.all.min.js or the npm package instead)',
    ],
    ...(
      [
        ['min', min],
        ['all', all],
      ] as const
    ).map(([name, of]): (typeof REFUSED)[number] => [
      `${name}: precision relaxed`,
      () => of.Taesd.load({ ...nano(), precision: 'relaxed' }),
      `Taesd.load: "precision: 'relaxed'" expected a file of the package that has it, got taesd.${name === 'min' ? '' : 'all.'}min.js (import dist/index.js or the npm package instead)`,
    ]),
    [
      'all: steps',
      async () => (await all.Taesd.load(nano())).steps(LATENTS).next(),
      'steps: "steps" expected a file of the package that has it, got taesd.all.min.js (import dist/index.js or the npm package instead)',
    ],
    [
      'all: a .pth file',
      () => all.Taesd.load({ weights: Uint8Array.of(0x80, 2, 0x7d, 0x2e, 0, 0, 0, 0, 0, 0) }),
      'Taesd.load: "the reader of PyTorch’s files" expected a file of the package that has it, got taesd.all.min.js (import dist/index.js or the npm package instead)',
    ],
    [
      'all: a photograph',
      () => all.decodePicture(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0)),
      'decodePicture: "bytes" expected a PNG file, got JPEG, whose decoder taesd.all.min.js lacks (in a page, encode takes the file as a Blob; the npm package decodes it)',
    ],
  ];
  for (const [title, call, message] of REFUSED) {
    test(`${title} → UNSUPPORTED with the remedy`, async () => {
      expect(await refusal(call)).toBe(`TaesdError UNSUPPORTED ${message}`);
    });
  }
});
