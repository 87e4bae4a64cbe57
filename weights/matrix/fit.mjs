// node weights/matrix/fit.mjs WEIGHTS PICTURES
// Fits the matrix of each latent space and writes src/cli/sheet/matrices.ts. Prints the rows of the
// table in README.md. WEIGHTS is a folder of the models' weights. PICTURES is a folder with
// astronaut.png, logo.png and, held out, chelsea.png.
import { readFileSync, writeFileSync } from 'node:fs';
import { Taesd, VARIANTS } from 'taesd-wasm';
import { decodePng } from 'taesd-wasm/png';
import { renderPicture } from '../../examples/render-picture.mjs';

const [weights, pictures] = process.argv.slice(2);
if (pictures === undefined) throw new Error('usage: node weights/matrix/fit.mjs WEIGHTS PICTURES');

const MODELS = ['taesd', 'taesdxl', 'taesd3', 'taef1', 'taef2'];
/** The longer side of samples, in pixels. The encoder sees the edges of each. */
const SIDE = 256;

// Colours that people photograph: with the channels of each sample in all orders too, the errors on
// the held-out picture were 1.3 dB larger for taesd and 0.2 dB smaller for taesd3.
const samples = [readRgb('astronaut'), readRgb('logo'), renderPicture()].flatMap((picture) => [
  reduced(picture),
  ...tiles(picture),
]);
const heldOut = readRgb('chelsea');

const entries = [];
for (const model of MODELS) {
  const taesd = await Taesd.load({ model, weights });
  const { latentChannels, downscale } = VARIANTS[model];
  const size = latentChannels + 1;
  const sums = Array.from({ length: size }, () => new Float64Array(size + 3));
  const trips = [];
  for (const sample of samples) {
    const trip = await latentsAndColours(taesd, sample, downscale);
    trips.push(trip);
    addTo(sums, trip);
  }
  const matrix = solved(sums, size);
  const own = errorOf(matrix, trips);
  const other = errorOf(matrix, [await latentsAndColours(taesd, heldOut, downscale)]);
  console.log(`| \`${model}\` | ${size - 1} | ${own.toFixed(2)} dB | ${other.toFixed(2)} dB |`);
  entries.push([model, matrix]);
  taesd.dispose();
}
writeFileSync(new URL('../../src/cli/sheet/matrices.ts', import.meta.url), moduleText(entries));

/** Encodes and decodes a picture. Returns a row [...channels, 1] and mean colour for each latent. */
async function latentsAndColours(taesd, picture, downscale) {
  const { shape, data } = await taesd.encode(picture);
  const [, channels, h, w] = shape;
  const decoded = await taesd.decode({ shape, data });
  return Array.from({ length: h * w }, (_, i) => ({
    row: [...Array.from({ length: channels }, (_, c) => data[c * h * w + i]), 1],
    colour: meanColour(decoded, i % w, Math.floor(i / w), downscale),
  }));
}

/** Returns the mean colour of the pixels of the latent (x, y), in 0 … 255. */
function meanColour({ width, data }, x, y, side) {
  const sum = [0, 0, 0];
  for (let v = side * y; v < side * (y + 1); v++) {
    for (let u = side * x; u < side * (x + 1); u++) {
      for (let c = 0; c < 3; c++) sum[c] += data[4 * (v * width + u) + c];
    }
  }
  return sum.map((value) => value / side ** 2);
}

/** Adds to the normal equations. A row ends with its right-hand sides for red, green and blue. */
function addTo(sums, trip) {
  for (const { row, colour } of trip) {
    for (const [i, value] of row.entries()) {
      for (const [j, other] of [...row, ...colour].entries()) sums[i][j] += value * other;
    }
  }
}

/** Solves the equations by Gauss and Jordan. @returns [size][3], the constant last */
function solved(sums, size) {
  const rows = sums.map((row) => Float64Array.from(row));
  for (let i = 0; i < size; i++) {
    const pivot = rows[i].map((value) => value / rows[i][i]);
    rows[i] = pivot;
    for (let k = 0; k < size; k++) {
      if (k !== i) rows[k] = rows[k].map((value, j) => value - rows[k][i] * pivot[j]);
    }
  }
  // Rounded as they are written: the errors below are those of the written numbers.
  return rows.map((row) => [...row.slice(size)].map((value) => Number(value.toFixed(2))));
}

/** Returns the peak signal-to-noise ratio, in dB, of the matrix's clamped colours. */
function errorOf(matrix, trips) {
  let sum = 0;
  let count = 0;
  for (const { row, colour } of trips.flat()) {
    for (let c = 0; c < 3; c++) {
      const value = row.reduce((total, x, i) => total + x * matrix[i][c], 0);
      sum += (Math.min(Math.max(value, 0), 255) - colour[c]) ** 2;
      count++;
    }
  }
  return 10 * Math.log10((255 * 255 * count) / sum);
}

function moduleText(all) {
  const tables = all.map(([model, matrix]) => {
    const lines = matrix.map((row) => `    [${row.join(', ')}],`);
    return `  ${model}: [\n${lines.join('\n')}\n  ],`;
  });
  return `import type { LatentSpace } from '../../model/variants.ts';

/*
 * Written by weights/matrix/fit.mjs. README.md beside it has the errors in dB.
 */

/** A row of red, green and blue in 0 … 255 for each latent channel; the last is a constant. */
export type Matrix = readonly (readonly [red: number, green: number, blue: number])[];

/** The spaces of models whose weights were at hand. */
export type FittedSpace = Exclude<LatentSpace, 'taesana' | 'taeqi2_1' | 'taew2_1'>;

/**
 * The matrix of each such space, from latents of diffusion to the mean colour of a latent's pixels.
 */
export const MATRICES: Readonly<Record<FittedSpace, Matrix>> = {
${tables.join('\n')}
};
`;
}

/** Returns a picture reduced to a longer side of `SIDE`, by means. */
function reduced(picture) {
  const factor = Math.max(picture.width, picture.height) / SIDE;
  const width = Math.floor(picture.width / factor);
  const height = Math.floor(picture.height / factor);
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(meanOf(picture, x, y, factor), 3 * (y * width + x));
  }
  return { width, height, data };
}

function meanOf({ width, data }, x, y, factor) {
  const sum = [0, 0, 0];
  let count = 0;
  for (let v = Math.floor(y * factor); v < Math.floor((y + 1) * factor); v++) {
    for (let u = Math.floor(x * factor); u < Math.floor((x + 1) * factor); u++, count++) {
      for (let c = 0; c < 3; c++) sum[c] += data[3 * (v * width + u) + c];
    }
  }
  return sum.map((value) => Math.round(value / count));
}

/** Returns the tiles of `SIDE` × `SIDE` pixels of a picture. What remains at the edges is left out. */
function tiles({ width, height, data }) {
  const all = [];
  for (let top = 0; top + SIDE <= height; top += SIDE) {
    for (let left = 0; left + SIDE <= width; left += SIDE) {
      const part = new Uint8Array(3 * SIDE * SIDE);
      for (let y = 0; y < SIDE; y++) {
        const from = 3 * ((top + y) * width + left);
        part.set(data.subarray(from, from + 3 * SIDE), 3 * y * SIDE);
      }
      all.push({ width: SIDE, height: SIDE, data: part });
    }
  }
  return all;
}

function readRgb(name) {
  const { width, height, data } = decodePng(readFileSync(`${pictures}/${name}.png`));
  return { width, height, data: Uint8Array.from(data.filter((_, i) => i % 4 < 3)) };
}
