import type { AlphaOptions, Half, ModelName, Rgb } from '../../index.ts';
import { isModelName, modelNames } from '../../model/variants.ts';
import type { BackendName } from './backends.ts';
import { usageError } from './usage-error.ts';

/** A picture's size. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** @throws UsageError */
export function readModel(command: string, text: string | undefined): ModelName | undefined {
  if (text === undefined || isModelName(text)) return text;
  throw invalid(command, 'model', `one of ${modelNames().join(', ')}`, text);
}

/** @throws UsageError */
export function readPart(command: string, text: string | undefined): Half | undefined {
  if (text === undefined || text === 'encoder' || text === 'decoder') return text;
  throw invalid(command, 'part', 'encoder or decoder', text);
}

/**
 * @param names  those that the command takes
 * @throws UsageError
 */
export function readBackend(
  command: string,
  text: string | undefined,
  names: readonly BackendName[],
): BackendName | undefined {
  if (text === undefined) return undefined;
  const name = names.find((candidate) => candidate === text);
  if (name !== undefined) return name;
  const rule = `${names.slice(0, -1).join(', ')} or ${names[names.length - 1]}`;
  throw invalid(command, 'backend', rule, text);
}

/** @throws UsageError */
export function readPrecision(command: string, text: string | undefined) {
  if (text === undefined || text === 'f32' || text === 'fast') return text;
  throw invalid(command, 'precision', 'f32 or fast', text);
}

/** The most that `Taesd.load` takes. */
const MOST_WORKERS = 64;

/** @throws UsageError */
export function readWorkers(command: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = /^\d{1,2}$/.test(text) ? Number(text) : Infinity;
  if (count <= MOST_WORKERS) return count;
  throw invalid(command, 'workers', `a whole number from 0 to ${MOST_WORKERS}`, text);
}

/** @throws UsageError for an empty name, such as that of a variable that is not set */
export function readFrom(command: string, text: string | undefined): string | undefined {
  if (text !== '') return text;
  throw invalid(command, 'from', 'a folder or web address', text);
}

/** The names that stdout and its like go by. */
const STREAM = /^(?:-|\/dev\/(?:stdout|stderr|fd\/\d+)|\/proc\/self\/fd\/\d+)$/;

/**
 * @throws UsageError where a stream is meant, as what is half done could not be taken back there; for `-o=NAME`, which would
 *   be a file named `=NAME`
 */
export function checkOutputName(command: string, path: string, rule: string): void {
  if (!STREAM.test(path) && !path.startsWith('=')) return;
  throw usageError(command, '-o', rule, JSON.stringify(path));
}

/** @throws UsageError */
export function readSize(command: string, text: string | undefined): Size | undefined {
  if (text === undefined) return undefined;
  const match = /^([1-9]\d{0,9})[x×]([1-9]\d{0,9})$/i.exec(text);
  if (match === null) throw invalid(command, 'size', 'WxH, such as 451x300', text);
  return { width: Number(match[1]), height: Number(match[2]) };
}

const NAMED: ReadonlyMap<string, Rgb> = new Map([
  ['white', [255, 255, 255]],
  ['black', [0, 0, 0]],
  // CSS's gray; the middle of 0 … 255 is 127.5.
  ['gray', [128, 128, 128]],
  ['grey', [128, 128, 128]],
]);

/** @throws UsageError */
export function readBackground(command: string, text: string | undefined): AlphaOptions {
  if (text === undefined) return {};
  const color = text.toLowerCase();
  if (color === 'drop') return { alpha: 'drop' };
  const background = NAMED.get(color) ?? hexColor(color) ?? decimalColor(color);
  if (background !== undefined) return { background };
  const rule = 'white, black, gray, #rgb, #rrggbb, r,g,b or drop';
  throw invalid(command, 'background', rule, text);
}

/** `#f80` or `#ff8800` */
function hexColor(text: string): Rgb | undefined {
  if (!/^#(?:[\da-f]{3}|[\da-f]{6})$/.test(text)) return undefined;
  const digits = text.length === 4 ? text.replace(/[\da-f]/g, '$&$&') : text;
  const channel = (index: number) =>
    Number.parseInt(digits.slice(1 + 2 * index, 3 + 2 * index), 16);
  return [channel(0), channel(1), channel(2)];
}

/** `255,136,0` */
function decimalColor(text: string): Rgb | undefined {
  const match = /^(\d{1,3}),(\d{1,3}),(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const [red, green, blue] = match.slice(1).map(Number);
  return Math.max(red, green, blue) <= 255 ? [red, green, blue] : undefined;
}

const invalid = (command: string, option: string, rule: string, text: string) =>
  usageError(command, `--${option}`, rule, JSON.stringify(text));
