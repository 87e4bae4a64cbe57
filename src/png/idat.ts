import type { Zlib } from 'fflate';
import { allocatePngBytes } from './allocate.ts';
import { createCompressor } from './compressor.ts';
import { pngChunk } from './write-chunks.ts';

/**
 * Bytes given to the compressor at once. The pieces do not depend on where rows and bands end, so
 * the file depends on the pixels alone. fflate's buffer of 96 KiB never grows for a piece. Each
 * piece becomes one IDAT of at most 256 bytes more.
 */
const PIECE_BYTES = 65536;

/** Compresses filtered rows and cuts the zlib stream into IDAT chunks. */
export class IdatWriter {
  readonly #compressor: Zlib;
  readonly #onChunk: (chunk: Uint8Array) => void;
  /** The bytes to compress next, `#filled` of them. */
  readonly #piece: Uint8Array;
  #filled = 0;
  /** The output of one call of the compressor. */
  #compressed: Uint8Array[] = [];

  /**
   * @param level    0 does not compress, 9 compresses most
   * @param onChunk  takes each IDAT chunk
   * @throws TaesdError OOM
   */
  constructor(level: Parameters<typeof createCompressor>[0], onChunk: (chunk: Uint8Array) => void) {
    this.#compressor = createCompressor(level, (bytes) => this.#compressed.push(bytes));
    this.#onChunk = onChunk;
    this.#piece = allocatePngBytes('piece', PIECE_BYTES);
  }

  /** Adds one filtered row, which is copied. @throws RangeError if memory runs out */
  add(line: Uint8Array): void {
    for (let at = 0; at < line.length; ) {
      const part = line.subarray(at, at + PIECE_BYTES - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === PIECE_BYTES) this.#compress(false);
    }
  }

  /** Ends the stream with the last IDAT. @throws RangeError if memory runs out */
  end(): void {
    this.#compress(true);
  }

  /** Compresses the piece, which may be empty if it is the last, as one IDAT. */
  #compress(isLast: boolean): void {
    this.#compressor.push(this.#piece.subarray(0, this.#filled), isLast);
    this.#filled = 0;
    this.#onChunk(pngChunk('IDAT', ...this.#compressed));
    this.#compressed = [];
  }
}
