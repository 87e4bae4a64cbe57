// A program of its own, see start.mjs. Loads the decoder, decodes 64×64 once, prints
// { ms, importMs }.
import { readFileSync } from 'node:fs';

const importStarted = performance.now();
const { Taesd } = await import('../../../dist/index.js');
const importMs = performance.now() - importStarted;

const folder = new URL('../../../../shared/weights/', import.meta.url);
const decoder = readFileSync(new URL('taesd_decoder.safetensors', folder));
const latents = { shape: [1, 4, 8, 8], data: new Float32Array(256).map((_, i) => Math.sin(i)) };

const started = performance.now();
const taesd = await Taesd.load({
  weights: { decoder },
  only: 'decoder',
  precision: 'f32',
  workers: 0,
});
await taesd.decode(latents);
console.log(JSON.stringify({ ms: performance.now() - started, importMs }));
