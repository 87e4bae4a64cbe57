import {
  fromVaeLatents,
  type ModelName,
  type Picture,
  readSafetensors,
  TaesdError,
  VARIANTS,
} from 'taesd-wasm';
import { readLatents } from 'taesd-wasm/latent-file';
import { decodePicture, pictureSize } from 'taesd-wasm/picture';
import { decodePng } from 'taesd-wasm/png';
import { canvasIsTrue } from './canvas-truth.ts';
import type { Opened, OpenedLatents, OpenedPicture } from './protocol.ts';
import { shrink } from './shrink.ts';

/**
 * Files and pictures beyond this are refused: a browser would run out of memory, or seem to have
 * stopped.
 */
const MAX_BYTES = 48 * 2 ** 20;
const MAX_PIXELS = 64e6;

/** The purpose that a file is opened for. */
export interface OpenOptions {
  /** The longer side of a picture at most. */
  readonly maxSide: number;
  /** The page's model, for latents that do not say theirs. */
  readonly model: ModelName;
}

/** Opens a file by its content. Errors are one sentence each, with the file's name. */
export async function openFile(file: File, options: OpenOptions): Promise<Opened> {
  const called = `“${file.name}”`;
  if (file.size > MAX_BYTES) {
    throw new Error(
      `${called} has ${megabytes(file.size)}: more than the ${megabytes(MAX_BYTES)} that this page reads. A smaller copy of it will do.`,
    );
  }
  if (file.size === 0) throw new Error(`${called} is empty.`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const size = pictureSize(bytes);
  if (size !== undefined && size.width * size.height > MAX_PIXELS) {
    throw new Error(
      `${called} is ${size.width}×${size.height}: more than the ${MAX_PIXELS / 1e6} million pixels that this page unpacks. A smaller copy of it will do.`,
    );
  }
  if (isPng(bytes)) return openPng(called, bytes, { ...options, file });
  if (size !== undefined) return openPicture(file, bytes, options.maxSide);
  const latents = await openLatents(called, bytes, { ...options, file });
  if (latents !== undefined) return latents;
  // AVIF, BMP, ICO: whatever the browser knows.
  return openPicture(file, bytes, options.maxSide);
}

const isPng = (bytes: Uint8Array): boolean =>
  [0x89, 0x50, 0x4e, 0x47].every((byte, at) => bytes[at] === byte);

/**
 * A PNG file of a picture or of latents. It needs no canvas, whose pixels not every browser tells
 * truly.
 */
async function openPng(
  called: string,
  bytes: Uint8Array,
  options: OpenOptions & { file: File },
): Promise<Opened> {
  let png: ReturnType<typeof decodePng>;
  try {
    png = decodePng(bytes);
  } catch (error) {
    throw new Error(`${called} cannot be read: ${sentenceOf(error)}.`);
  }
  const { width, height, data, text, notes } = png;
  if (text.has('taesd.model') || text.has('taesd.size')) {
    const latents = await openLatents(called, bytes, options);
    if (latents !== undefined) return latents;
  }
  const { buffer, byteOffset, length } = data;
  const clamped = new Uint8ClampedArray(buffer as ArrayBuffer, byteOffset, length);
  return decoded({ width, height, data: clamped }, notes, options.maxSide);
}

/** A picture that the package has decoded. */
const decoded = (original: Picture, notes: readonly string[], maxSide: number): OpenedPicture => ({
  kind: 'picture',
  picture: shrink(original, maxSide),
  originalWidth: original.width,
  originalHeight: original.height,
  notes: notes.map(asSentence),
});

/**
 * A picture by the browser's own decoder and a canvas. If that canvas lies, JPEG and WebP files are
 * read by the package's decoders, which are fetched then.
 */
async function openPicture(file: File, bytes: Uint8Array, maxSide: number): Promise<OpenedPicture> {
  if (await canvasIsTrue()) return openByBrowser(file, maxSide);
  try {
    const { width, height, data, notes } = await decodePicture(bytes);
    return decoded({ width, height, data }, notes, maxSide);
  } catch {
    // Another kind of picture, or one that the browser may read all the same.
    const opened = await openByBrowser(file, maxSide);
    return { ...opened, notes: [CANVAS_LIES] };
  }
}

async function openByBrowser(file: File, maxSide: number): Promise<OpenedPicture> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(
      `“${file.name}” is not a picture that this browser can read, and no latents or weights. Pictures may be PNG, JPEG, WebP, GIF or AVIF, latents .latent, .safetensors, .npy, .npz, .pt or .png, weights .safetensors or .pth. The file may be damaged.`,
    );
  }
  try {
    const { width: originalWidth, height: originalHeight } = bitmap;
    return {
      kind: 'picture',
      picture: pixelsOf(bitmap, maxSide),
      originalWidth,
      originalHeight,
      notes: [],
    };
  } finally {
    bitmap.close();
  }
}

