/* global test, expect, vi */
// Calls while timers are faked, of a package that was loaded before.
import { Taesd } from 'taesd-wasm';
import { createPreviewer } from 'taesd-wasm/preview';
import { hash } from './hash.mjs';

const fakes = globalThis.vi ?? import.meta.jest;
const latents = {
  shape: [1, 4, 32, 32],
  data: Float32Array.from({ length: 4 * 32 * 32 }, (_, i) => Math.sin(i / 9)),
};

for (const workers of [0, 1]) {
  test(`load, decode, decodeRows, previewer, ${workers} workers, under fake timers → as without`, async () => {
    const plain = await Taesd.load({ model: 'nano', workers: 0 });
    const wanted = hash((await plain.decode(latents)).data);
    fakes.useFakeTimers();
    try {
      const taesd = await Taesd.load({ model: 'nano', workers });
      expect(hash((await taesd.decode(latents)).data)).toBe(wanted);
      const rows = [];
      for await (const { data } of taesd.decodeRows(latents)) rows.push(data);
      expect(hash(rows.flatMap((data) => [...data]))).toBe(wanted);
      const frames = [];
      const onFrame = ({ data }) => void frames.push(hash(data));
      const previewer = createPreviewer(taesd, { onFrame, maxFps: 100 });
      previewer.push(latents);
      await previewer.idle();
      previewer.push(latents);
      await previewer.idle();
      expect(frames).toEqual([wanted, wanted]);
      taesd.dispose();
    } finally {
      fakes.useRealTimers();
    }
  });
}
