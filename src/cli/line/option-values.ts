import { MAX_PIXELS_LIMIT, MAX_SIDE } from '../../checks.ts';
import type { ReadLatentsOptions, Space } from '../../formats/index.ts';
import { type WrittenFormat, writtenFormats } from '../../formats/table.ts';
import type { AlphaOptions, Half, LoadOptions, ModelName, Precision, Rgb } from '../../index.ts';
import { isModelName, modelNames } from '../../model/variants.ts';
import { MAX_WORKERS } from '../../options/load.ts';
import { otherModelHint } from '../../weights/other-models.ts';
import { nearest } from './nearest.ts';
import type { Size } from './size.ts';

/*
 * Readers of option values. Each returns undefined for a text it does not accept.
 */

export type BackendName = NonNullable<LoadOptions['backend']>;

export const readModel = (text: string): ModelName | undefined =>
  isModelName(text) ? text : undefined;

/**
 * Returns a hint for a name that is none of the models': that of one that is not supported, or the
 * one that it was mistyped for.
 */
export function modelHint(text: string): string | undefined {
  const other = otherModelHint(text);
  if (other !== undefined) return other;
  const meant = isModelName(text) ? undefined : nearest(text, modelNames());
  return meant === undefined ? undefined : `${meant}?`;
}

export const readHalf = (text: string): Half | undefined =>
  text === 'encoder' || text === 'decoder' ? text : undefined;

export const readBackend = (text: string): BackendName | undefined =>
  text === 'webgpu' || text === 'auto' ? text : readLayerBackend(text);

/** Reads a backend that can run a network layer by layer. */
export const readLayerBackend = (text: string): 'wasm' | 'reference' | undefined =>
  text === 'wasm' || text === 'reference' ? text : undefined;

export const readPrecision = (text: string): Precision | undefined =>
  text === 'f32' || text === 'fast' || text === 'relaxed' ? text : undefined;

export function readWorkers(text: string): number | undefined {
  const count = /^\d{1,2}$/.test(text) ? Number(text) : Infinity;
  return count <= MAX_WORKERS ? count : undefined;
}

/** Reads models, separated by commas. */
export function readModels(text: string): readonly ModelName[] | undefined {
  const models = text.split(',').map(readModel);
  const known = models.filter((model): model is ModelName => model !== undefined);
  return known.length === models.length ? [...new Set(known)] : undefined;
}

/** Returns a hint for the first of several names that is none of the models'. */
export const modelsHint = (text: string): string | undefined =>
  modelHint(text.split(',').find((name) => !isModelName(name)) ?? '');

/** Reads the number of a port. 0 stands for any that is free. */
export const readPort = (text: string): number | undefined =>
  /^\d{1,5}$/.test(text) && Number(text) <= MAX_PORT ? Number(text) : undefined;

/** The largest number of a port. */
export const MAX_PORT = 65_535;

/** Reads the name or number of an address of this machine. */
export const readHost = (text: string): string | undefined =>
  /^[\w.:%-]{1,253}$/.test(text) ? text : undefined;

/** The largest number of requests that may wait. */
export const MAX_QUEUE = 1000;

/** Reads the number of requests that may wait. */
export const readQueue = (text: string): number | undefined =>
  /^\d{1,4}$/.test(text) && Number(text) <= MAX_QUEUE ? Number(text) : undefined;

/** The longest time of a request's work, in seconds. */
export const MAX_TIMEOUT = 3600;

/** Reads a number of seconds. */
export const readTimeout = (text: string): number | undefined => readCount(text, MAX_TIMEOUT);

/** Reads a folder or web address. An empty one often comes from a variable that is not set. */
export const readLocation = (text: string): string | undefined => (text === '' ? undefined : text);

/** The files that stand for streams. A result cannot be renamed to one of them. */
const STREAM_FILE = /^(?:\/dev\/(?:stdout|stderr|fd\/\d+)|\/proc\/self\/fd\/\d+)$/;

/**
 * Reads the name of a file or folder to write, or `-` for stdout. It accepts no other name of a
 * stream, and no `-o=NAME`, which would be a file named `=NAME`.
 */
export const readOutput = (text: string): string | undefined =>
  text === '' || STREAM_FILE.test(text) || text.startsWith('=') ? undefined : text;