const CANVAS_LIES =
  'This browser changes the pixels that pages read from a canvas, as a protection against fingerprinting, so this picture is not quite the one in the file. A PNG file is read without a canvas and comes through exactly.';

/** With its alpha, and no larger than asked for. */
function pixelsOf(bitmap: ImageBitmap, maxSide: number): Picture {
  const scale = Math.min(1, maxSide / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) =>
    Math.max(1, Math.round(side * scale)),
  );
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('This browser has no canvas to read pictures with.');
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, data: data as Picture['data'] };
}

/** In the package's message on bytes that no format of latents recognises. */
const UNKNOWN = 'latents in one of ';

/** @returns undefined for a file of another kind, and for a PNG file that is a picture */
async function openLatents(
  called: string,
  bytes: Uint8Array,
  { file: { name }, model: current }: OpenOptions & { file: File },
): Promise<Opened | undefined> {
  const shape = rawShape(name, bytes.length, VARIANTS[current].latentChannels);
  try {
    const found = await readLatents(bytes, { name, shape });
    return await latentsOf(called, found, current);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === 'FORMAT' && (isPng(bytes) || message.includes(UNKNOWN))) return undefined;
    if (code === 'SHAPE' && (await holdsWeights(bytes, message))) {
      return { kind: 'weights', notes: [] };
    }
    throw new Error(`${called} cannot be read: ${sentenceOf(error)}.`);
  }
}

/** The numbers of a file, in diffusion space, with a sentence on what they are. */
async function latentsOf(
  called: string,
  found: Awaited<ReturnType<typeof readLatents>>,
  current: ModelName,
): Promise<OpenedLatents> {
  const { width, height, space, source } = found;
  const [batch, channels, h, w] = found.latents.shape;
  const isOfCurrent = VARIANTS[current].latentChannels === channels;
  const model = found.model ?? (isOfCurrent ? current : undefined);
  const notes = found.assumed.map(asSentence);
  if (batch > 1) notes.push(`The file holds ${batch} latents, of which this is the first.`);
  let latents = {
    shape: [1, channels, h, w],
    data: batch === 1 ? found.latents.data : found.latents.data.slice(0, channels * h * w),
  };
  if (space === 'vae' && model !== undefined)
    latents = { ...fromVaeLatents(latents, model), shape: latents.shape };
  const whose =
    found.model === undefined
      ? 'latents of a model that it does not name'
      : `latents of ${found.model}`;
  const text = `${called} holds ${whose}: ${channels} channels of ${w}×${h}, for a picture of ${width}×${height} (${source}).`;
  return { kind: 'latents', latents, width, height, space, model, text, notes };
}

/**
 * The shape of raw numbers, which their file does not say: square latents of the page's model, if
 * that fits.
 */
function rawShape(name: string, bytes: number, channels: number): readonly number[] | undefined {
  const ending = /\.(f32|f16|bf16)$/i.exec(name)?.[1].toLowerCase();
  if (ending === undefined) return undefined;
  const side = Math.sqrt(bytes / (ending === 'f32' ? 4 : 2) / channels);
  return Number.isInteger(side) ? [1, channels, side, side] : undefined;
}

/** Whether tensors without latents among them are a model's. `message` is that of `readLatents`. */
async function holdsWeights(bytes: Uint8Array, message: string): Promise<boolean> {
  // The package tells weights by their names and shapes, in every format that it reads.
  if (message.includes('weights of a model?')) return true;
  try {
    return [...readSafetensors(bytes).tensors.keys()].some((name) => /(?:^|\.)weight$/.test(name));
  } catch {
    return false;
  }
}

/** A note of the package as a sentence of the page. */
const asSentence = (note: string): string =>
  `${note[0].toUpperCase()}${note.slice(1)}${/[.?]$/.test(note) ? '' : '.'}`;

/** An error's sentence, without the name of a call. */
const sentenceOf = (error: unknown): string =>
  error instanceof TaesdError ? error.sentence : `${(error as Error).message}`;

const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;
