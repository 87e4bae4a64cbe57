import { expected } from '../../errors.ts';
import { fromVae } from '../../model/vae-space.ts';
import { type LatentSpace, VARIANTS } from '../../model/variants.ts';
import type { Size } from '../line/size.ts';
import { BACKGROUND } from '../maps/colours.ts';
import { Raster } from '../maps/raster.ts';
import { MATRICES, type Matrix } from './matrices.ts';
import type { ShownLatents } from './shown.ts';
import { Thumbnail } from './thumbnail.ts';

/**
 * Draws latents by the matrix of their space: one colour for each latent. A smaller picture is a
 * mean by area, a larger one goes smoothly from colour to colour.
 *
 * @param size  the size of the result
 * @throws TaesdError UNSUPPORTED (VAE space of a model whose conversion is not known; a space
 *   without a matrix)
 */
export function byMatrix(shown: ShownLatents, size: Size): Raster {
  const [, , height, width] = shown.latents.shape;
  const { downscale } = VARIANTS[shown.model];
  const colours = coloursOf(shown);
  if (size.width <= width && size.height <= height) {
    const thumbnail = new Thumbnail({ width, height }, size);
    for (let y = 0; y < height; y++) {
      thumbnail.addRow(colours.subarray(4 * y * width, 4 * (y + 1) * width));
    }
    return thumbnail.picture();
  }
  return enlarged(colours, { width, height }, size, {
    width: shown.width / downscale,
    height: shown.height / downscale,
  });
}

/** Returns RGBA bytes, one pixel for each latent. */
function coloursOf({ latents, space, model }: ShownLatents): Uint8ClampedArray {
  const [, channels, height, width] = latents.shape;
  const variant = VARIANTS[model];
  const convert = space === 'vae' ? fromVae(variant) : (x: number) => x;
  const matrices: Readonly<Partial<Record<LatentSpace, Matrix>>> = MATRICES;
  const matrix = matrices[variant.space];
  if (matrix === undefined) {
    const hint = 'without --matrix its weights draw them';
    throw expected('UNSUPPORTED', 'latents', 'those of a model with a matrix', variant.space, {
      hint,
    });
  }
  const plane = height * width;
  const [red, green, blue] = matrix[channels];
  const colours = new Uint8ClampedArray(4 * plane);
  for (let i = 0; i < plane; i++) {
    let [r, g, b]: [number, number, number] = [red, green, blue];
    for (let c = 0; c < channels; c++) {
      const x = convert(latents.data[c * plane + i], c);
      r += x * matrix[c][0];
      g += x * matrix[c][1];
      b += x * matrix[c][2];
    }
    colours[4 * i] = r;
    colours[4 * i + 1] = g;
    colours[4 * i + 2] = b;
  }
  return colours;
}

/**
 * Enlarges a picture. A pixel between the middles of old ones is their mean by distance.
 *
 * @param shown  the part of the old picture to show, from its corner, in pixels or parts of them
 */
function enlarged(rgba: Uint8ClampedArray, from: Size, to: Size, shown: Size): Raster {
  const picture = new Raster(to.width, to.height, BACKGROUND);
  const columns = between(from.width, to.width, shown.width);
  const rows = between(from.height, to.height, shown.height);
  for (let y = 0; y < to.height; y++) {
    const [top, bottom, v] = rows[y];
    for (let x = 0; x < to.width; x++) {
      const [left, right, u] = columns[x];
      for (let c = 0; c < 3; c++) {
        const at = (row: number, column: number) => rgba[4 * (row * from.width + column) + c];
        const upper = at(top, left) * (1 - u) + at(top, right) * u;
        const lower = at(bottom, left) * (1 - u) + at(bottom, right) * u;
        picture.data[3 * (y * to.width + x) + c] = upper * (1 - v) + lower * v;
      }
    }
  }
  return picture;
}

/** Returns for each new pixel the old ones before and behind it, and the second one's share. */
function between(from: number, to: number, shown: number): [number, number, number][] {
  return Array.from({ length: to }, (_, i) => {
    const middle = Math.min(Math.max(((i + 0.5) * shown) / to - 0.5, 0), from - 1);
    const first = Math.floor(middle);
    return [first, Math.min(first + 1, from - 1), middle - first];
  });
}
