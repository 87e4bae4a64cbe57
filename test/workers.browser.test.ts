import { describe, expect, test } from 'vitest';
import { Taesd } from '../src/taesd.ts';
import { chromium, runOnPage } from './page.ts';

/*
 * Workers in a real browser, without cross-origin isolation, against this process.
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
