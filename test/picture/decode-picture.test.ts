import { describe, expect, test, vi } from 'vitest';
import type { BytesLike } from '../../src/checks.ts';
import { fromLinear, toLinear } from '../../src/colour/linear-light.ts';
import { TaesdError } from '../../src/errors.ts';
import { oriented } from '../../src/exif/index.ts';
import { DEFAULT_MAX_PIXELS, decodePicture } from '../../src/picture/index.ts';
import { encodePng } from '../../src/png/index.ts';
import { joined, latin1 } from '../bytes.ts';
import { buildExif } from '../exif/build-exif.ts';
import { rounds } from '../full-length.ts';
import { iccProfile, parametricTag, xyzTag } from '../png/icc.ts';
import { seededRandom } from '../random.ts';
import {
  ALPHA,
  ANIMATED,
  BASELINE,
  CMYK,
  digest,
  FULL,
  GREY,
  jpegWith,
  jpegWithExif,
  LOSSLESS,
  LOSSY,
  PROGRESSIVE,
  type SmallFile,
  webpWith,
} from './files.ts';

/** The error of a call: its code and message. */
async function failure(bytes: unknown, options?: object): Promise<[string, string]> {
  try {
    await decodePicture(bytes as Uint8Array, options);
  } catch (error) {
    expect(error).toBeInstanceOf(TaesdError);
    const { code, message } = error as TaesdError;
    return [code, message.replace(/^decodePicture: /, '')];
  }
  return ['none', ''];
}

/** A copy with other bytes at an offset. */
function changed(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(values, at);
  return copy;
}

const summary = async (bytes: BytesLike, options = {}) => {
  const { kind, width, height, data, text, notes } = await decodePicture(bytes, options);
  return { kind, width, height, digest: digest(data), texts: text.size, notes };
};
const expected = (kind: string, { width, height, digest: hash }: SmallFile) => ({
  kind,
  width,
  height,
  digest: hash,
  texts: 0,
  notes: [],
});

/** The offset of a JPEG marker. */
const markerAt = (bytes: Uint8Array, marker: number): number =>
  bytes.findIndex((byte, at) => byte === 0xff && bytes[at + 1] === marker);
const FRAME = markerAt(BASELINE.bytes, 0xc0);
const SCAN = markerAt(BASELINE.bytes, 0xda);

