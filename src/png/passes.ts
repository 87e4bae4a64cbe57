import type { PngHeader } from './header.ts';

/**
 * One pass over the picture, itself a small picture of `width` × `height`. Its pixel (x, y) lies at
 * (firstX + x·stepX, firstY + y·stepY) of the whole picture. Without interlacing, the whole picture
 * is one pass.
 */
export interface Pass {
  /** 1 to 7, or 0 without interlacing. Messages name it. */
  readonly number: number;
  readonly firstX: number;
  readonly firstY: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly width: number;
  readonly height: number;
  /** Bytes of a row without its filter byte. Rows of any depth begin at a byte. */
  readonly rowBytes: number;
}

/** Adam7: firstX, firstY, stepX, stepY. Source: https://www.w3.org/TR/png-3/#8Interlace */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** Returns a picture's passes in file order. A pass without pixels is not in the file either. */
export function passesOf(header: PngHeader): readonly Pass[] {
  const grid = header.interlaced ? ADAM7 : [[0, 0, 1, 1] as const];
  return grid
    .map(([firstX, firstY, stepX, stepY], index) => {
      const width = Math.ceil((header.width - firstX) / stepX);
      const height = Math.ceil((header.height - firstY) / stepY);
      const rowBytes = Math.ceil((width * header.channels * header.depth) / 8);
      const number = header.interlaced ? index + 1 : 0;
      return { number, firstX, firstY, stepX, stepY, width, height, rowBytes };
    })
    .filter(({ width, height }) => width > 0 && height > 0);
}

/** Returns the bytes of all passes before compression. Each row has a filter byte. */
export function scanlineBytes(passes: readonly Pass[]): number {
  return passes.reduce((sum, { height, rowBytes }) => sum + height * (1 + rowBytes), 0);
}
