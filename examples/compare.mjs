// node examples/compare.mjs --weights DIR [--model MODEL] [PICTURE.png]
// Decodes a picture's latent with MODEL (taesd, the default, taesdxl, taesd3 or taef1), with the
// small model of its space and by a matrix alone. Writes out/models.png, or out/models-MODEL.png:
// the original, MODEL, the small model, the matrix; below, the middle of each, enlarged. The
// picture defaults to the rendered one.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { nanoFor, Taesd } from 'taesd-wasm';
import { decodePng, encodePng } from 'taesd-wasm/png';
import { grid, halved } from './panel.mjs';
import { psnr } from './psnr.mjs';
import { renderPicture } from './render-picture.mjs';

/** Enlargement of the lower row. The upper row is at half size. */
const ZOOM = 4;

const { values, positionals } = parseArgs({
  options: { weights: { type: 'string' }, model: { type: 'string', default: 'taesd' } },
  allowPositionals: true,
});
const original = positionals.length > 0 ? readRgb(positionals[0]) : renderPicture();
const { width, height } = original;
const { model } = values;
const small = nanoFor(model);
if (small === undefined) throw new Error(`no small model decodes the latents of ${model}`);
const [taesd, nano] = [
  await Taesd.load({ model, weights: values.weights }),
  // Only nano has an encoder.
  await Taesd.load({ model: small, ...(small === 'nano' ? {} : { only: 'decoder' }) }),
];
const latents = await taesd.encode(original);
const decoded = {
  [model]: await taesd.decode(latents, { width, height }),
  [small]: await nano.decode(latents, { width, height }),
  matrix: byMatrix(latents),
};
const columns = Math.max(...Object.keys(decoded).map((name) => name.length));
for (const [name, picture] of Object.entries(decoded)) {
  const decibels = psnr(original, picture).toFixed(2);
  console.log(`${name.padEnd(columns)} ${decibels} dB from the latents of ${model}`);
}
if (small === 'nano') {
  const own = await nano.decode(await nano.encode(original), { width, height });
  console.log(`${small.padEnd(columns)} ${psnr(original, own).toFixed(2)} dB from its own`);
}

mkdirSync('out', { recursive: true });
const all = [[original, 3], ...Object.values(decoded).map((picture) => [picture, 4])];
const rows = [
  all.map(([picture, bytes]) => halved(picture, bytes)),
  all.map(([picture, bytes]) => enlarged(picture, bytes)),
];
const path = model === 'taesd' ? 'out/models.png' : `out/models-${model}.png`;
writeFileSync(path, encodePng(grid(rows, width >> 1, height >> 1)));
console.log(`${path}: original, ${Object.keys(decoded).join(', ')}`);
taesd.dispose();
nano.dispose();

/**
 * Colours each latent's 8×8 square by a matrix of its channels and a constant, fitted to this
 * picture by least squares. A matrix fitted to many pictures cannot come nearer to this one.
 */
function byMatrix({ shape: [, channels, , columns], data }) {
  const plane = data.length / channels;
  const latentOf = (pixel) => {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const at = (y >> 3) * columns + (x >> 3);
    return [...Array.from({ length: channels }, (_, i) => data[i * plane + at]), 1];
  };
  const size = channels + 1;
  // The normal equations; each row ends with its right-hand sides for red, green and blue.
  const rows = Array.from({ length: size }, () => new Float64Array(size + 3));
  for (let pixel = 0; pixel < width * height; pixel++) {
    const latent = latentOf(pixel);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) rows[i][j] += latent[i] * latent[j];
      for (let c = 0; c < 3; c++) rows[i][size + c] += latent[i] * original.data[pixel * 3 + c];
    }
  }
  for (let i = 0; i < size; i++) {
    const pivot = rows[i].map((value) => value / rows[i][i]);
    rows[i] = pivot;
    for (let k = 0; k < size; k++) {
      if (k !== i) rows[k] = rows[k].map((value, j) => value - rows[k][i] * pivot[j]);
    }
  }
  const picture = { width, height, data: new Uint8ClampedArray(width * height * 4) };
  for (let pixel = 0; pixel < width * height; pixel++) {
    const latent = latentOf(pixel);
    for (let c = 0; c < 3; c++) {
      picture.data[pixel * 4 + c] = latent.reduce(
        (sum, value, i) => sum + value * rows[i][size + c],
        0,
      );
    }
  }
  return picture;
}

/** Returns the colours of the picture's middle, enlarged. */
function enlarged({ width, height, data }, bytesPerPixel) {
  const left = Math.round(width / 2 - width / 4 / ZOOM);
  const top = Math.round(height / 2 - height / 4 / ZOOM);
  return (x, y) => {
    const pixel = (top + Math.floor(y / ZOOM)) * width + left + Math.floor(x / ZOOM);
    return data.slice(pixel * bytesPerPixel, pixel * bytesPerPixel + 3);
  };
}

function readRgb(path) {
  const { width, height, data } = decodePng(readFileSync(path));
  return { width, height, data: data.filter((_, i) => i % 4 < 3) };
}