describe('pixels', () => {
  test('a JPEG of every kind → what sharp reads, to the bit', async () => {
    for (const file of [BASELINE, PROGRESSIVE, FULL, GREY]) {
      expect(await summary(file.bytes)).toEqual(expected('JPEG', file));
    }
  });

  test('a WebP of every kind → what sharp reads, to the bit', async () => {
    for (const file of [LOSSY, LOSSLESS, ALPHA]) {
      expect(await summary(file.bytes)).toEqual(expected('WebP', file));
    }
  });

  test('EXIF of a JPEG and of a WebP, 1 to 8 → upright', async () => {
    const stored = {
      JPEG: await decodePicture(BASELINE.bytes),
      WebP: await decodePicture(LOSSY.bytes),
    };
    for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8] as const) {
      const exif = buildExif({ orientation });
      for (const bytes of [jpegWithExif(BASELINE.bytes, exif), webpWith(LOSSY, { EXIF: exif })]) {
        const picture = await decodePicture(bytes);
        const { width, height, data } = oriented(stored[picture.kind as 'JPEG'], orientation);
        const found = [picture.width, picture.height, digest(picture.data)];
        expect(found).toEqual([width, height, digest(data as Uint8Array)]);
      }
    }
  });

  test('a PNG → its pixels and texts', async () => {
    const data = Uint8Array.from({ length: 24 }, (_, i) => 10 * i);
    const bytes = encodePng({ width: 3, height: 2, data }, { Title: 'ramp' });
    const picture = await decodePicture(bytes);
    expect(picture).toEqual({
      kind: 'PNG',
      width: 3,
      height: 2,
      data: Uint8ClampedArray.from(data),
      text: new Map([['Title', 'ramp']]),
      notes: [],
    });
  });

  test("colour: 'raw' → pixels as they are stored", async () => {
    const turned = jpegWithExif(BASELINE.bytes, buildExif({ orientation: 6 }));
    expect(await summary(turned)).toMatchObject({ width: 9, height: 17 });
    expect(await summary(turned, { colour: 'raw' })).toEqual(expected('JPEG', BASELINE));
  });

  test('a subarray; bytes that are changed after the call; bytes behind the end → no matter', async () => {
    const { bytes } = BASELINE;
    const longer = joined([1, 2, 3], bytes, [4, 5, 0xff, 0xd8]);
    const call = summary(longer.subarray(3));
    longer.fill(0);
    expect(await call).toEqual(expected('JPEG', BASELINE));
    expect(await summary(joined(LOSSY.bytes, [1, 2, 3]))).toEqual(expected('WebP', LOSSY));
  });

  test('bytes that are changed or transferred after the call → no matter for EXIF and profiles', async () => {
    const turned = () => jpegWithExif(BASELINE.bytes, buildExif({ orientation: 6 }));
    const wanted = await summary(turned());
    const changed = turned();
    const call = summary(changed);
    changed.fill(0);
    expect(await call).toEqual(wanted);
    const moved = turned().slice();
    const other = summary(moved);
    structuredClone(moved, { transfer: [moved.buffer] });
    expect(await other).toEqual(wanted);
  });

  test('bytes before the end marker → a note', async () => {
    const { bytes } = BASELINE;
    const padded = joined(bytes.subarray(0, -2), [0, 0, 0], bytes.subarray(-2));
    expect(await summary(padded)).toEqual({
      ...expected('JPEG', BASELINE),
      notes: ['JPEG: Corrupt JPEG data: 3 extraneous bytes before marker 0xd9'],
    });
  });

  test('a global ImageData of other code → the pixels; it stays', async () => {
    class Other {}
    vi.stubGlobal('ImageData', Other);
    try {
      expect(await summary(BASELINE.bytes)).toEqual(expected('JPEG', BASELINE));
      expect(await summary(LOSSY.bytes)).toEqual(expected('WebP', LOSSY));
      expect(Reflect.get(globalThis, 'ImageData')).toBe(Other);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test('calls at the same time, the global scope → each its own; untouched', async () => {
    const had = 'ImageData' in globalThis;
    const four = [GREY, LOSSY, PROGRESSIVE, ALPHA];
    const found = await Promise.all(four.map(async ({ bytes }) => (await summary(bytes)).digest));
    expect(found).toEqual(four.map((file) => file.digest));
    expect('ImageData' in globalThis).toBe(had);
  });
});

describe('profiles', () => {
  /** Display P3: its primaries for the white of D50, and the curve of sRGB. */
  const curve = parametricTag(3, [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]);
  const P3 = iccProfile('RGB ', {
    rXYZ: xyzTag([0.5151, 0.2412, -0.0011]),
    gXYZ: xyzTag([0.292, 0.6922, 0.0419]),
    bXYZ: xyzTag([0.1571, 0.0666, 0.7841]),
    rTRC: curve,
    gTRC: curve,
    bTRC: curve,
  });
  /** Linear P3 to linear sRGB. Source: CSS Color 4, section 18 */
  const MATRIX = [
    [1.2249, -0.2247, 0],
    [-0.042, 1.0419, 0],
    [-0.0197, -0.0786, 1.0979],
  ];
  const fromP3 = (data: Uint8Array): number[] => {
    const found: number[] = [];
    for (let i = 0; i < data.length; i += 4) {
      const light = [...data.subarray(i, i + 3)].map((byte) => toLinear(byte / 255));
      for (const row of MATRIX) {
        const mixed = row.reduce((sum, value, c) => sum + value * light[c], 0);
        found.push(Math.round(255 * fromLinear(Math.max(0, Math.min(1, mixed)))));
      }
      found.push(data[i + 3]);
    }
    return found;
  };
  const parts = (...pieces: Uint8Array[]): Uint8Array[] =>
    pieces.map((piece, n) => joined('ICC_PROFILE\0', [n + 1, pieces.length], piece));

  test('Display P3 in a WebP and, in two parts, in a JPEG → converted to sRGB', async () => {
    const [first, second] = parts(P3.subarray(0, 200), P3.subarray(200));
    // The second part stands first: parts are put in order by their numbers.
    const jpeg = jpegWith(jpegWith(BASELINE.bytes, 0xe2, first), 0xe2, second);
    for (const [file, bytes] of [
      [LOSSLESS, webpWith(LOSSLESS, { ICCP: P3 })],
      [BASELINE, jpeg],
    ] as const) {
      const stored = await decodePicture(file.bytes);
      const { data, notes } = await decodePicture(bytes);
      const wanted = fromP3(Uint8Array.from(stored.data));
      expect(notes).toEqual([]);
      expect(Math.max(...data.map((byte, i) => Math.abs(byte - wanted[i])))).toBeLessThanOrEqual(1);
      expect(Math.max(...data.map((byte, i) => Math.abs(byte - stored.data[i])))).toBeGreaterThan(
        2,
      );
      const raw = await decodePicture(bytes, { colour: 'raw' });
      expect([raw.data, raw.notes]).toEqual([stored.data, []]);
    }
  });

  test('a part missing, a profile of printers, colours for grey → as stored, with a note', async () => {
    const [first] = parts(P3, P3);
    const cmyk = iccProfile('CMYK', {});
    const rows: [Uint8Array, SmallFile, string][] = [
      [
        jpegWith(BASELINE.bytes, 0xe2, first),
        BASELINE,
        'JPEG: the profile is not applied: it is malformed',
      ],
      [
        webpWith(LOSSY, { ICCP: cmyk }),
        LOSSY,
        'WebP: the profile is not applied: it is for CMYK, and the picture is RGB',
      ],
      [
        jpegWith(GREY.bytes, 0xe2, parts(P3)[0]),
        GREY,
        'JPEG: the profile is not applied: it is for RGB, and the picture is GRAY',
      ],
    ];
    for (const [bytes, file, note] of rows) {
      expect(await summary(bytes)).toMatchObject({ digest: file.digest, notes: [note] });
    }
  });
});

describe('arguments', () => {
  test('an ArrayBuffer, a DataView of its middle → as the bytes; detached → ARG', async () => {
    const { bytes } = BASELINE;
    const wanted = await summary(bytes);
    const padded = new Uint8Array(bytes.length + 9);
    padded.set(bytes, 4);
    const view = new DataView(padded.buffer, 4, bytes.length);
    expect(await summary(bytes.slice().buffer)).toEqual(wanted);
    expect(await summary(view)).toEqual(wanted);
    structuredClone(padded, { transfer: [padded.buffer] });
    const sentence = '"bytes" expected live data, got a detached buffer (transferred to a worker?)';
    for (const gone of [view, padded]) expect(await failure(gone)).toEqual(['ARG', sentence]);
  });

  test('no bytes, an unknown option, a wrong value → ARG', async () => {
    const { bytes } = BASELINE;
    expect(await failure('photo.jpg')).toEqual([
      'ARG',
      '"bytes" expected a Uint8Array or ArrayBuffer, got "photo.jpg"',
    ]);
    expect(await failure(bytes, { maxPixel: 1 })).toEqual([
      'ARG',
      'unknown option "maxPixel" (known: maxPixels, colour)',
    ]);
    expect(await failure(bytes, { maxPixels: 0 })).toEqual([
      'ARG',
      '"maxPixels" expected a whole number from 1 to 536870912, got 0',
    ]);
    expect(await failure(bytes, { colour: 'p3' })).toEqual([
      'ARG',
      '"colour" expected \'srgb\' or \'raw\', got "p3"',
    ]);
  });

  test('maxPixels → checked in the header, before a decoder is loaded', async () => {
    expect(await summary(BASELINE.bytes, { maxPixels: 153 })).toMatchObject({ width: 17 });
    const rule = 'expected at most 152 pixels, got 17×9 = 153 (option maxPixels)';
    expect(await failure(BASELINE.bytes, { maxPixels: 152 })).toEqual([
      'LIMIT',
      `"marker ff c0 at byte ${FRAME}" ${rule}`,
    ]);
    expect(await failure(LOSSY.bytes, { maxPixels: 152 })).toEqual([
      'LIMIT',
      `"VP8 at byte 12" ${rule}`,
    ]);
    expect(DEFAULT_MAX_PIXELS).toBe(2 ** 26);
    const huge = changed(BASELINE.bytes, FRAME + 5, 0xff, 0xdc, 0xff, 0xdc);
    expect((await failure(huge))[1]).toContain('at most 67108864 pixels, got 65500×65500');
  });
});

describe('other kinds', () => {
  const box = (...brands: string[]) =>
    latin1(
      `\0\0\0${String.fromCharCode(8 + 4 * (brands.length + 1))}ftyp${brands[0]}\0\0\0\0${brands.slice(1).join('')}`,
    );
  const magick = (name: string) => `"magick ${name} out.png" of ImageMagick makes a PNG of it`;
  const avif = '"avifdec in.avif out.png" of libavif makes a PNG of it';
  const heic = '"heif-dec in.heic out.png" of libheif makes a PNG of it';
  const svg = '"rsvg-convert in.svg -o out.png" of librsvg makes a PNG of it';
  const jp2 = '"opj_decompress -i in.jp2 -o out.png" of OpenJPEG makes a PNG of it';
  const jxl = '"djxl in.jxl out.png" of libjxl makes a PNG of it';
  const rows: readonly (readonly [name: string, hint: string, ...starts: Uint8Array[]])[] = [
    ['a GIF file', magick('in.gif[0]'), latin1('GIF87a\x01\0\x01\0'), latin1('GIF89a\x01\0\x01\0')],
    ['an AVIF file', avif, box('avif', 'mif1'), box('avis'), box('mif1', 'miaf', 'avif')],
    [
      'a HEIC file',
      heic,
      box('heic', 'mif1'),
      box('mif1', 'heic'),
      box('mif1'),
      box('msf1', 'hevc'),
    ],
    ['a TIFF file', magick('in.tiff[0]'), latin1('II*\0\x08\0\0\0'), latin1('MM\0*\0\0\0\x08')],
    ['a BMP file', magick('in.bmp'), latin1('BM\x46\0\0\0\0\0\0\0\x36\0\0\0')],
    ['a JPEG 2000 file', jp2, latin1('\0\0\0\x0cjP  \r\n\x87\n'), latin1('\xff\x4f\xff\x51\0')],
    ['a JPEG XL file', jxl, latin1('\xff\x0a\x01'), latin1('\0\0\0\x0cJXL \r\n\x87\n')],
    ['an ICO file', magick('in.ico[0]'), latin1('\0\0\x01\0\x01\0\x10\x10\0\0\x01\0')],
    ['a PSD file', magick('in.psd[0]'), latin1('8BPS\0\x01\0\0\0\0\0\0')],
    ['a QOI file', magick('in.qoi'), latin1('qoif\0\0\0\x01\0\0\0\x01\x03\0')],
    [
      'an SVG file',
      svg,
      latin1('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      latin1('\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a drawing -->\n<svg width="1"/>'),
    ],
    ['an MNG file', magick('in.mng[0]'), latin1('\x8aMNG\r\n\x1a\n')],
  ];
  for (const [name, hint, ...starts] of rows) {
    test(`${name} → UNSUPPORTED, naming it and what converts it`, async () => {
      for (const start of starts) {
        expect(await failure(start)).toEqual([
          'UNSUPPORTED',
          `"bytes" expected a PNG, JPEG or WebP file, got ${name} (${hint})`,
        ]);
      }
    });
  }

  test('no picture → FORMAT; three right bytes → TRUNCATED', async () => {
    const rule = '"bytes" expected a PNG, JPEG or WebP file, got';
    expect(await failure(latin1(''))).toEqual(['FORMAT', `${rule} 0 bytes (empty file?)`]);
    for (const [text, hex] of [
      ['RIFF\x04\0\0\0WAVE', '52 49 46 46 04 00 00 00'],
      ['\0\0\x01\0\0\0\0\0\0\0', '00 00 01 00 00 00 00 00'],
      ['\0\0\0\x18ftypmp42\0\0\0\0', '00 00 00 18 66 74 79 70'],
    ]) {
      expect(await failure(latin1(text))).toEqual([
        'FORMAT',
        `${rule} a file that begins with ${hex}`,
      ]);
    }
    const xml = `${rule} a file that begins with "<?xml version="1"`;
    expect(await failure(latin1('<?xml version="1.0"?><html/>'))).toEqual(['FORMAT', xml]);
    const [, page] = await failure(latin1('<!DOCTYPE html><html>'));
    expect(page).toBe(
      `${rule} HTML (the address is wrong, or a web page was saved in place of the file)`,
    );
    const [, pointer] = await failure(latin1('version https://git-lfs.github.com/spec/v1\n'));
    expect(pointer).toContain(`${rule} a Git LFS pointer (`);
    for (const text of ['\xff\xd8', 'RIFF', '\x89P', 'RIFF\x04\0\0\0WEB']) {
      const [code] = await failure(latin1(text));
      expect(code, text).toBe(text.length > 4 ? 'FORMAT' : 'TRUNCATED');
    }
  });
});

describe('JPEG: what is refused', () => {
  test('four components → UNSUPPORTED, with what converts them', async () => {
    expect(await failure(CMYK.bytes)).toEqual([
      'UNSUPPORTED',
      'a CMYK JPEG, for printing, is not read ("magick in.jpg -colorspace sRGB out.png" of ImageMagick makes a PNG of it)',
    ]);
  });

  const cases: readonly (readonly [string, Uint8Array, string, string])[] = [
    [
      'arithmetic codes',
      changed(BASELINE.bytes, FRAME + 1, 0xc9),
      'UNSUPPORTED',
      'expected a baseline or progressive JPEG with Huffman codes, got one with arithmetic codes ("magick in.jpg out.png" of ImageMagick makes a PNG of it)',
    ],
    [
      '12 bits',
      changed(BASELINE.bytes, FRAME + 4, 12),
      'UNSUPPORTED',
      'expected 8 bits a sample, got 12 ("magick in.jpg out.png" of ImageMagick makes a PNG of it)',
    ],
    [
      'height 0',
      changed(BASELINE.bytes, FRAME + 5, 0, 0),
      'UNSUPPORTED',
      'expected a height from 1, got 0 (its height would follow the first scan (DNL), which no browser reads)',
    ],
    [
      'width 0',
      changed(BASELINE.bytes, FRAME + 7, 0, 0),
      'FORMAT',
      'expected a width from 1, got 0',
    ],
    [
      'a segment of length 1',
      changed(BASELINE.bytes, FRAME + 2, 0, 1),
      'FORMAT',
      'expected a length of at least 2, got 1',
    ],
    [
      'a component missing',
      changed(BASELINE.bytes, FRAME + 9, 2),
      'FORMAT',
      'expected a header of its components, got 15 bytes',
    ],
  ];
  for (const [name, bytes, code, end] of cases) {
    test(`${name} → ${code}`, async () => {
      const [gotCode, message] = await failure(bytes);
      expect(message).toMatch(/^"marker ff c[0-9a-f] at byte \d+" expected /);
      expect([gotCode, message.replace(/^"[^"]*" /, '')]).toEqual([code, end]);
    });
  }

  test('an end before the scan, a second frame, 101 scans → FORMAT, FORMAT, LIMIT', async () => {
    const { bytes } = BASELINE;
    const early = joined(bytes.subarray(0, SCAN), [0xff, 0xd9]);
    expect(await failure(early)).toEqual([
      'FORMAT',
      `"marker ff d9 at byte ${SCAN}" expected a scan before it, got none (damaged file?)`,
    ]);
    const frame = bytes.subarray(FRAME, FRAME + 19);
    const twice = joined(bytes.subarray(0, FRAME), frame, bytes.subarray(FRAME));
    expect(await failure(twice)).toEqual([
      'FORMAT',
      `"marker ff c0 at byte ${FRAME + 19}" expected one frame, got a second`,
    ]);
    const scan = bytes.subarray(SCAN, -2);
    const scans = joined(bytes.subarray(0, SCAN), ...Array(101).fill(scan), [0xff, 0xd9]);
    expect(await failure(scans)).toEqual([
      'LIMIT',
      `"marker ff da at byte ${SCAN + 100 * scan.length}" expected at most 100 scans, got more`,
    ]);
  });
});

describe('WebP: what is refused', () => {
  test('an animation → UNSUPPORTED, with what extracts a frame', async () => {
    expect(await failure(ANIMATED.bytes)).toEqual([
      'UNSUPPORTED',
      'an animated WebP is not read ("webpmux -get frame 1 in.webp -o out.webp" of libwebp extracts a frame)',
    ]);
  });

  test('another first chunk, no picture, another canvas, no key frame → FORMAT', async () => {
    const { bytes } = LOSSY;
    expect(await failure(changed(bytes, 12, 0x41))).toEqual([
      'FORMAT',
      '"AP8 at byte 12" expected VP8X, VP8 or VP8L first, got AP8 ',
    ]);
    expect(await failure(changed(bytes, 20, bytes[20] | 1))).toEqual([
      'FORMAT',
      '"VP8 at byte 12" expected a key frame, got another start (damaged file?)',
    ]);
    const alpha = ALPHA.bytes;
    expect(await failure(changed(alpha, 24, 15))).toEqual([
      'FORMAT',
      '"VP8X at byte 12" expected a canvas of 17×9, got 16×9',
    ]);
    const alone = changed(alpha.subarray(0, 30), 4, 22, 0, 0, 0);
    expect(await failure(alone)).toEqual([
      'FORMAT',
      '"RIFF at byte 0" expected a chunk VP8 or VP8L, got none',
    ]);
  });

  test('shorter than its header states → TRUNCATED', async () => {
    expect(await failure(LOSSY.bytes.subarray(0, -1))).toEqual([
      'TRUNCATED',
      `"RIFF at byte 0" expected 110 bytes in all, as its header states, got 109 (the file is cut off)`,
    ]);
    const chunk = changed(LOSSY.bytes.subarray(0, 100), 4, 92);
    expect(await failure(chunk)).toEqual([
      'TRUNCATED',
      '"VP8 at byte 12" expected 90 bytes, got 80 (the file is cut off)',
    ]);
  });
});

describe('damaged files', () => {
  const all = [BASELINE, PROGRESSIVE, GREY, LOSSY, ALPHA];

  test('cut at every byte → TRUNCATED, and the next file is read', async () => {
    for (const { bytes } of all) {
      const step = rounds(7, 1);
      for (let length = 1; length < bytes.length; length += step) {
        const [code] = await failure(bytes.subarray(0, length));
        // Bytes 8 to 11 are what makes a RIFF file a WebP.
        const isOpen = bytes[0] === 0x52 && length > 4 && length < 12;
        expect(code, `${length}`).toBe(isOpen ? 'FORMAT' : 'TRUNCATED');
      }
    }
    expect(await summary(BASELINE.bytes)).toEqual(expected('JPEG', BASELINE));
  });

  test('the middle of a scan lost, the end marker there → TRUNCATED', async () => {
    const { bytes } = BASELINE;
    const lost = joined(bytes.subarray(0, SCAN + 30), [0xff, 0xd9]);
    expect(await failure(lost)).toEqual([
      'TRUNCATED',
      '"JPEG" expected scans of the whole picture, got Corrupt JPEG data: premature end of data segment (the file is cut off, or its middle is lost)',
    ]);
    expect(await summary(bytes)).toEqual(expected('JPEG', BASELINE));
  });

  test('the middle of a WebP lost, its sizes right → INTEGRITY', async () => {
    const lost = changed(LOSSY.bytes.subarray(0, 70), 4, 62);
    expect(await failure(changed(lost, 16, 50))).toEqual([
      'INTEGRITY',
      '"WebP" expected data of a whole picture, got other data (damaged file?)',
    ]);
    expect(await summary(LOSSY.bytes)).toEqual(expected('WebP', LOSSY));
  });

  test('random bytes changed → a picture or a TaesdError, and the next file is read', async () => {
    const random = seededRandom(7);
    const codes = new Set<string>();
    for (let round = 0; round < rounds(60, 3000); round++) {
      const { bytes } = all[round % all.length];
      const damaged = Uint8Array.from(bytes);
      for (let n = 0; n < 3; n++) damaged[Math.floor(random() * bytes.length)] = random() * 256;
      const [code] = await failure(damaged, { maxPixels: 2 ** 20 });
      codes.add(code);
    }
    expect([...codes].filter((code) => !ALLOWED_CODES.includes(code))).toEqual([]);
    for (const file of all) {
      expect((await summary(file.bytes)).digest).toBe(file.digest);
    }
  });
});

const ALLOWED_CODES = ['none', 'FORMAT', 'TRUNCATED', 'INTEGRITY', 'UNSUPPORTED', 'LIMIT'];
