import { fields, joined } from '../bytes.ts';

/*
 * Small pictures that sharp 0.35 wrote, and the FNV-1a of the RGBA that sharp reads from them. The
 * slow suite compares with sharp itself, pixel by pixel.
 */

/** A file, and what is in it. */
export interface SmallFile {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Of its RGBA. */
  readonly digest: string;
}

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

/** FNV-1a of bytes, in hexadecimal. */
export function digest(bytes: Uint8Array | Uint8ClampedArray): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

const file = (width: number, height: number, hash: string, text: string): SmallFile => ({
  bytes: fromBase64(text),
  width,
  height,
  digest: hash,
});

/** 4:2:0. */
export const BASELINE = file(
  17,
  9,
  '91ee49ad',
  '/9j/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAJABEDASIAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAABgADB//EACAQAAIBBAEFAAAAAAAAAAAAAAABBAIDBREGFDM0UXH/xAAXAQADAQAAAAAAAAAAAAAAAAABAgMF/8QAGREAAgMBAAAAAAAAAAAAAAAAAQMAAhNR/9oADAMBAAIRAxEAPwBTJvx8VC0tJpHOczl7s+U6LbbWxRy7t1AXHeavoq3WAJEITW7ALTfo5HpkJiJbs7NTFfJ//9k=',
);
export const PROGRESSIVE = file(
  17,
  9,
  '91ee49ad',
  '/9j/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wgARCAAJABEDASIAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAABQADBv/EABcBAAMBAAAAAAAAAAAAAAAAAAABAgT/2gAMAwEAAhADEAAAAVOcUCRpJ0av/8QAGxAAAgIDAQAAAAAAAAAAAAAAAgMAAQQSMTL/2gAIAQEAAQUCKxUDm2ZaFMvi/c//xAAYEQADAQEAAAAAAAAAAAAAAAAAAQISIf/aAAgBAwEBPwHCddMSf//EABcRAAMBAAAAAAAAAAAAAAAAAAABAhL/2gAIAQIBAT8Bm2bo/8QAFhAAAwAAAAAAAAAAAAAAAAAAACAh/9oACAEBAAY/AiL/AP/EABcQAQADAAAAAAAAAAAAAAAAABAAETH/2gAIAQEAAT8hiKWDZP/aAAwDAQACAAMAAAAQ9D//xAAWEQEBAQAAAAAAAAAAAAAAAAABAGH/2gAIAQMBAT8QAiYX/8QAFhEBAQEAAAAAAAAAAAAAAAAAAQBh/9oACAECAQE/EACltf/EABoQAQADAAMAAAAAAAAAAAAAAAEAEBExYXH/2gAIAQEAAT8QzZghHzKbOhocftf/2Q==',
);
/** 4:4:4. */
export const FULL = file(
  17,
  9,
  'c4480786',
  '/9j/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAJABEDAREAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAABgQH/8QAIBAAAQMDBQEAAAAAAAAAAAAAAQAEBQIDEQYUMzRRcf/EABgBAQADAQAAAAAAAAAAAAAAAAQBAwUC/8QAHREAAgEFAQEAAAAAAAAAAAAAAAISAQQRFDEDIf/aAAwDAQACEQMRAD8AUub7eKZYGAQFElkcvmJnMzL3X7o0WySMpNbiK/CnwtZvmpJs3HhRdxjZ1EGeruOpFToF+AWO7o+pD8LbXotRzSP/2Q==',
);
export const GREY = file(
  17,
  9,
  'b2bbc39d',
  '/9j/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//wAALCAAJABEBAREA/8QAFgAAAwAAAAAAAAAAAAAAAAAABQYH/8QAIRAAAQMEAQUAAAAAAAAAAAAAAQADBQQGERJxAhY0NVL/2gAIAQEAAD8AZq99uKjNRgHVTGpcdlpTAyRsjXb3V8o9evjnhJts+xHKo6//2Q==',
);
/** Four components. */
export const CMYK = file(
  8,
  8,
  '3e249e0c',
  '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAbEhQXFBEbFxYXHhwbIChCKyglJShROj0wQmBVZWRfVV1baniZgWpxkHNbXYW1hpCeo6utq2eAvMm6pseZqKuk/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EABUAAQEAAAAAAAAAAAAAAAAAAAUG/8QAHRABAAEEAwEAAAAAAAAAAAAAAQMAAgQRITFBcf/aAA4EQwBNAFkASwAAPwB/IvY8dV513VIGvtOz5MUQqm6XuvixLPAPK//Z',
);
export const LOSSY = file(
  17,
  9,
  '613633de',
  'UklGRmYAAABXRUJQVlA4IFoAAABQBACdASoRAAkAPrVKoEonJCMhsAgA4BaJZACdMoR3JoAC0AcW+JqErhKwAP7ibdim8IwVg70fjXGjzMKpEQ477YqGp14+CGkI0mdNP5c9sggSfYm/1zhAAAA=',
);
export const LOSSLESS = file(
  5,
  3,
  '3dd6d3e4',
  'UklGRm4AAABXRUJQVlA4TGEAAAAvBIAAAHegOJKkZPJP8wR3eJGIEkmSmosyofj/p7DJYpNVGkmSoq8u/wTPkeN7qJr/kEU/PODzzocOZMx98QHF1H5xEJWldmAudAMFkWxQ70MCnYRSQQXZ5Irof/zmtaYAAA==',
);
export const ALPHA = file(
  17,
  9,
  '06b0c028',
  'UklGRpgAAABXRUJQVlA4WAoAAAAQAAAAEAAACAAAQUxQSBcAAAABuYzof4BI22b+9Y4Pnh1HTMAEVDNuAABWUDggWgAAAFAEAJ0BKhEACQA+tUqeSackIqEwCADgFolkAJ0yhHcmgALQBxb4moM//4AA/uJt2KbwjBWDvR+NcaPMwqkRDjvtioanXj4IaQjSF8CDYsT7YAawrbyEqNEAAA==',
);
/** Two frames. */
export const ANIMATED = file(
  4,
  4,
  '3df70dbc',
  'UklGRrwAAABXRUJQVlA4WAoAAAACAAAAAwAAAwAAQU5JTQYAAAD/////AABBTk1GOgAAAAAAAAAAAAMAAAMAAGQAAAJWUDggIgAAALABAJ0BKgQABAABQCYlnAJ0AQ7+AuwA/vlkLwwczBiksABBTk1GTgAAAAAAAAAAAAMAAAMAAGQAAABWUDggNgAAAJQBAJ0BKgQABAAAACYllAAC51m3uAD+67GFT/ifNZAF2YZJyD8QLBwyhX895oJdVdMTi6EAAA==',
);

