import { hasOwn } from '../builtins/newer.ts';
import { describe } from '../checks.ts';
import { expected, TaesdError } from '../errors.ts';
import { type NarrowType, narrowTo } from '../numbers/narrow.ts';
import { bytesToF32, FLOAT_BYTES } from '../numbers/stored.ts';
import { elementCount, shapeText, type Tensor } from '../tensor.ts';
import type { LatentFile, LatentFormat } from './format.ts';
import { asLatents } from './latent-shape.ts';
import { recordedText } from './recorded.ts';

/*
 * Latents as bare little-endian numbers. The file says nothing of itself. The caller gives the
 * shape, and the type if the file's ending does not.
 */

/** The types and their endings. */
const TYPES = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const;

const ENDING = /\.(f32|f16|bf16)$/i;

/** The name of a type of raw numbers. */
export type RawType = keyof typeof TYPES;

/** The fields that the rows share. Raw numbers are not recognised: `readRaw` alone reads them. */
const RAW = { also: undefined, recognises: () => false, read: needsShape };

/** A row of the table of formats. */
export const rawF32 = {
  ...RAW,
  name: 'raw f32 numbers',
  endings: ['.f32'],
  holds: 'raw f32 numbers',
  detail: 'holds f32 numbers alone, little-endian, row-major',
  write: (file: LatentFile) => writeRaw('f32', file),
} satisfies LatentFormat;

/** A row of the table of formats. */
export const rawF16 = {
  ...RAW,
  name: 'raw f16 numbers',
  endings: ['.f16'],
  holds: 'raw f16 numbers',
  detail: 'holds f16 numbers alone, little-endian, row-major',
  write: (file: LatentFile) => writeRaw('f16', file),
} satisfies LatentFormat;

/** A row of the table of formats. */
export const rawBf16 = {
  ...RAW,
  name: 'raw bf16 numbers',
  endings: ['.bf16'],
  holds: 'raw bf16 numbers',
  detail: 'holds bf16 numbers alone, little-endian, row-major',
  write: (file: LatentFile) => writeRaw('bf16', file),
} satisfies LatentFormat;

function needsShape(): never {
  throw new TaesdError('ARG', 'raw numbers need their shape');
}

function writeRaw(type: RawType, file: LatentFile): Uint8Array<ArrayBuffer> {
  recordedText(file);
  return narrowTo(TYPES[type] satisfies NarrowType, file.latents.data);
}

/** Returns true if the options describe raw numbers of a type, and no shape is given yet. */
export const isRawWithoutShape = ({ dtype, name }: RawOptions): boolean =>
  dtype !== undefined || ENDING.test(name ?? '');

/** Returns the error for raw numbers without a shape. */
export function noShape(bytes: Uint8Array, options: RawOptions): TaesdError {
  const type = typeOf(options);
  const count = bytes.length / FLOAT_BYTES[TYPES[type]];
  const rule = `[N,C,h,w] or [C,h,w] of ${count} ${type} numbers`;
  const remedy = { api: 'such as shape: [1, 4, 64, 64]', command: 'such as --shape 1x4x64x64' };
  return expected('ARG', 'shape', rule, 'none', { remedy });
}

/** The options that describe raw numbers. */
export interface RawOptions {
  readonly name?: string | undefined;
  readonly shape?: readonly number[] | undefined;
  readonly dtype?: RawType | undefined;
}

/**
 * Reads raw numbers.
 *
 * @returns f32 [N, C, h, w], and the stored form in words
 * @throws TaesdError ARG (no type, a wrong shape), TRUNCATED (too few bytes), FORMAT (too many),
 *   SHAPE (no model has such latents)
 */
export function readRaw(bytes: Uint8Array, options: RawOptions): { latents: Tensor; kind: string } {
  const shape = checkedShape(options.shape);
  const dtype = TYPES[typeOf(options)];
  const length = elementCount(shape) * FLOAT_BYTES[dtype];
  if (bytes.length !== length) {
    const rule = `${length} bytes for ${dtype} ${shapeText(shape)}`;
    const code = bytes.length < length ? 'TRUNCATED' : 'FORMAT';
    throw expected(code, 'raw numbers', rule, `${bytes.length}`);
  }
  const latents = asLatents({ shape, data: bytesToF32(dtype, bytes) }, 'shape');
  return { latents, kind: `raw numbers, ${dtype}` };
}

function checkedShape(shape: unknown): number[] {
  // A list that is far too long is not copied.
  const sizes: unknown[] = Array.isArray(shape) ? Array.from(shape.slice(0, 6)) : [];
  const isSize = (size: unknown) => Number.isSafeInteger(size) && Number(size) > 0;
  if (sizes.length >= 3 && sizes.length <= 5 && sizes.every(isSize)) return sizes as number[];
  const got = Array.isArray(shape) ? shapeText(sizes) : describe(shape);
  throw expected('ARG', 'shape', '[N,C,h,w] or [C,h,w], each at least 1', got);
}

function typeOf({ dtype, name }: RawOptions): RawType {
  const ending = ENDING.exec(name ?? '')?.[1].toLowerCase() as RawType | undefined;
  const type = dtype ?? ending;
  if (typeof type === 'string' && hasOwn(TYPES, type)) return type;
  const rule = `one of ${Object.keys(TYPES).join(', ')}`;
  if (dtype !== undefined) throw expected('ARG', 'dtype', rule, describe(dtype));
  const remedy = {
    api: 'raw numbers do not say their type; dtype does',
    command: 'raw numbers do not say their type; --dtype does',
  };
  throw expected('ARG', 'dtype', rule, 'none', { remedy });
}
