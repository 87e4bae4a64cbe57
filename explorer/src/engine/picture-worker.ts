import type { Picture } from 'taesd-wasm';
import { pictureSize } from 'taesd-wasm/picture';
import { decodePng } from 'taesd-wasm/png';
import { answer } from './answer.ts';

/*
 * Pictures from files, by the browser's own decoders, and the sample, by the package's, the same in every browser; beside
 * the page's thread, which would stand still for it.
 */

/** Files and pictures beyond this are refused: a browser would run out of memory, or seem to have stopped. */
const MOST_BYTES = 48 * 2 ** 20;
const MOST_PIXELS = 64e6;
/** As much of a file as its size is looked for in. */
const HEADER_BYTES = 2 ** 18;

/** A picture that was read, and how large it was. */
export interface ReadPicture {
  readonly picture: Picture;
  readonly originalWidth: number;
  readonly originalHeight: number;
}

export interface PictureMethods {
  /** @param most  the longer side at most; a larger picture is made smaller */
  read(file: File, most: number): Promise<ReadPicture>;
  sample(url: string): Promise<Picture>;
}

const methods: PictureMethods = {
  async read(file, most) {
    const called = `“${file.name}”`;
    if (file.size > MOST_BYTES) {
      throw new Error(
        `${called} has ${megabytes(file.size)}: more than the ${megabytes(MOST_BYTES)} that this page reads. A smaller copy of it will do.`,
      );
    }
    const header = new Uint8Array(await file.slice(0, HEADER_BYTES).arrayBuffer());
    const size = pictureSize(header);
    if (size !== undefined && size.width * size.height > MOST_PIXELS) {
      throw new Error(
        `${called} is ${size.width}×${size.height}: more than the ${MOST_PIXELS / 1e6} million pixels that this page unpacks. A smaller copy of it will do.`,
      );
    }
    const translucent = await straight(file, size, most);
    if (translucent !== undefined) {
      const { width, height } = translucent;
      return { picture: translucent, originalWidth: width, originalHeight: height };
    }
    let bitmap: ImageBitmap;
    try {
      bitmap = await createImageBitmap(file);
    } catch {
      throw new Error(
        `${called} is not a picture that this browser can read. PNG, JPEG, WebP and GIF are fine; a damaged file is not.`,
      );
    }
    try {
      return {
        picture: pixelsOf(bitmap, most),
        originalWidth: bitmap.width,
        originalHeight: bitmap.height,
      };
    } finally {
      bitmap.close();
    }
  },
  async sample(url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error('The sample picture is not beside this page.');
    const { width, height, data } = decodePng(new Uint8Array(await response.arrayBuffer()));
    return { width, height, data: new Uint8ClampedArray(data.buffer as ArrayBuffer) };
  },
};

/**
 * A translucent PNG that need not be made smaller, by the package: a canvas keeps colours multiplied by alpha, so that
 * those of nearly transparent pixels are rounded, and those of transparent ones lost.
 */
async function straight(
  file: File,
  size: { width: number; height: number } | undefined,
  most: number,
): Promise<Picture | undefined> {
  if (size === undefined || Math.max(size.width, size.height) > most) return undefined;
  try {
    const { width, height, data } = decodePng(new Uint8Array(await file.arrayBuffer()));
    if (!data.some((byte, i) => i % 4 === 3 && byte < 255)) return undefined;
    return { width, height, data: new Uint8ClampedArray(data) };
  } catch {
    // Not a PNG, or one that the browser may read all the same.
    return undefined;
  }
}

/** With its alpha, and no larger than asked for. */
function pixelsOf(bitmap: ImageBitmap, most: number): Picture {
  const scale = Math.min(1, most / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) =>
    Math.max(1, Math.round(side * scale)),
  );
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('this browser has no canvas to read pictures with');
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, data: data as Picture['data'] };
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;

answer(methods);
