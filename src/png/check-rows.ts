import { isPixelBytes } from '../builtins/tags.ts';
import { checkLive, checkSize, describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { checkText } from './write-chunks.ts';

/** A picture's size and texts, for `PngRowWriter` and `encodePngRows`. */
export interface PngRowsHeader {
  /** In pixels, 1 to 2³¹ − 1. */
  readonly width: number;
  /** In pixels, 1 to 2³¹ − 1. */
  readonly height: number;
  /** Channels in the file: 3 for RGB, 4 for RGBA with straight alpha. */
  readonly channels: 3 | 4;
  /** Texts to store as tEXt, by keyword, under the rules of `encodePng`. Defaults to none. */
  readonly text?: Readonly<Record<string, string>> | undefined;
}

/** The options of `PngRowWriter` and `encodePngRows`. */
export interface PngRowsOptions {
  /** 0 does not compress, 9 compresses most. Defaults to 6. */
  readonly level?: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | undefined;
}

/** Whole rows of a picture. `Taesd.decodeRows` yields such bands. */
export interface PngBand {
  /** The number of rows, at least 1. */
  readonly rows: number;
  /**
   * RGBA, u8 [rows][width][4], or RGB, u8 [rows][width][3]. A file of 3 channels drops alpha. A
   * file of 4 channels takes RGBA only.
   */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** The number of the first row. If given, it must be the number of rows written so far. */
  readonly y?: number | undefined;
  /** If given, it must be the picture's width. */
  readonly width?: number | undefined;
}

const DEFAULT_LEVEL = 6;

/** @throws TaesdError ARG (wrong size, channels, keyword, text or level), LIMIT (a long text) */
export function checkRowsHeader(header: PngRowsHeader, options: PngRowsOptions) {
  const { width, height, channels, text = {} } = header ?? {};
  const size = { width: checkSize('width', width), height: checkSize('height', height) };
  if (channels !== 3 && channels !== 4) {
    throw expected('ARG', 'channels', '3 or 4', describe(channels));
  }
  const { level = DEFAULT_LEVEL } = options;
  if (!Number.isInteger(level) || level < 0 || level > 9) {
    throw expected('ARG', 'level', 'a whole number from 0 to 9', describe(level));
  }
  return { ...size, channels, texts: checkText(text), level };
}

/**
 * Checks that `for await` can loop over the bands. A typed array holds none, and a detached one
 * throws.
 *
 * @throws TaesdError ARG (it cannot)
 */
export function checkBands(bands: unknown): void {
  const from = Object(bands) as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  const iterator = from[Symbol.asyncIterator] ?? from[Symbol.iterator];
  if (typeof iterator === 'function' && !ArrayBuffer.isView(bands)) return;
  const rule = 'bands of rows, such as decodeRows(latents)';
  throw expected('ARG', 'bands', rule, describe(bands));
}

/**
 * Checks that a band goes on where the rows before it ended.
 *
 * @param rowCount  the number of rows written so far
 * @returns the band, and the bytes of a pixel in its data
 * @throws TaesdError ARG (not whole rows, too many rows, out of order, detached data)
 */
export function checkBand(
  band: unknown,
  { width, height, channels }: PngRowsHeader,
  rowCount: number,
) {
  const { rows, data, y, width: bandWidth } = (band ?? {}) as Partial<PngBand>;
  if (!isPixelBytes(data)) {
    throw expected('ARG', 'data', 'a Uint8Array or Uint8ClampedArray', describe(data));
  }
  checkLive('data', data);
  const count = checkSize('rows', rows);
  if (bandWidth !== undefined && bandWidth !== width) {
    throw expected('ARG', 'width', `${width}, as in the header`, describe(bandWidth));
  }
  if (y !== undefined && y !== rowCount) {
    const hint = 'rows go from top to bottom';
    throw expected('ARG', 'y', `${rowCount}, the next row`, describe(y), { hint });
  }
  const missing = height - rowCount;
  if (count > missing) {
    throw expected('ARG', 'rows', `at most ${missing} more of ${height}`, `${count}`);
  }
  const pixels = count * width;
  const inputBytes = data.length / pixels;
  if (inputBytes !== 4 && inputBytes !== channels) {
    const rgba = `${pixels * 4} bytes of RGBA`;
    const either = channels === 3 ? `${pixels * 3} bytes of RGB or ${rgba}` : rgba;
    const rule = `${either} for ${width}×${count} pixels`;
    throw expected('ARG', 'data', rule, `${data.length}`);
  }
  return { rows: count, data, inputBytes };
}
