/*
 * The weights of weights/nano/nano-sdxl_decoder.safetensors. `Taesd.load` does not know their model
 * yet. Its layers are those of `nano`, so `nano` runs them here on the latents of taesdxl.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { decodePng } from '../src/png/index.ts';
import { readSafetensors } from '../src/safetensors/read.ts';
import { Taesd } from '../src/taesd.ts';
import { expand } from '../weights/nano/expand.mjs';
import { realWeights } from './golden.ts';
import { sharedFile, testShared } from './shared.ts';

const FILE = new URL('../weights/nano/nano-sdxl_decoder.safetensors', import.meta.url);

/** Decibels of pictures of bytes, RGBA. Alpha is 255 in both. */
function psnr(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return 10 * Math.log10((255 ** 2 * 0.75 * a.length) / sum);
}

testShared(
  'nano-sdxl: latents of taesdxl, astronaut and chelsea → at least 25.8 dB in the mean',
  async () => {
    const stored = readFileSync(FILE);
    expect(stored.length).toBeLessThan(470_000);
    const bytes = expand(new Uint8Array(stored));
    expect(readSafetensors(bytes).tensors.get('1.weight')?.shape).toEqual([64, 4, 3, 3]);
    const [teacher, nano] = [
      await Taesd.load({ model: 'taesdxl', weights: realWeights('taesdxl'), workers: 0 }),
      await Taesd.load({ model: 'nano', weights: { decoder: bytes }, only: 'decoder', workers: 0 }),
    ];
    const figures: number[] = [];
    for (const name of ['astronaut', 'chelsea']) {
      const original = decodePng(sharedFile(`images/${name}.png`));
      const { width, height } = original;
      const latents = await teacher.encode(original);
      const { data } = await nano.decode(
        { shape: latents.shape, data: latents.data },
        { width, height },
      );
      figures.push(psnr(data, original.data));
    }
    if (process.env.MEASURE) console.log(figures);
    expect((figures[0] + figures[1]) / 2).toBeGreaterThan(25.8);
    expect(Math.min(...figures)).toBeGreaterThan(23.8);
    teacher.dispose();
    nano.dispose();
  },
);
