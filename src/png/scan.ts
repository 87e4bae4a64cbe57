import { checksumText, crc32 } from '../checksums.ts';
import { expected } from '../errors.ts';
import { hexText } from '../first-bytes.ts';
import { allocatePngBytes } from './allocate.ts';
import { checkPalette, checkTransparency } from './check-palette.ts';
import { PALETTE, type PngHeader, readIhdr } from './header.ts';
import { CHUNK_OVERHEAD, readUint32 } from './layout.ts';
import { checkSignature, PNG_SIGNATURE } from './signature.ts';
import { MAX_KEYWORD_LENGTH, MAX_TEXT_LENGTH, TextCollector } from './text.ts';

/** The parts of a PNG file that `decodePng` uses, checked. Each array is a view or a copy. */
export interface ScannedPng {
  readonly header: PngHeader;
  /** RGB triples. Every palette picture has them. */
  readonly palette: Uint8Array | undefined;
  /** The data of tRNS. */
  readonly transparency: Uint8Array | undefined;
  /** The data of all IDAT chunks, joined: one zlib stream. */
  readonly compressed: Uint8Array;
  /** The name of the compressed data in messages: `IDAT at byte 41`. */
  readonly compressedName: string;
  readonly text: ReadonlyMap<string, string>;
}

interface Chunk {
  readonly type: string;
  /** The offset of its length field. */
  readonly start: number;
  /** The offset after its checksum. */
  readonly end: number;
  /** The number of bytes of its data. */
  readonly length: number;
  /** Its name in messages: type and offset. */
  readonly name: string;
}

/**
 * Walks the chunks of a PNG file once, in time linear in its length, before anything is inflated.
 * Ancillary chunks other than tRNS and tEXt are skipped unread, so iCCP, zTXt and iTXt are never
 * inflated. tRNS and tEXt are skipped too if their checksum is wrong. Bytes after IEND are ignored,
 * as libpng does.
 * Source: https://www.w3.org/TR/png-3/#5DataRep
 *
 * @throws TaesdError FORMAT, TRUNCATED, INTEGRITY, UNSUPPORTED, LIMIT, OOM; the message names the
 *   chunk
 */
export function scanPng(bytes: Uint8Array, maxPixels: number): ScannedPng {
  checkSignature(bytes);
  let header: PngHeader | undefined;
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  const collector = new TextCollector();
  const idat = { start: 0, end: 0, bytes: 0 };

  for (let offset: number = PNG_SIGNATURE.length; ; ) {
    const chunk = chunkAt(bytes, offset);
    const { type, name } = chunk;
    if (header === undefined) checkFirst(chunk);
    checkInside(chunk, bytes.length);
    offset = chunk.end;

    const critical = isCritical(type);
    if (!critical && type !== 'tRNS' && type !== 'tEXt') continue;
    if (type === 'tEXt' && chunk.length > MAX_KEYWORD_LENGTH + 1 + MAX_TEXT_LENGTH) continue;
    if (!checksumHolds(chunk, bytes, critical)) continue;
    const data = bytes.subarray(chunk.start + 8, chunk.end - 4);

    if (header === undefined) {
      header = readIhdr(name, data, maxPixels);
    } else if (type === 'IHDR') {
      throw expected('FORMAT', name, 'one IHDR', 'a second');
    } else if (type === 'PLTE') {
      checkOrder(chunk, idat.end, palette);
      if (transparency !== undefined) {
        throw expected('FORMAT', name, 'a place before tRNS', 'one after it');
      }
      checkPalette(name, header, data);
      palette = data;
    } else if (type === 'tRNS') {
      checkOrder(chunk, idat.end, transparency);
      checkTransparency(name, header, data, palette);
      transparency = data;
    } else if (type === 'IDAT') {
      if (header.colourType === PALETTE && palette === undefined) {
        throw expected('FORMAT', name, 'PLTE before it, since colours are indices', 'none');
      }
      if (idat.end === 0) idat.start = chunk.start;
      else if (idat.end !== chunk.start) {
        throw expected('FORMAT', name, 'a place right after the last IDAT', 'a chunk between them');
      }
      idat.end = chunk.end;
      idat.bytes += chunk.length;
    } else if (type === 'tEXt') {
      collector.add(data);
    } else if (type === 'IEND') {
      if (chunk.length !== 0) {
        throw expected('FORMAT', name, '0 bytes', `${chunk.length}`);
      }
      if (idat.end === 0) throw expected('FORMAT', name, 'IDAT before it', 'none');
      const compressed = joinData(bytes, idat.start, idat.end, idat.bytes);
      const compressedName = `IDAT at byte ${idat.start}`;
      const text = collector.texts;
      return { header, palette, transparency, compressed, compressedName, text };
    } else {
      const hint = 'a decoder must not ignore this chunk';
      throw expected('UNSUPPORTED', name, 'IHDR, PLTE, IDAT or IEND', type, { hint });
    }
  }
}

