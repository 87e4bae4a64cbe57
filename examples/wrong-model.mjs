// node examples/wrong-model.mjs --weights DIR [PICTURE.png]
// Encodes a picture and decodes its latents as people do by mistake: with the other model of as
// many channels, as latents of the other space, packed latents reshaped. Prints the PSNR of each
// beside the right one. Writes out/wrong-model.png: the original; latents of taesd by taesdxl, of
// taesdxl by taesd, of taesd3 by taef1, of taef1 by taesd3. The picture defaults to the rendered
// one.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Taesd, toVaeLatents } from 'taesd-wasm';
import { decodePng, encodePng } from 'taesd-wasm/png';
import { grid, shrunk } from './panel.mjs';
import { psnr } from './psnr.mjs';
import { renderPicture } from './render-picture.mjs';

/** Each model, and the other one with as many latent channels. */
const OTHERS = { taesd: 'taesdxl', taesdxl: 'taesd', taesd3: 'taef1', taef1: 'taesd3' };
/** The panel's parts are this much smaller than the picture. */
const SHRUNK = 4;

const { values, positionals } = parseArgs({
  options: { weights: { type: 'string' } },
  allowPositionals: true,
});
const original = positionals.length > 0 ? readRgb(positionals[0]) : renderPicture();
const { width, height } = original;
const load = (model) => Taesd.load({ model, weights: values.weights });
const decibels = (picture) => `${psnr(original, picture).toFixed(2)} dB`;

const parts = [shrunk(original, 3, SHRUNK)];
for (const [name, other] of Object.entries(OTHERS)) {
  const [model, wrong] = [await load(name), await load(other)];
  const latents = await model.encode(original);
  const right = await model.decode(latents, { width, height });
  const mistaken = await wrong.decode(latents, { width, height });
  const ofVae = await model.decode(toVaeLatents(latents, name), { width, height });
  console.log(`${name}: ${decibels(right)}`);
  console.log(`  by ${other}: ${decibels(mistaken)}`);
  console.log(`  latents of the VAE, taken for those of diffusion: ${decibels(ofVae)}`);
  parts.push(shrunk(mistaken, 4, SHRUNK));
  model.dispose();
  wrong.dispose();
}
const taef2 = await load('taef2');
const latents = await taef2.encode(original);
const reshaped = await taef2.decode({ shape: latents.shape, data: packed(latents) });
console.log(`taef2: ${decibels(await taef2.decode(latents, { width, height }))}`);
console.log(`  packed 2×2, reshaped plainly: ${decibels(reshaped)}`);
taef2.dispose();

mkdirSync('out', { recursive: true });
const [partWidth, partHeight] = [width, height].map((side) => Math.floor(side / SHRUNK));
writeFileSync('out/wrong-model.png', encodePng(grid([parts], partWidth, partHeight)));
console.log('out/wrong-model.png');

/** Packs latents as FLUX.2 has them: 2×2 numbers of a channel become four channels. */
function packed({ shape: [, channels, h, w], data }) {
  const result = new Float32Array(data.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const target = 4 * channel + 2 * (y % 2) + (x % 2);
        const at = (target * (h / 2) + (y >> 1)) * (w / 2) + (x >> 1);
        result[at] = data[(channel * h + y) * w + x];
      }
    }
  }
  return result;
}

function readRgb(path) {
  const { width, height, data } = decodePng(readFileSync(path));
  return { width, height, data: data.filter((_, i) => i % 4 < 3) };
}
