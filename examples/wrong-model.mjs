// node examples/wrong-model.mjs --weights DIR [PICTURE.png]
// Encodes a picture with four models, decodes each latent with its own model and with the other one
// of as many channels, and prints the PSNR of each. Writes out/wrong-model.png: the original; latents
// of taesd by taesdxl, of taesdxl by taesd, of taesd3 by taef1, of taef1 by taesd3. The picture
// defaults to the rendered one.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Taesd } from 'taesd-wasm';
import { decodePng, encodePng } from 'taesd-wasm/png';
import { grid, shrunk } from './panel.mjs';
import { psnr } from './psnr.mjs';
import { renderPicture } from './render-picture.mjs';

/** Pairs of models with as many latent channels. */
const PAIRS = [
  ['taesd', 'taesdxl'],
  ['taesd3', 'taef1'],
];
/** The panel's parts are this much smaller than the picture. */
const SHRUNK = 4;

const { values, positionals } = parseArgs({
  options: { weights: { type: 'string' } },
  allowPositionals: true,
});
const original = positionals.length > 0 ? readRgb(positionals[0]) : renderPicture();
const { width, height } = original;

const parts = [shrunk(original, 3, SHRUNK)];
for (const names of PAIRS) {
  const models = [];
  for (const model of names) models.push(await Taesd.load({ model, weights: values.weights }));
  for (const [i, encoder] of models.entries()) {
    const latents = await encoder.encode(original);
    for (const decoder of [encoder, models[1 - i]]) {
      const picture = await decoder.decode(latents, { width, height });
      const off = psnr(original, picture).toFixed(2);
      console.log(`${names[i].padEnd(7)} by ${decoder.info.model.padEnd(7)} ${off} dB`);
      if (decoder !== encoder) parts.push(shrunk(picture, 4, SHRUNK));
    }
  }
  for (const model of models) model.dispose();
}

mkdirSync('out', { recursive: true });
const [partWidth, partHeight] = [width, height].map((side) => Math.floor(side / SHRUNK));
writeFileSync('out/wrong-model.png', encodePng(grid([parts], partWidth, partHeight)));
console.log('out/wrong-model.png: the original, and each latent by the wrong model');

function readRgb(path) {
  const { width, height, data } = decodePng(readFileSync(path));
  return { width, height, data: data.filter((_, i) => i % 4 < 3) };
}
