import { setFlagsFromString } from 'node:v8';
import { afterAll, expect, test } from 'vitest';
import { hasRelaxed } from '../src/backend/wasm/relaxed.ts';
import { Taesd } from '../src/taesd.ts';
import { expectClose } from './compare.ts';
import { readGolden, seededWeights, unitRange } from './golden.ts';
import { BOUND, TRIPS } from './golden-trips.ts';
import { testShared } from './shared.ts';

/*
 * Relaxed multiply-adds against the tensors of PyTorch. The last bits depend on the processor, so
 * only the bound is tested.
 */

// Node 20 has them behind a flag. This file has a process of its own.
if (!hasRelaxed()) setFlagsFromString('--experimental-wasm-relaxed-simd');
const why = hasRelaxed() ? undefined : 'this runtime has no relaxed SIMD';

/**
 * The encoder of taesdxl amplifies every rounding: of its golden picture with noise of 1e-7, or
 * flipped, f32 is up to 1.7e-4 from the reference backend, and relaxed up to 1.3e-4.
 */
const latentsBound = (model: string): number => (model === 'taesdxl' ? 2 * BOUND : BOUND);

const measured: string[] = [];
afterAll(() => {
  if (measured.length > 0)
    console.log(`relaxed: largest differences to PyTorch\n${measured.join('\n')}`);
});

for (const { file, model } of TRIPS) {
  const bound = latentsBound(model);
  const name = `Taesd [wasm, relaxed]: ${file} → latents max |Δ| < ${bound}, decoded < ${BOUND}`;
  if (why !== undefined) {
    test(name, ({ skip }) => skip(why));
    continue;
  }
  testShared(name, async () => {
    const golden = readGolden(file);
    const weights = await seededWeights(model);
    const taesd = await Taesd.load({ model, weights, precision: 'relaxed' });
    const encoded = await taesd.encode(unitRange(golden('image')));
    const latents = expectClose(encoded, golden('latents'), bound);
    const decoded = await taesd.decode(golden('latents'), { output: 'tensor' });
    const off = expectClose(decoded, golden('decoded'), BOUND);
    measured.push(
      `  ${file.padEnd(40)} latents ${latents.toExponential(1)}   decoded ${off.toExponential(1)}`,
    );
    expect(taesd.info.precision).toBe('relaxed');
    taesd.dispose();
  });
}

test.skipIf(why !== undefined)(
  'decode, decodeRows [relaxed; workers, a first row] → the bits of one thread and the whole picture',
  async () => {
    const latents = {
      shape: [1, 4, 61, 37],
      data: Float32Array.from({ length: 4 * 61 * 37 }, (_, i) => 2 * Math.sin(i / 7)),
    };
    const load = (workers: number) => Taesd.load({ model: 'nano', precision: 'relaxed', workers });
    const [alone, together] = [await load(0), await load(3)];
    const { data } = await alone.decode(latents);
    expect((await together.decode(latents)).data).toEqual(data);
    for await (const { y, data: rows } of alone.decodeRows(latents, { firstRow: 200 })) {
      const start = y * 8 * 37 * 4;
      expect(rows).toEqual(data.subarray(start, start + rows.length));
    }
    alone.dispose();
    together.dispose();
  },
);
