import { isRangeError } from '../builtins/tags.ts';
import { expected, inCall, TaesdError } from '../errors.ts';
import { allocatePngBytes, outOfPngMemory } from './allocate.ts';
import {
  checkBand,
  checkBands,
  checkRowsHeader,
  type PngBand,
  type PngRowsHeader,
  type PngRowsOptions,
} from './check-rows.ts';
import { chooseFilter, filterRow, NONE } from './filter.ts';
import { IdatWriter } from './idat.ts';
import { joined } from './joined.ts';
import { PNG_SIGNATURE } from './signature.ts';
import { headerChunk, pngChunk, textChunk } from './write-chunks.ts';

/**
 * Writes an 8-bit PNG file band by band, without interlacing. Rows go in from top to bottom. The
 * file's bytes come out for every 64 KiB of rows. For a loop over bands, see `encodePngRows`.
 *
 * ```ts
 * const writer = new PngRowWriter({ width, height, channels: 3 });
 * for await (const band of taesd.decodeRows(latents)) output.write(writer.write(band));
 * output.write(writer.end());
 * ```
 *
 * Memory: three rows and 2.2 MiB, most of it for fflate's hash table. The file does not depend on
 * how rows are grouped into bands. After an ARG error the writer is unchanged, so the call can be
 * repeated with a right argument.
 *
 * Each row gets the filter of `chooseFilter`. The pixels of astronaut.png, 512×512 RGB, in bands of
 * 8 rows (Node 20, EPYC, median of 31), beside fast-png's encoder, which does not filter:
 *
 *   fast-png  614265 bytes  29 ms      level 6  453678 bytes  51 ms, 12 of them for the filters
 *   level 1   463031 bytes  34 ms      level 9  453141 bytes  68 ms
 *
 * With Paeth alone the file is 1% larger, with Average alone 1% smaller; but the file of
 * examples/side-by-side.png is a quarter larger. In pieces of 8 KiB it is 0.8% larger.
 *
 * Source: https://www.w3.org/TR/png-3/
 */
export class PngRowWriter {
  readonly #header: PngRowsHeader;
  readonly #filters: boolean;
  readonly #idat: IdatWriter;
  /** The current row and the row above, in the layout of filter.ts. */
  #row: Uint8Array;
  #above: Uint8Array;
  /** The filtered row. */
  readonly #line: Uint8Array;
  /** Parts of the file that no call has returned yet. */
  #finished: Uint8Array[];
  #rowCount = 0;
  /** The reason why no further call is possible, if there is one. */
  #spent: string | undefined;

  /**
   * @param header   the picture's size, the file's channels, its texts
   * @param options  `level`
   * @throws TaesdError ARG (wrong size, channels, keyword, text or level), LIMIT (a text above
   *   64 KiB), OOM
   */
  constructor(header: PngRowsHeader, options: PngRowsOptions = {}) {
    const { texts, level, ...size } = inCall('PngRowWriter', () =>
      checkRowsHeader(header, options),
    );
    const { width, height, channels } = size;
    this.#header = size;
    // Without compression no filter makes the file smaller.
    this.#filters = level > 0;
    const rowBytes = width * channels;
    const allocate = (length: number) =>
      inCall('PngRowWriter', () => allocatePngBytes('row', length));
    this.#row = allocate(channels + rowBytes);
    this.#above = allocate(channels + rowBytes);
    this.#line = allocate(1 + rowBytes);
    this.#idat = inCall(
      'PngRowWriter',
      () => new IdatWriter(level, (chunk) => this.#finished.push(chunk)),
    );
    this.#finished = [
      Uint8Array.from(PNG_SIGNATURE),
      headerChunk(width, height, channels),
      ...texts.map(([keyword, value]) => textChunk(keyword, value)),
    ];
  }

  /**
   * Adds a band below the rows written before.
   *
   * @param band  its data is not kept
   * @returns the next bytes of the file, often none; the first call's begin with the signature
   * @throws TaesdError ARG (not whole rows, more rows than are missing, out of order, after `end`
   *   or an error other than ARG), OOM
   */
  write(band: PngBand): Uint8Array<ArrayBuffer> {
    return inCall('PngRowWriter.write', () => {
      this.#checkUsable();
      const { rows, data, inputBytes } = checkBand(band, this.#header, this.#rowCount);
      return this.#finish(() => {
        const stride = this.#header.width * inputBytes;
        for (let y = 0; y < rows; y++) this.#addRow(data, y * stride, inputBytes);
        this.#rowCount += rows;
      });
    });
  }

  /**
   * Ends the file.
   *
   * @returns its last bytes, up to IEND
   * @throws TaesdError ARG (rows are missing, which `write` still takes; after `end` or an error
   *   other than ARG), OOM
   */
  end(): Uint8Array<ArrayBuffer> {
    return inCall('PngRowWriter.end', () => this.#end());
  }

  #end(): Uint8Array<ArrayBuffer> {
    this.#checkUsable();
    const { height } = this.#header;
    if (this.#rowCount < height) {
      const hint = 'write the missing rows first';
      throw expected('ARG', 'rows', `${height} before the end`, `${this.#rowCount}`, { hint });
    }
    const bytes = this.#finish(() => {
      this.#idat.end();
      this.#finished.push(pngChunk('IEND'));
    });
    this.#spent = 'this writer has ended its file';
    return bytes;
  }

  #checkUsable(): void {
    if (this.#spent !== undefined) throw new TaesdError('ARG', this.#spent);
  }

  /** Runs a call's work and returns the bytes it finished. A failed writer cannot be used again. */
  #finish(work: () => void): Uint8Array<ArrayBuffer> {
    this.#spent = 'this writer has failed';
    try {
      work();
      const bytes = joined(this.#finished);
      this.#finished = [];
      this.#spent = undefined;
      return bytes;
    } catch (cause) {
      if (!isRangeError(cause)) throw cause;
      throw outOfPngMemory('rows', "the file's next bytes", cause);
    }
  }

  #addRow(data: Uint8Array | Uint8ClampedArray, from: number, inputBytes: number): void {
    const { channels } = this.#header;
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
    this.#idat.add(this.#line);
  }
}

/**
 * Writes a PNG file from bands of rows, as `PngRowWriter` does:
 * `encodePngRows({ width, height, channels: 3 }, taesd.decodeRows(latents))`. It requests a band
 * only when the caller requests the next piece of the file.
 *
 * @param header   the picture's size, the file's channels, its texts
 * @param bands    all rows of the picture, from top to bottom
 * @param options  `level`
 * @returns the file in pieces; none is empty
 * @throws TaesdError as `PngRowWriter`; ARG (bands that a loop cannot take); also anything `bands`
 *   throws
 */
export async function* encodePngRows(
  header: PngRowsHeader,
  bands: AsyncIterable<PngBand> | Iterable<PngBand>,
  options: PngRowsOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const writer = new PngRowWriter(header, options);
  inCall('encodePngRows', () => checkBands(bands));
  for await (const band of bands) {
    const bytes = writer.write(band);
    if (bytes.length > 0) yield bytes;
  }
  yield writer.end();
}
