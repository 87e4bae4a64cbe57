import { type BytesLike, bytesOf, checkIndex, checkNames, describe, orList } from '../checks.ts';
import { expected, inCall, type Remedy, type TaesdError } from '../errors.ts';
import {
  type ForeignKind,
  foreignError,
  isGzip,
  NOT_DOWNLOADED,
  startsWith,
  unknownFile,
} from '../first-bytes.ts';
import { fromVae } from '../model/vae-space.ts';
import {
  checkLatentChannels,
  downscalesOf,
  type LatentSpace,
  latentSpaces,
  type ModelName,
  notYet,
  VARIANTS,
  variantNamed,
} from '../model/variants.ts';
import { comparedTexts } from '../numbers/compared-texts.ts';
import { lazily } from '../platform/lazily.ts';
import { checkPick, picturesOf, type Tensor } from '../tensor.ts';
import { checkSpace } from '../tensor-like/space.ts';
import { refuseName } from './choose-tensor.ts';
import type { FormatReading, LatentReadOptions, Space } from './format.ts';
import type { LatentsAsRead } from './latent-shape.ts';
import { isRawWithoutShape, noShape, type RawType, readRaw } from './raw.ts';
import { LATENT_FORMATS, recogniseFormat } from './table.ts';

/** The options of `readLatents`. */
export interface ReadLatentsOptions extends LatentReadOptions {
  /** The space of the latents. Defaults to the one the file says, otherwise to `diffusion`. */
  readonly space?: Space | undefined;
  /** The shape of raw numbers, [N, C, h, w] or [C, h, w]. */
  readonly shape?: readonly number[] | undefined;
  /** The type of raw numbers. Defaults to the one that the name's ending says. */
  readonly dtype?: RawType | undefined;
  /** The index of the latents to return of a batch. Defaults to the whole batch. */
  readonly pick?: number | undefined;
}

/** Latents of a file. `decode` takes this object and honours its space and size. */
export interface FoundLatents {
  /** f32 [N, C, h, w]: the numbers as they stand in the file, widened to float32. */
  readonly latents: Tensor;
  readonly space: Space;
  /** The model of the latents; undefined if neither the file nor the caller says it. */
  readonly model: ModelName | undefined;
  /** The picture's size in pixels. */
  readonly width: number;
  readonly height: number;
  /** The format and the stored form in words: `ComfyUI latent, F32`. */
  readonly source: string;
  /** One sentence for each thing that the file does not say, and for numbers that look wrong. */
  readonly assumed: readonly string[];
}

/** The sentence about a PNG that may be a picture. */
export const UNMARKED = 'nothing in this PNG says that it holds latents';

const ENCODES = 'makes latents of it; or did an editor drop the alpha channel?';

/** The remedy for a PNG that can only be a picture. */
export const IS_PICTURE: Remedy = {
  api: `encode ${ENCODES}`,
  command: `taesd encode ${ENCODES}`,
};

const NAMES = Object.keys({
  ...{ name: 1, model: 1, space: 1, tensor: 1, shape: 1, dtype: 1, pick: 1, maxPixels: 1 },
} satisfies Record<keyof ReadLatentsOptions, 1>);

/**
 * Reads a file of latents of any format of the table. The content decides about the format.
 *
 * @param bytes  the whole file. Those of a `.npz`, `.pth` or gzipped file must stay as they are
 *   until the promise has settled
 * @throws TaesdError FORMAT (none of the formats; an opaque picture; damaged), TRUNCATED,
 *   INTEGRITY, UNSUPPORTED, UNSAFE, LIMIT, SHAPE (no latents in it, several, `pick` past the
 *   batch), ARG, OOM
 */
export function readLatents(
  bytes: BytesLike,
  options: ReadLatentsOptions = {},
): Promise<FoundLatents> {
  return inCall('readLatents', async () => {
    const file = bytesOf(bytes);
    checkOptions(options);
    const reading = await readFormat(file, options);
    return found(reading, options);
  });
}

function checkOptions(options: ReadLatentsOptions): void {
  checkNames(options, NAMES);
  const { name, model, space, tensor, pick } = options;
  if (model !== undefined) variantNamed(model);
  if (space !== undefined) checkSpace(space);
  for (const [what, text] of Object.entries({ name, tensor })) {
    if (text === undefined || typeof text === 'string') continue;
    throw expected('ARG', what, 'a string', describe(text));
  }
  if (pick !== undefined) checkIndex('pick', pick);
}

/** Reads a file, and the file inside a gzipped one. */
async function readFormat(bytes: Uint8Array, options: ReadLatentsOptions): Promise<FormatReading> {
  if (!isGzip(bytes) || options.shape !== undefined) return readPlain(bytes, options);
  // Imported on first use: most files are not gzipped.
  const { gunzip } = await lazily(() => import('./gunzip.ts'));
  const content = gunzip(bytes, (head) => {
    // Some archives are recognised by their end. The error for raw numbers counts them all.
    const mayBeRead =
      recogniseFormat(head) !== undefined || startsWith(head, 'PK') || isRawWithoutShape(options);
    if (!mayBeRead) throw notLatents(head);
  });
  const { kind, ...reading } = await readPlain(content, options);
  return { ...reading, kind: `${kind}, gzipped` };
}

async function readPlain(bytes: Uint8Array, options: ReadLatentsOptions): Promise<FormatReading> {
  const format = recogniseFormat(bytes);
  const { shape, tensor } = options;
  if (format !== undefined) {
    const given = (['shape', 'dtype'] as const).find((name) => options[name] !== undefined);
    if (given === undefined) return format.read(bytes, options);
    const rule = `raw numbers, because "${given}" is given`;
    throw expected('ARG', 'bytes', rule, format.name);
  }
  if (shape !== undefined) {
    refuseName(tensor);
    const { latents, kind } = readRaw(bytes, options);
    return { file: { latents }, kind };
  }
  const isRaw = bytes.length > 0 && isRawWithoutShape(options) && foreign(bytes) === undefined;
  throw isRaw ? noShape(bytes, options) : notLatents(bytes);
}

