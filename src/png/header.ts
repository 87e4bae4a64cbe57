import { expected } from '../errors.ts';
import { readUint32 } from './layout.ts';

/**
 * The largest number of rows accepted without `maxPixels`. A row costs as much as about 30 pixels,
 * so a narrow picture of many rows takes long for its size.
 */
export const DEFAULT_MAX_ROWS = 2 ** 20;

/** The colour types by their number in IHDR. Each name lists a pixel's samples in order. */
export const GREY = 0;
export const RGB = 2;
export const PALETTE = 3;
export const GREY_ALPHA = 4;
export const RGB_ALPHA = 6;

/** The contents of IHDR, checked. Source: https://www.w3.org/TR/png-3/#11IHDR */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits a sample: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. */
  readonly colourType: number;
  /** Samples a pixel, 1 to 4. */
  readonly channels: number;
  /** True for Adam7. */
  readonly interlaced: boolean;
}

/** The largest picture that is read. */
export interface PngLimits {
  /** The largest width × height. */
  readonly maxPixels: number;
  /** The largest height. */
  readonly maxRows: number;
}

interface ColourKind {
  readonly channels: number;
  readonly depths: readonly number[];
}

const COLOUR_KINDS: ReadonlyMap<number, ColourKind> = new Map([
  [GREY, { channels: 1, depths: [1, 2, 4, 8, 16] }],
  [RGB, { channels: 3, depths: [8, 16] }],
  [PALETTE, { channels: 1, depths: [1, 2, 4, 8] }],
  [GREY_ALPHA, { channels: 2, depths: [8, 16] }],
  [RGB_ALPHA, { channels: 4, depths: [8, 16] }],
]);

const REMEDY = { api: 'option maxPixels', command: '--max-pixels N raises the limit' };

/**
 * Reads and checks the 13 bytes of IHDR.
 *
 * @param what  the chunk's name in messages: `IHDR at byte 8`
 * @param data  the chunk's data, 13 bytes
 * @throws TaesdError FORMAT (size 0 or from 2³¹ on, illegal depth and colour), UNSUPPORTED
 *   (unknown compression, filter or interlace method), LIMIT (more pixels or rows than allowed)
 */
export function readIhdr(
  what: string,
  data: Uint8Array,
  { maxPixels, maxRows }: PngLimits,
): PngHeader {
  const width = readUint32(data, 0);
  const height = readUint32(data, 4);
  const [depth, colourType, compression, filter, interlace] = data.subarray(8);

  for (const [name, size] of [
    ['width', width],
    ['height', height],
  ] as const) {
    if (size === 0 || size >= 2 ** 31) {
      throw expected('FORMAT', what, `a ${name} from 1 to 2147483647`, `${size}`);
    }
  }
  const kind = COLOUR_KINDS.get(colourType);
  if (kind === undefined) {
    throw expected('FORMAT', what, 'a colour type of 0, 2, 3, 4 or 6', `${colourType}`);
  }
  if (!kind.depths.includes(depth)) {
    const rule = `a bit depth of ${kind.depths.join(', ')} for colour type ${colourType}`;
    throw expected('FORMAT', what, rule, `${depth}`);
  }
  if (compression !== 0) {
    throw expected('UNSUPPORTED', what, 'compression method 0', `${compression}`);
  }
  if (filter !== 0) throw expected('UNSUPPORTED', what, 'filter method 0', `${filter}`);
  if (interlace > 1) {
    throw expected('UNSUPPORTED', what, 'interlace method 0 or 1', `${interlace}`);
  }
  if (width * height > maxPixels) {
    const got = `${width}×${height} = ${width * height}`;
    throw expected('LIMIT', what, `at most ${maxPixels} pixels`, got, { remedy: REMEDY });
  }
  if (height > maxRows) {
    throw expected('LIMIT', what, `at most ${maxRows} rows`, `${height}`, { remedy: REMEDY });
  }
  return {
    width,
    height,
    depth,
    colourType,
    channels: kind.channels,
    interlaced: interlace === 1,
  };
}