/** Reads length and type of the chunk at `offset`. Its data may reach past the end of the file. */
function chunkAt(bytes: Uint8Array, offset: number): Chunk {
  if (offset + 8 > bytes.length) {
    const what = `chunk at byte ${offset}`;
    const got = `${bytes.length - offset} bytes up to the end of the file`;
    throw expected('TRUNCATED', what, 'chunks up to IEND', got, { hint: 'the file is cut off' });
  }
  const length = readUint32(bytes, offset);
  const codes = bytes.subarray(offset + 4, offset + 8);
  const type = String.fromCharCode(codes[0], codes[1], codes[2], codes[3]);
  if (!/^[A-Za-z]{4}$/.test(type)) {
    const what = `chunk at byte ${offset}`;
    const got = `bytes ${hexText(codes)}`;
    throw expected('FORMAT', what, 'a type of four letters', got, { hint: 'damaged file?' });
  }
  const name = `${type} at byte ${offset}`;
  if (length >= 2 ** 31) {
    throw expected('FORMAT', name, 'a length below 2147483648', `${length}`);
  }
  return { type, start: offset, end: offset + CHUNK_OVERHEAD + length, length, name };
}

/** Checks that the first chunk is IHDR, of 13 bytes. */
function checkFirst({ type, name, length }: Chunk): void {
  if (type === 'CgBI') {
    const hint = 'optimised for iOS by Xcode; "pngcrush -revert-iphone-optimizations" restores it';
    throw expected('UNSUPPORTED', name, 'IHDR first', type, { hint });
  }
  if (type !== 'IHDR') throw expected('FORMAT', name, 'IHDR first', type);
  if (length !== 13) throw expected('FORMAT', name, '13 bytes', `${length}`);
}

/** Checks that a chunk ends inside the file. */
function checkInside({ start, end, length, name }: Chunk, fileLength: number): void {
  if (end <= fileLength) return;
  const got = `${fileLength - start - 8} bytes up to the end of the file`;
  const rule = `${length} bytes of data and 4 of checksum`;
  throw expected('TRUNCATED', name, rule, got, { hint: 'the file is cut off' });
}

/** Checks that PLTE or tRNS comes at most once, before the pixels. */
function checkOrder({ name, type }: Chunk, idatEnd: number, earlier: unknown): void {
  if (idatEnd !== 0) throw expected('FORMAT', name, 'a place before IDAT', 'one after it');
  if (earlier !== undefined) throw expected('FORMAT', name, `one ${type}`, 'a second');
}

/** An upper-case first letter (bit 5 clear) marks the chunks a decoder must not ignore. */
const isCritical = (type: string): boolean => type[0] <= 'Z';

/** Returns false for an ancillary chunk with a wrong checksum. Throws for a critical one. */
function checksumHolds(chunk: Chunk, bytes: Uint8Array, critical: boolean): boolean {
  const stored = readUint32(bytes, chunk.end - 4);
  const computed = crc32(bytes, chunk.start + 4, chunk.end - 4);
  if (stored === computed) return true;
  if (!critical) return false;
  const rule = `CRC-32 ${checksumText(computed)}`;
  throw expected('INTEGRITY', chunk.name, rule, checksumText(stored), { hint: 'damaged file?' });
}

/** Joins the data of the chunks in `[start, end)`; a single chunk is not copied. */
function joinData(bytes: Uint8Array, start: number, end: number, total: number): Uint8Array {
  if (end - start === total + CHUNK_OVERHEAD) return bytes.subarray(start + 8, end - 4);
  const joined = allocatePngBytes('IDAT', total);
  for (let offset = start, filled = 0; offset < end; ) {
    const length = readUint32(bytes, offset);
    joined.set(bytes.subarray(offset + 8, offset + 8 + length), filled);
    filled += length;
    offset += CHUNK_OVERHEAD + length;
  }
  return joined;
}