/** Content that callers take for a file of latents. */
const FOREIGN: readonly ForeignKind[] = [
  ...NOT_DOWNLOADED,
  {
    is: (bytes) => startsWith(bytes, 'TLAT'),
    code: 'FORMAT',
    got: 'a frame of a stream',
    hint: 'decodeFrame of taesd-wasm/preview reads it',
  },
];

const foreign = (bytes: Uint8Array) => foreignError(bytes, 'a file of latents', FOREIGN);

/** Makes the error for bytes that no format recognises. */
function notLatents(bytes: Uint8Array): TaesdError {
  const known = foreign(bytes);
  if (known !== undefined) return known;
  const names = LATENT_FORMATS.flatMap(({ endings }) => endings).join(', ');
  const remedy = {
    api: 'shape and dtype describe raw numbers',
    command: '--shape and --dtype describe raw numbers',
  };
  return expected('FORMAT', 'bytes', `latents in one of ${names}`, unknownFile(bytes), {
    remedy,
  });
}

/** Adds what the caller says, picks from a batch, and lists what remains assumed. */
function found(reading: FormatReading, options: ReadLatentsOptions): FoundLatents {
  const { file, kind, doubt } = reading;
  if (doubt === 'opaque') {
    throw expected('FORMAT', 'bytes', 'latents', 'an opaque picture', { remedy: IS_PICTURE });
  }
  const assumed = [...(reading.assumed ?? [])];
  if (doubt === 'unmarked') assumed.push(UNMARKED);
  const { packedOf, ...read }: LatentsAsRead = file.latents;
  const latents = picked(read, options.pick);
  const space = options.space ?? file.space ?? 'diffusion';
  if (options.space === undefined && file.space === undefined) {
    assumed.push('the file does not say its space; diffusion space is assumed');
  }
  const said = options.model ?? file.model;
  const model = said ?? packedOf;
  if (model !== undefined) checkLatentChannels(latents, VARIANTS[model]);
  const candidates = packedOf === undefined ? latentSpaces(latents.shape[1]) : [packedOf];
  if (said === undefined) {
    const whose =
      candidates.length === 0
        ? (notYet(latents.shape[1]) ?? `no model has ${latents.shape[1]} channels`)
        : `its channels are those of ${orList(candidates)}`;
    assumed.push(`the file does not say its model; ${whose}`);
  } else if (file.model !== undefined && VARIANTS[said].space !== VARIANTS[file.model].space) {
    assumed.push(`by its name or contents the file holds latents of ${file.model}, not of ${said}`);
  }
  const judged = model === undefined ? candidates : [VARIANTS[model].space];
  const spread = spreadWarning(latents, space, judged);
  if (spread !== undefined) assumed.push(spread);
  const [, , h, w] = latents.shape;
  // Latents of no known model are sized as those of the first model with so many channels.
  const [downscale] = downscalesOf(latents.shape[1], model);
  const { width = w * downscale, height = h * downscale } = file;
  return { latents, space, model, width, height, source: kind, assumed };
}

/** @throws TaesdError SHAPE (a smaller batch) */
function picked(latents: Tensor, pick: number | undefined): Tensor {
  if (pick === undefined) return latents;
  checkPick('latents', pick, latents.shape);
  const one = picturesOf(latents)[pick];
  return { ...one, data: one.data.slice() };
}

/**
 * The root mean square that latents of real pictures have in diffusion space, with room. Unit noise
 * has 1, and flat pictures of all models have 0.36 to 1.91: those of taef2 0.45 to 0.68, and its
 * photographs 0.76 to 0.85.
 */
const USUAL_SPREAD = [0.25, 4] as const;

/**
 * Returns a sentence about latents whose numbers are too small or too large for every model that
 * may have made them. taesd3's two spaces have nearly equal spreads and cannot be told apart.
 */
function spreadWarning(
  latents: Tensor,
  space: Space,
  models: readonly LatentSpace[],
): string | undefined {
  const spreads = models.map((model) => spreadOf(latents, space, model));
  // Numbers that are not finite pass: decoding refuses them with a sentence of its own.
  const isUsual = (spread: number) =>
    !Number.isFinite(spread) || (spread >= USUAL_SPREAD[0] && spread <= USUAL_SPREAD[1]);
  if (models.includes('taesd3') || spreads.some(isUsual) || spreads.length === 0) return undefined;
  const other = space === 'vae' ? 'diffusion' : 'VAE';
  const [low, high] = USUAL_SPREAD;
  const compared = [spreads[0], spreads[0] < low ? low : high] as const;
  const [spread] = comparedTexts(compared, (value, digits) => value.toPrecision(3 + digits));
  return (
    `the root mean square in diffusion space is ${spread}, ` +
    `usually ${low} to ${high}; are the numbers in ${other} space?`
  );
}

/** Returns the root mean square in diffusion space; NaN if it is not known. */
function spreadOf({ shape, data }: Tensor, space: Space, model: LatentSpace): number {
  const variant = VARIANTS[model];
  if (space === 'vae' && 'unknown' in variant.fromVae) return NaN;
  const convert = space === 'vae' ? fromVae(variant) : (x: number) => x;
  const [, channels, h, w] = shape;
  let sum = 0;
  for (let i = 0; i < data.length; i++) {
    sum += convert(data[i], Math.floor(i / (h * w)) % channels) ** 2;
  }
  return Math.sqrt(sum / data.length);
}