/** Reads the name of a folder to write to. */
export const readFolder = (text: string): string | undefined =>
  text === '-' ? undefined : readOutput(text);

/** Reads the format of latents to write by the ending of its files, without the dot. */
export const readLatentFormat = (text: string): WrittenFormat | undefined =>
  writtenFormats().find(({ endings: [ending] }) => ending === `.${text.toLowerCase()}`);

/** The formats of a decoded picture. */
export const PICTURE_FORMATS = ['png', 'safetensors'] as const;

export const readPictureFormat = (text: string): (typeof PICTURE_FORMATS)[number] | undefined =>
  PICTURE_FORMATS.find((name) => name === text.toLowerCase());

/** Reads a side in pixels. */
export const readSide = (text: string): number | undefined => readCount(text, MAX_SIDE);

/** Reads a number of pixels. */
export const readMaxPixels = (text: string): number | undefined =>
  readCount(text, MAX_PIXELS_LIMIT);

function readCount(text: string, max: number): number | undefined {
  const count = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Infinity;
  return count <= max ? count : undefined;
}

export function readSize(text: string): Size | undefined {
  const match = /^([1-9]\d{0,9})[x×]([1-9]\d{0,9})$/i.exec(text);
  return match === null ? undefined : { width: Number(match[1]), height: Number(match[2]) };
}

const RESOLUTIONS: ReadonlyMap<string, number> = new Map([
  ['1', 1],
  ['1/2', 1 / 2],
  ['0.5', 1 / 2],
  ['1/4', 1 / 4],
  ['0.25', 1 / 4],
  ['1/8', 1 / 8],
  ['0.125', 1 / 8],
]);

/** Reads a resolution, as a fraction or as a decimal number. */
export const readResolution = (text: string): number | undefined => RESOLUTIONS.get(text);

export const readSpace = (text: string): Space | undefined =>
  text === 'diffusion' || text === 'vae' ? text : undefined;

export const readDtype = (text: string): ReadLatentsOptions['dtype'] =>
  text === 'f32' || text === 'f16' || text === 'bf16' ? text : undefined;

/** Reads `1x4x64x64`, `4x64x64`, and the commas and brackets that other programs print. */
export function readShape(text: string): readonly number[] | undefined {
  const plain = text.replace(/\s+/g, '').replace(/^\[(.*)\]$|^\((.*)\)$/, '$1$2');
  if (!/^[1-9]\d{0,9}(?:[x×,][1-9]\d{0,9}){2,4}$/i.test(plain)) return undefined;
  return plain.split(/[x×,]/i).map(Number);
}

/** Reads the name of a tensor. */
export const readName = (text: string): string | undefined => (text === '' ? undefined : text);

/** The largest index that is read. */
export const MAX_INDEX = 999_999_999;

/** Reads an index from 0. */
export const readIndex = (text: string): number | undefined =>
  /^\d{1,9}$/.test(text) ? Number(text) : undefined;

const NAMED: ReadonlyMap<string, Rgb> = new Map([
  ['white', [255, 255, 255]],
  ['black', [0, 0, 0]],
  // CSS's gray; the middle of 0 … 255 is 127.5.
  ['gray', [128, 128, 128]],
  ['grey', [128, 128, 128]],
]);

export function readBackground(text: string): AlphaOptions | undefined {
  const color = text.toLowerCase();
  if (color === 'drop') return { alpha: 'drop' };
  const background = NAMED.get(color) ?? hexColor(color) ?? decimalColor(color);
  return background === undefined ? undefined : { background };
}

/** Reads `#f80` or `#ff8800`. */
function hexColor(text: string): Rgb | undefined {
  if (!/^#(?:[\da-f]{3}|[\da-f]{6})$/.test(text)) return undefined;
  const digits = text.length === 4 ? text.replace(/[\da-f]/g, '$&$&') : text;
  const channel = (index: number) =>
    Number.parseInt(digits.slice(1 + 2 * index, 3 + 2 * index), 16);
  return [channel(0), channel(1), channel(2)];
}

/** Reads `255,136,0`. */
function decimalColor(text: string): Rgb | undefined {
  const match = /^(\d{1,3}),(\d{1,3}),(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const [red, green, blue] = match.slice(1).map(Number);
  return Math.max(red, green, blue) <= 255 ? [red, green, blue] : undefined;
}
