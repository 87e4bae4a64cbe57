import { startsWith } from '../first-bytes.ts';

/** A kind of picture file. */
export interface PictureKind {
  /** The name with its article: `a JPEG file`. */
  readonly name: string;
  /** The kinds that `decodePicture` reads; undefined for others. */
  readonly read?: 'PNG' | 'JPEG' | 'WebP';
  /** A program that makes a PNG of it, for kinds that are not read. */
  readonly converter?: string;
}

/** How a file of a kind begins (a dot stands for any byte), or a test of its first bytes. */
type Beginning = readonly string[] | ((bytes: Uint8Array) => boolean);

function begins(bytes: Uint8Array, start: string): boolean {
  if (bytes.length < start.length) return false;
  for (let i = 0; i < start.length; i++) {
    if (start[i] !== '.' && bytes[i] !== start.charCodeAt(i)) return false;
  }
  return true;
}

const MAGICK = 'ImageMagick';

/**
 * Returns the kind of a picture file by its first bytes; undefined for files of no known kind.
 *
 * @param bytes  the beginning of the file; 1 KiB is enough
 */
export const pictureKind = (bytes: Uint8Array): PictureKind | undefined =>
  KINDS.find(([, beginning]) =>
    typeof beginning === 'function'
      ? beginning(bytes)
      : beginning.some((start) => begins(bytes, start)),
  )?.[0];

/** Returns the sentence that says how to convert a kind that is not read. */
export const conversionHint = ({ converter }: PictureKind): string =>
  `${converter} makes a PNG of it`;

const KINDS: readonly (readonly [PictureKind, Beginning])[] = [
  [{ name: 'a PNG file', read: 'PNG' }, ['\x89PNG']],
  [{ name: 'a JPEG file', read: 'JPEG' }, ['\xff\xd8\xff']],
  [{ name: 'a WebP file', read: 'WebP' }, ['RIFF....WEBP']],
  [
    { name: 'a GIF file', converter: `"magick in.gif[0] out.png" of ${MAGICK}` },
    ['GIF87a', 'GIF89a'],
  ],
  [
    { name: 'an AVIF file', converter: '"avifdec in.avif out.png" of libavif' },
    (bytes) => heifCodec(bytes) === 'avif',
  ],
  [
    { name: 'a HEIC file', converter: '"heif-dec in.heic out.png" of libheif' },
    (bytes) => heifCodec(bytes) === 'heic',
  ],
  [
    { name: 'a TIFF file', converter: `"magick in.tiff[0] out.png" of ${MAGICK}` },
    ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'],
  ],
  [{ name: 'a BMP file', converter: `"magick in.bmp out.png" of ${MAGICK}` }, ['BM....\0\0\0\0']],
  [
    { name: 'a JPEG 2000 file', converter: '"opj_decompress -i in.jp2 -o out.png" of OpenJPEG' },
    ['\0\0\0\x0cjP  ', '\xff\x4f\xff\x51'],
  ],
  [
    { name: 'a JPEG XL file', converter: '"djxl in.jxl out.png" of libjxl' },
    ['\xff\x0a', '\0\0\0\x0cJXL '],
  ],
  [{ name: 'an ICO file', converter: `"magick in.ico[0] out.png" of ${MAGICK}` }, isIco],
  [
    { name: 'a PSD file', converter: `"magick in.psd[0] out.png" of ${MAGICK}` },
    ['8BPS\0\x01', '8BPS\0\x02'],
  ],
  [{ name: 'a QOI file', converter: `"magick in.qoi out.png" of ${MAGICK}` }, ['qoif']],
  [{ name: 'an SVG file', converter: '"rsvg-convert in.svg -o out.png" of librsvg' }, isSvg],
  [
    { name: 'an MNG file', converter: `"magick in.mng[0] out.png" of ${MAGICK}` },
    ['\x8aMNG\r\n\x1a\n'],
  ],
];

/** The brands of HEIF files by the codec of their pictures. */
const AVIF_BRANDS = /^(avif|avis|avio)$/;
const HEIC_BRANDS = /^(hei[cxms]|hev[cxms])$/;
/** The brands of HEIF files with any codec: phones write these too. */
const HEIF_BRANDS = /^(mif[12]|msf1|miaf)$/;

/**
 * Returns the codec of a HEIF file. Its main brand may leave the codec open; the compatible brands
 * name it then. Without any, it is most likely a photograph of a phone.
 * Source: ISO/IEC 23008-12, 10; https://aomediacodec.github.io/av1-avif/#brands
 */
function heifCodec(bytes: Uint8Array): 'avif' | 'heic' | undefined {
  if (!begins(bytes, '....ftyp')) return undefined;
  const boxEnd = (bytes[0] * 2 ** 24 + bytes[1] * 2 ** 16 + bytes[2] * 256 + bytes[3]) | 0;
  const end = Math.min(bytes.length, Math.max(boxEnd, 12), 256);
  const brands: string[] = [];
  // Bytes 12 to 15 are a version.
  for (let at = 8; at + 4 <= end; at += at === 8 ? 8 : 4) {
    brands.push(String.fromCharCode(...bytes.subarray(at, at + 4)));
  }
  const [main] = brands;
  if (main === undefined) return undefined;
  if (AVIF_BRANDS.test(main)) return 'avif';
  if (HEIC_BRANDS.test(main)) return 'heic';
  if (!HEIF_BRANDS.test(main)) return undefined;
  return brands.some((brand) => AVIF_BRANDS.test(brand)) ? 'avif' : 'heic';
}

/** Icons and cursors: a short start, so the count and the first entry are looked at too. */
function isIco(bytes: Uint8Array): boolean {
  if (!begins(bytes, '\0\0.\0') || (bytes[2] !== 1 && bytes[2] !== 2)) return false;
  const count = bytes[4] + 256 * bytes[5];
  return count >= 1 && count <= 1024 && bytes[9] === 0;
}

/** The bytes in which the first element of an SVG file is looked for. */
const XML_BYTES = 1024;

function isSvg(bytes: Uint8Array): boolean {
  const start = startsWith(bytes, '\xef\xbb\xbf') ? 3 : 0;
  const text = String.fromCharCode(...bytes.subarray(start, start + XML_BYTES)).trimStart();
  return /^<(?:svg|\?xml|!--|!doctype\s+svg)/i.test(text) && /<svg[\s>]/i.test(text);
}
