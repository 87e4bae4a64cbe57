import { describe, expect, test } from 'vitest';
import type { Half } from '../src/model/layers.ts';
import { Taesd } from '../src/taesd.ts';
import { type BrowserName, chromium, firefox, runOnPage } from './page.ts';
import { randomWeights } from './small-model.ts';

/*
 * Workers in real browsers, without cross-origin isolation, against this process.
 */

if (chromium === undefined) console.warn('skipping tests of workers on a page: no Chromium here');

const LATENTS = `{
  shape: [1, 4, 40, 24],
  data: Float32Array.from({ length: 4 * 40 * 24 }, (_, i) => 2 * Math.sin(i / 7)),
}`;
const HASH = '(picture) => picture.data.reduce((a, b) => (Math.imul(a, 31) + b) | 0, 7)';

const evaluate = <Value>(code: string): Value => new Function(`return ${code}`)();

describe.skipIf(chromium === undefined)('workers [Chromium]', () => {
  for (const precision of ['f32', 'fast'] as const) {
    test(`decode [2 workers, Chromium]: nano, ${precision} → the bits of one thread of this process; aborted → ABORTED`, async () => {
      const taesd = await Taesd.load({ model: 'nano', precision, workers: 0 });
      const picture = await taesd.decode(evaluate(LATENTS));
      const wanted = evaluate<(value: typeof picture) => number>(HASH)(picture);
      const code = `
        const { Taesd } = await import('/dist/index.js');
        const taesd = await Taesd.load({ model: 'nano', precision: '${precision}', workers: 2 });
        const hash = ${HASH};
        const latents = ${LATENTS};
        const found = { isolated: crossOriginIsolated, workers: taesd.info.workers };
        found.reason = taesd.info.workersReason ?? 'none';
        found.hash = hash(await taesd.decode(latents));
        const signal = AbortSignal.timeout(1);
        found.code = await taesd.decode({ shape: [1, 4, 256, 256], data: new Float32Array(4 * 256 ** 2) }, { signal })
          .then(() => 'none', ({ code }) => code);
        found.again = hash(await taesd.decode(latents));
        return found;`;
      expect(await runOnPage(code)).toEqual({
        isolated: false,
        workers: 2,
        reason: 'none',
        hash: wanted,
        code: 'ABORTED',
        again: wanted,
      });
    });
  }
});

/** Models with wide layers, with alpha, and of videos; the channels and size of their latents. */
const WIDE = [
  ['taesana', 3, 32, 2, 3],
  ['taeqi2_1', 4, 64, 3, 5],
  ['taew2_1', 3, 16, 5, 6],
] as const;

/** The numbers of workers, by precision. Tests in Node take 0 to 4. */
const RUNS = [
  ['f32', [0, 3]],
  ['fast', [2]],
] as const;

const BROWSERS: readonly (readonly [BrowserName, string | undefined])[] = [
  ['chromium', chromium],
  ['firefox', firefox],
];

for (const [browser, program] of BROWSERS) {
  describe.skipIf(program === undefined)(`workers [${browser}], wide models`, () => {
    for (const [model, pictureChannels, channels, height, width] of WIDE) {
      test(`decode, encode: ${model}, f32 and fast, 0, 2 and 3 workers → the bytes of one thread of this process`, async () => {
        const halves = ['decoder', 'encoder'] as const;
        const files = new Map(halves.map((half) => [half, randomWeights(model, half)]));
        // Runs in both places, so it names nothing from outside.
        const run = async (taesd: Taesd, half: Half, shape: number[]) => {
          const count = shape.reduce((a, b) => a * b, 1);
          const numbers = Float32Array.from({ length: count }, (_, i) => Math.sin(i * i + i / 7));
          const x = { shape, data: half === 'decoder' ? numbers : numbers.map((v) => v / 2 + 0.5) };
          const { data } = await (half === 'decoder'
            ? taesd.decode(x, { output: 'tensor' })
            : taesd.encode(x));
          const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
          return [bytes.length, bytes.reduce((a, b) => (Math.imul(a, 31) + b) | 0, 7)];
        };
        const shapes = {
          decoder: [1, channels, height, width],
          encoder: [1, pictureChannels, 70, 50],
        };
        const wanted: unknown[] = [];
        for (const half of halves) {
          for (const [precision, counts] of RUNS) {
            const weights = { [half]: files.get(half) };
            const taesd = await Taesd.load({ model, weights, only: half, precision, workers: 0 });
            const result = await run(taesd, half, shapes[half]);
            taesd.dispose();
            for (const count of counts) wanted.push([half, precision, count, ...result]);
          }
        }
        const code = `
          const { Taesd } = await import('/dist/index.js');
          const run = ${run};
          const shapes = ${JSON.stringify(shapes)};
          const found = [];
          for (const half of ['decoder', 'encoder']) {
            const file = await (await fetch('/weights/' + half)).arrayBuffer();
            const options = { model: '${model}', weights: { [half]: new Uint8Array(file) }, only: half };
            for (const [precision, counts] of ${JSON.stringify(RUNS)}) {
              for (const workers of counts) {
                const taesd = await Taesd.load({ ...options, precision, workers });
                const { info } = taesd;
                const result = await run(taesd, half, shapes[half]);
                found.push([half, info.precision, info.workers, ...result]);
                taesd.dispose();
              }
            }
          }
          return found;`;
        const weights = (name: string) => files.get(name as Half);
        expect(await runOnPage(code, { browser, weights })).toEqual(wanted);
      });
    }
  });
}