/** A JPEG with a segment behind its start marker. */
export function jpegWith(jpeg: Uint8Array, marker: number, contents: Uint8Array): Uint8Array {
  const length = contents.length + 2;
  const header = [0xff, marker, length >> 8, length & 255];
  return joined(jpeg.subarray(0, 2), header, contents, jpeg.subarray(2));
}

export const jpegWithExif = (jpeg: Uint8Array, exif: Uint8Array): Uint8Array =>
  jpegWith(jpeg, 0xe1, joined('Exif\0\0', exif));

/** A WebP of one chunk as an extended one, with chunks before and behind the picture. */
export function webpWith(
  { bytes, width, height }: SmallFile,
  { ICCP, EXIF }: Readonly<Partial<Record<'ICCP' | 'EXIF', Uint8Array>>>,
): Uint8Array {
  const chunk = (type: string, data: Uint8Array | undefined) =>
    data === undefined
      ? new Uint8Array(0)
      : joined(type, fields([4, data.length]), data, new Uint8Array(data.length % 2));
  const flags = (ICCP ? 0x20 : 0) + (EXIF ? 8 : 0);
  const canvas = Uint8Array.of(flags, 0, 0, 0, width - 1, 0, 0, height - 1, 0, 0);
  const chunks = [
    chunk('VP8X', canvas),
    chunk('ICCP', ICCP),
    bytes.subarray(12),
    chunk('EXIF', EXIF),
  ];
  const body = joined('WEBP', ...chunks);
  return joined('RIFF', fields([4, body.length]), body);
}
