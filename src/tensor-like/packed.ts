import { checkSize } from '../checks.ts';
import { expected } from '../errors.ts';
import { PACKED_NUMBERS, type Variant } from '../model/variants.ts';
import type { View } from './view.ts';

/*
 * Packed latents: 2×2 numbers of each of C channels as 4·C channels of one patch.
 */

/** Numbers of a side of a patch. */
const SIDE = 2;

/** A picture's size in pixels, as far as it is known. */
export interface Size {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** A view and the shape [N, C, h, w] of its numbers. Packed latents have six axes in the view. */
export interface Placed {
  readonly view: View;
  readonly shape: readonly number[];
}

/**
 * Returns tokens [N, P, 4·C] as latents, by the rows and columns of their patches.
 * Source: diffusers' `FluxPipeline._pack_latents`, [N, h/2, w/2, C, 2, 2] made [N, P, 4·C].
 */
export function unpackTokens(
  { sizes: [batch, , numbers], strides: [n, p, c], first }: View,
  [rows, columns]: readonly [number, number],
): Placed {
  return placed({ sizes: [batch, numbers, rows, columns], strides: [n, c, columns * p, p], first });
}

/**
 * Returns a map [N, 4·C, h/2, w/2] as latents, as PyTorch's `pixel_shuffle` by 2 does.
 * Source: diffusers' `Flux2Pipeline._patchify_latents`, [N, C, h/2, 2, w/2, 2] made
 * [N, C, 2, 2, h/2, w/2].
 */
export const unpackMap = (map: View): Placed => placed(map);

/** Returns latents [N, C, h, w] of even sizes as a map, the inverse of `unpackMap`. */
export function packMap({ sizes, strides, first }: View): Placed {
  const [batch, channels, height, width] = sizes;
  const [n, c, y, x] = strides;
  const [rows, columns] = [height / SIDE, width / SIDE];
  return {
    view: {
      sizes: [batch, channels, SIDE, SIDE, rows, columns],
      strides: [n, c, y, x, SIDE * y, SIDE * x],
      first,
    },
    shape: [batch, PACKED_NUMBERS * channels, rows, columns],
  };
}

/** @param view  the axes N, 4·C, rows and columns */
function placed({ sizes, strides, first }: View): Placed {
  const [batch, numbers, rows, columns] = sizes;
  const [n, c, y, x] = strides;
  const channels = numbers / PACKED_NUMBERS;
  return {
    view: {
      sizes: [batch, channels, rows, SIDE, columns, SIDE],
      strides: [n, PACKED_NUMBERS * c, y, SIDE * c, x, c],
      first,
    },
    shape: [batch, channels, SIDE * rows, SIDE * columns],
  };
}

/**
 * Returns the rows and columns of patches. A size in pixels rounds down to patches, as in
 * diffusers, or up by less than a latent's pixels. Without a size they are the two factors nearest
 * to a square, the larger one for columns.
 *
 * @throws TaesdError ARG, SHAPE (patches that make no picture of that size)
 */
export function patchGrid(
  what: string,
  patches: number,
  { width, height }: Size,
  { downscale }: Pick<Variant, 'downscale'>,
): [rows: number, columns: number] {
  const rows = patchesOf('height', height, downscale);
  const columns = patchesOf('width', width, downscale);
  if (rows === undefined && columns === undefined) return nearestSquare(patches);
  for (const r of rows ?? [undefined]) {
    for (const c of columns ?? [undefined]) {
      const [down, across] = [r ?? patches / (c ?? 1), c ?? patches / (r ?? 1)];
      if (Number.isInteger(down) && Number.isInteger(across) && down * across === patches) {
        return [down, across];
      }
    }
  }
  const size = `${width ?? 'any'}×${height ?? 'any'}`;
  const side = SIDE * downscale;
  const rule = `the patches of a picture of ${size}, each ${side}×${side} pixels`;
  throw expected('SHAPE', what, rule, `${patches}`);
}

function patchesOf(
  what: string,
  size: number | undefined,
  downscale: number,
): number[] | undefined {
  if (size === undefined) return undefined;
  const side = SIDE * downscale;
  const down = Math.floor(checkSize(what, size) / side);
  // Rounding up leaves less than a latent's pixels to crop, as for other latents.
  return [down, down + 1].filter((count) => count > 0 && count * side - size < downscale);
}

function nearestSquare(patches: number): [rows: number, columns: number] {
  let rows = Math.floor(Math.sqrt(patches));
  while (patches % rows !== 0) rows--;
  return [rows, patches / rows];
}

/**
 * Returns the size to crop packed latents to. A side that was rounded down to patches, as in
 * diffusers, becomes that of the patches.
 *
 * @param size   the picture's size, as the caller gave it
 * @param shape  the latents' [N, C, h, w]
 */
export function withinPatches(
  { width, height }: Size,
  [, , rows, columns]: readonly number[],
  { downscale }: Pick<Variant, 'downscale'>,
): Size {
  const within = (side: number | undefined, latent: number) => {
    const max = downscale * latent;
    const isRounded = typeof side === 'number' && side > max && side < max + SIDE * downscale;
    return isRounded ? max : side;
  };
  return { width: within(width, columns), height: within(height, rows) };
}
