import { checkSize } from '../checks.ts';
import { expected } from '../errors.ts';
import { LATENT_SCALE } from '../model/variants.ts';

/** Pixels of a side of a patch: 2 numbers, each 8 pixels. */
const PATCH = 16;

/** A picture's size in pixels, as far as it is known. */
export interface Size {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/**
 * Returns the rows and columns of patches. A size in pixels rounds down to patches, as in
 * diffusers, or up by at most 7 pixels. Without a size they are the two factors nearest to a
 * square, the larger one for columns.
 *
 * @throws TaesdError ARG, SHAPE (patches that make no picture of that size)
 */
export function patchGrid(
  what: string,
  patches: number,
  { width, height }: Size,
): [rows: number, columns: number] {
  const rows = patchesOf('height', height);
  const columns = patchesOf('width', width);
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
  const rule = `the patches of a picture of ${size}, each 16×16 pixels`;
  throw expected('SHAPE', what, rule, `${patches}`);
}

function patchesOf(what: string, size: number | undefined): number[] | undefined {
  if (size === undefined) return undefined;
  const down = Math.floor(checkSize(what, size) / PATCH);
  // Rounding up leaves at most 7 pixels to crop, as for other latents.
  return [down, down + 1].filter((count) => count > 0 && count * PATCH - size < LATENT_SCALE);
}

function nearestSquare(patches: number): [rows: number, columns: number] {
  let rows = Math.floor(Math.sqrt(patches));
  while (patches % rows !== 0) rows--;
  return [rows, patches / rows];
}
