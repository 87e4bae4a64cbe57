import type { Zlib } from 'fflate';
import { checkLive, checkSize, describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { allocateBytes, outOfMemory } from './allocate.ts';
import { createCompressor } from './compressor.ts';
import { chooseFilter, filterRow, NONE } from './filter.ts';
import { RGB, RGB_ALPHA } from './header.ts';
import { PNG_SIGNATURE } from './signature.ts';
import { checkText, pngChunk, textChunk } from './write-chunks.ts';

/** What must be known of a picture before its first row. */
export interface PngRowsHeader {
  /** Pixels, 1 to 2³¹ − 1. */
  readonly width: number;
  readonly height: number;
  /** What the file stores: 3 is RGB, 4 is RGBA with straight alpha. */
  readonly channels: 3 | 4;
  /** Texts to store as tEXt by keyword; the rules are those of `encodePng`. */
  readonly text?: Readonly<Record<string, string>> | undefined;
}

export interface PngRowsOptions {
  /** How hard to compress: 0 not at all, 6 unless said, 9 most. */
  readonly level?: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | undefined;
}

/** Some whole rows of a picture. What `Taesd.decodeRows` yields is one. */
export interface PngBand {
  /** How many rows these are, from 1. */
  readonly rows: number;
  /** u8 [rows][width][4] or [3]: RGBA, whose alpha a file of 3 channels drops, or RGB, for such a file only. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** The first row's number and the picture's width: checked where they are given. */
  readonly y?: number | undefined;
  readonly width?: number | undefined;
}

/**
 * The compressor is handed so many bytes at once, wherever rows and bands end: the file depends on the pixels alone.
 * fflate's buffer, 96 KiB, never grows for it. Each piece becomes one IDAT, up to 256 bytes longer than it.
 */
const PIECE_BYTES = 65536;
const DEFAULT_LEVEL = 6;

/**
 * Writes an 8-bit PNG file row by row, not interlaced: rows go in from top to bottom, the file's bytes come out as soon
 * as there are 64 KiB to compress. Memory: three rows and 2.2 MiB, most of it fflate's hash table. The same pixels give
 * the same file however they are grouped into bands. After an ARG error the writer is as it was before the call.
 *
 * Each row gets the filter of `chooseFilter`. The pixels of astronaut.png, 512×512 RGB, in bands of 8 rows (Node 20, EPYC,
 * median of 31), beside fast-png's encoder, which does not filter:
 *
 *   fast-png  614265 bytes  29 ms      level 6  453678 bytes  51 ms, 12 of them for the filters
 *   level 1   463031 bytes  34 ms      level 9  453141 bytes  68 ms
 *
 * With Paeth alone 1% larger, with Average alone 1% smaller; but on examples/side-by-side.png
 * a quarter larger. In pieces of 8 KiB 0.8% larger.
 *
 * Source: https://www.w3.org/TR/png-3/
 */
export class PngRowWriter {
  readonly #width: number;
  readonly #height: number;
  readonly #channels: 3 | 4;
  readonly #filters: boolean;
  readonly #compressor: Zlib;
  /** This row and the one above, as filter.ts wants them. */
  #row: Uint8Array;
  #above: Uint8Array;
  /** The row as it is compressed. */
  readonly #line: Uint8Array;
  /** What waits to be compressed: `#waiting` bytes of it. */
  readonly #piece: Uint8Array;
  #waiting = 0;
  /** What one call of the compressor gave. */
  #compressed: Uint8Array[] = [];
  /** Parts of the file that no call has returned yet. */
  #finished: Uint8Array[];
  #rowCount = 0;
  /** What the writer became, if no call can be made any more. */
  #spent: string | undefined;

  /** @throws TaesdError ARG (wrong size, channels, keyword, text or level), LIMIT (a text above 64 KiB), OOM */
  constructor(header: PngRowsHeader, options: PngRowsOptions = {}) {
    const checked = inCall('PngRowWriter', () => checkHeader(header, options));
    const { width, height, channels, texts, level } = checked;
    this.#width = width;
    this.#height = height;
    this.#channels = channels;
    // Where nothing is compressed, no filter makes the file smaller.
    this.#filters = level > 0;
    this.#compressor = createCompressor(level, (bytes) => this.#compressed.push(bytes));

    const rowBytes = width * channels;
    const allocate = (what: string, length: number) =>
      inCall('PngRowWriter', () => allocateBytes(what, length));
    this.#row = allocate('row', channels + rowBytes);
    this.#above = allocate('row', channels + rowBytes);
    this.#line = allocate('row', 1 + rowBytes);
    this.#piece = allocate('piece', PIECE_BYTES);
    this.#finished = [
      Uint8Array.from(PNG_SIGNATURE),
      headerChunk(width, height, channels),
      ...texts.map(([keyword, value]) => textChunk(keyword, value)),
    ];
  }

  /**
   * Adds rows below those that were written before. The data is not kept.
   *
   * @returns the next bytes of the file, often none; the first call's begin with the signature
   * @throws TaesdError ARG (no whole rows, more rows than are missing, out of order, after `end`), OOM
   */
  write(band: PngBand): Uint8Array<ArrayBuffer> {
    return inCall('PngRowWriter.write', () => {
      this.#checkLive();
      const { rows, data, inputBytes } = this.#checkBand(band);
      return this.#finish(() => {
        for (let y = 0; y < rows; y++) this.#addRow(data, y * this.#width * inputBytes, inputBytes);
        this.#rowCount += rows;
      });
    });
  }

  /**
   * Ends the file.
   *
   * @returns its last bytes, up to IEND
   * @throws TaesdError ARG (rows are missing, which can still be written; called before), OOM
   */
  end(): Uint8Array<ArrayBuffer> {
    return inCall('PngRowWriter.end', () => this.#end());
  }

  #end(): Uint8Array<ArrayBuffer> {
    this.#checkLive();
    if (this.#rowCount < this.#height) {
      const rule = `${this.#height} before the end`;
      const hint = 'write the missing ones first';
      throw expected('ARG', 'rows', rule, `${this.#rowCount}`, { hint });
    }
    const bytes = this.#finish(() => {
      this.#compress(true);
      this.#finished.push(pngChunk('IEND'));
    });
    this.#spent = 'one after end()';
    return bytes;
  }

  #checkLive(): void {
    if (this.#spent === undefined) return;
    throw expected('ARG', 'writer', 'one that is still writing', this.#spent);
  }

  #checkBand(band: unknown) {
    const { rows, data, y, width } = (band ?? {}) as Partial<PngBand>;
    if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
      const rule = 'Uint8Array or Uint8ClampedArray';
      throw expected('ARG', 'data', rule, describe(data));
    }
    checkLive('data', data);
    const count = checkSize('rows', rows);
    if (width !== undefined && width !== this.#width) {
      throw expected('ARG', 'width', `${this.#width}, as in the header`, describe(width));
    }
    if (y !== undefined && y !== this.#rowCount) {
      const hint = 'rows go from top to bottom';
      throw expected('ARG', 'y', `${this.#rowCount}, the next row`, describe(y), { hint });
    }
    const missing = this.#height - this.#rowCount;
    if (count > missing) {
      const rule = `at most ${missing}, as many as are missing of ${this.#height}`;
      throw expected('ARG', 'rows', rule, `${count}`);
    }
    const pixels = count * this.#width;
    const inputBytes = data.length / pixels;
    if (inputBytes !== 4 && inputBytes !== this.#channels) {
      const rgba = `${pixels * 4} bytes of RGBA`;
      const either = this.#channels === 3 ? `${pixels * 3} bytes of RGB or ${rgba}` : rgba;
      const rule = `${either} for ${this.#width}×${count} pixels`;
      throw expected('ARG', 'data', rule, `${data.length}`);
    }
    return { rows: count, data, inputBytes };
  }

  /** Does the work of a call and hands out what it finished; a writer that failed midway is of no more use. */
  #finish(work: () => void): Uint8Array<ArrayBuffer> {
    this.#spent = 'one that failed';
    try {
      work();
      const bytes = joined(this.#finished);
      this.#finished = [];
      this.#spent = undefined;
      return bytes;
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw outOfMemory('rows', "the file's next bytes", cause);
    }
  }

  #addRow(data: Uint8Array | Uint8ClampedArray, from: number, inputBytes: number): void {
    const channels = this.#channels;
    const row = this.#row;
    if (inputBytes === channels) {
      row.set(data.subarray(from, from + row.length - channels), channels);
    } else {
      for (let to = channels, at = from; to < row.length; to += 3, at += 4) {
        row[to] = data[at];
        row[to + 1] = data[at + 1];
        row[to + 2] = data[at + 2];
      }
    }
    const filter = this.#filters ? chooseFilter(row, this.#above, channels) : NONE;
    filterRow(this.#line, filter, row, this.#above, channels);
    this.#row = this.#above;
    this.#above = row;
    this.#addLine();
  }

  #addLine(): void {
    for (let at = 0; at < this.#line.length; ) {
      const part = this.#line.subarray(at, at + PIECE_BYTES - this.#waiting);
      this.#piece.set(part, this.#waiting);
      this.#waiting += part.length;
      at += part.length;
      if (this.#waiting === PIECE_BYTES) this.#compress(false);
    }
  }

  /** Compresses what waits, which may be nothing for the last piece, as one IDAT. */
  #compress(isLast: boolean): void {
    this.#compressor.push(this.#piece.subarray(0, this.#waiting), isLast);
    this.#waiting = 0;
    this.#finished.push(pngChunk('IDAT', ...this.#compressed));
    this.#compressed = [];
  }
}

/**
 * Writes a PNG file from bands of rows, as `PngRowWriter` does, asking for a band only when its bytes are wanted:
 * `encodePngRows({ width, height, channels: 3 }, taesd.decodeRows(latents))`.
 *
 * @returns the file in pieces, none of them empty
 * @throws TaesdError as `PngRowWriter`, and what `bands` throws
 */
export async function* encodePngRows(
  header: PngRowsHeader,
  bands: AsyncIterable<PngBand> | Iterable<PngBand>,
  options: PngRowsOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const writer = new PngRowWriter(header, options);
  for await (const band of bands) {
    const bytes = writer.write(band);
    if (bytes.length > 0) yield bytes;
  }
  yield writer.end();
}

function checkHeader(header: PngRowsHeader, options: PngRowsOptions) {
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

/** Source: https://www.w3.org/TR/png-3/#11IHDR */
function headerChunk(width: number, height: number, channels: 3 | 4): Uint8Array {
  const data = new DataView(new ArrayBuffer(13));
  data.setUint32(0, width);
  data.setUint32(4, height);
  data.setUint8(8, 8);
  data.setUint8(9, channels === 3 ? RGB : RGB_ALPHA);
  return pngChunk('IHDR', new Uint8Array(data.buffer));
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
