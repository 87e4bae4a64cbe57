import { describe, expect, test } from 'vitest';
import { Taesd } from '../src/taesd.ts';
import { type BrowserName, chromium, firefox, runOnPage } from './page.ts';

/*
 * Relaxed multiply-adds in real browsers, against f32 in this process.
 */

const LATENTS = `{
  shape: [1, 4, 40, 24],
  data: Float32Array.from({ length: 4 * 40 * 24 }, (_, i) => 2 * Math.sin(i / 7)),
}`;
const evaluate = <Value>(code: string): Value => new Function(`return ${code}`)();

/** Decodes on this thread and on two workers. */
const DECODE = `
  const { Taesd } = await import('/dist/index.js');
  const decode = async (workers) => {
    const taesd = await Taesd.load({ model: 'nano', precision: 'relaxed', workers });
    const { data } = await taesd.decode(${LATENTS}, { output: 'tensor' });
    const { precision, workers: running, workersReason: reason = 'none' } = taesd.info;
    taesd.dispose();
    return { data, precision, running, reason };
  };`;

for (const [browser, program] of [
  ['chromium', chromium],
  ['firefox', firefox],
] as const) {
  if (program === undefined) console.warn(`skipping tests of relaxed SIMD: no ${browser} here`);
  const run = (code: string, files: Readonly<Record<string, string>> = {}) =>
    runOnPage(code, { browser: browser as BrowserName, files });

  describe.skipIf(program === undefined)(`relaxed [${browser}]`, () => {
    test('decode [this thread, 2 workers] → equal bits, within 1e-4 of f32 in this process', async () => {
      const code = `${DECODE}
        const [alone, together] = [await decode(0), await decode(2)];
        const { data, ...found } = together;
        const same = data.every((value, i) => value === alone.data[i]);
        return { ...found, same, data: [...data] };`;
      const { data, ...found } = (await run(code)) as { data: number[] };
      expect(found).toEqual({ precision: 'relaxed', running: 2, reason: 'none', same: true });
      const taesd = await Taesd.load({ model: 'nano', workers: 0 });
      const f32 = (await taesd.decode(evaluate(LATENTS), { output: 'tensor' })).data;
      expect(data.length).toBe(f32.length);
      expect(f32.reduce((most, x, i) => Math.max(most, Math.abs(x - data[i])), 0)).toBeLessThan(
        1e-4,
      );
    });

    test('load: a web page in place of taesd.relaxed.wasm → FORMAT; f32 does not request it', async () => {
      const code = `${DECODE}
        (await Taesd.load({ model: 'nano', workers: 0 })).dispose();
        const requested = performance.getEntriesByType('resource').map((entry) => entry.name);
        const message = await decode(0).then(() => 'none', ({ code, message }) => code + ' ' + message);
        return { asked: requested.filter((address) => address.includes('relaxed')), message };`;
      const files = { '/dist/taesd.relaxed.wasm': '<!doctype html>' };
      expect(await run(code, files)).toEqual({
        asked: [],
        message:
          'FORMAT Taesd.load: "taesd.relaxed.wasm" expected the kernels, got other bytes (does the server or bundler serve this file?)',
      });
    });
  });
}
