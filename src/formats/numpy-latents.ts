import { type ErrorCode, expected, TaesdError } from '../errors.ts';
import { type ModelName, VARIANTS } from '../model/variants.ts';
import { isNpy, isNpz } from '../npy/first-bytes.ts';
import { readNpy, writeNpy } from '../npy/npy.ts';
import type { NpzArray } from '../npy/npz.ts';
import { isFloatType, type StoredTensor, widen } from '../numbers/stored.ts';
import { lazily } from '../platform/lazily.ts';
import { showName, showNames } from '../safetensors/show-name.ts';
import { elementCount, shapeText } from '../tensor.ts';
import { chooseTensor, refuseName } from './choose-tensor.ts';
import type {
  FormatReading,
  LatentFile,
  LatentFormat,
  LatentReadOptions,
  Space,
} from './format.ts';
import { asLatents } from './latent-shape.ts';
import { recordedText } from './recorded.ts';

/*
 * Latents as an array of numpy, and as one of several in an archive, such as those that sd-scripts
 * caches.
 */

/** The row of the table of formats. */
export const numpyArray = {
  name: 'a .npy file',
  endings: ['.npy'],
  holds: 'an f32 array of numpy',
  detail: 'holds an f32 array [1,C,h,w], for numpy.load',
  also: undefined,
  recognises: isNpy,
  read(bytes: Uint8Array, { tensor }: LatentReadOptions): FormatReading {
    refuseName(tensor);
    const stored = readNpy(bytes);
    if (!isFloatType(stored.dtype)) {
      const hint = 'save array.astype("float32")';
      throw expected('UNSUPPORTED', 'array', 'an array of floats', stored.dtype, { hint });
    }
    const latents = asLatents(widen(stored, 'array'), 'array');
    return { file: { latents }, kind: `numpy array, ${stored.dtype}` };
  },
  write(file: LatentFile) {
    recordedText(file);
    return writeNpy(file.latents);
  },
} satisfies LatentFormat;

/** The row of the table of formats. */
export const numpyArchive = {
  name: 'a .npz file',
  endings: ['.npz'],
  holds: 'arrays of numpy',
  detail: 'holds an array of latents, such as those that sd-scripts caches',
  also: undefined,
  recognises: isNpz,
  async read(bytes: Uint8Array, options: LatentReadOptions): Promise<FormatReading> {
    // Imported on first use: most programs read no archives.
    const { readNpz } = await lazily(() => import('../npy/npz.ts'));
    const entries = readNpz(bytes);
    const names = [...entries.keys()];
    const cachedNames = cachedLatents(names);
    const tensors = readArrays(entries, wantedNames(names, options.tensor, cachedNames));
    const cached = cachedNames.length === 0 ? undefined : cacheOf(tensors, options);
    const { name, read } = chooseTensor(tensors, options.tensor ?? cached?.tensor);
    const stored = read();
    const latents = asLatents(widen(stored, name), name);
    const kind = cached === undefined ? `array "${showName(name)}"` : 'sd-scripts cache';
    const file = { latents, space: cached?.space, model: cached?.model };
    return { file, kind: `${kind}, ${stored.dtype}`, assumed: cached?.assumed };
  },
  write: undefined,
} satisfies LatentFormat;

/** An array of an archive. */
interface NamedArray {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly read: () => StoredTensor;
}

/** The facts in sd-scripts' keys and in the file's name. */
interface Cached {
  readonly tensor: string;
  readonly space: Space | undefined;
  readonly model: ModelName | undefined;
  readonly assumed: readonly string[];
}

/** The models by the suffix of the file's name. FLUX.1's are in diffusion space when saved. */
const SUFFIXES: ReadonlyMap<string, { readonly model: ModelName; readonly space: Space }> = new Map(
  [
    ['sd', { model: 'taesd', space: 'vae' }],
    ['sdxl', { model: 'taesdxl', space: 'vae' }],
    ['sd3', { model: 'taesd3', space: 'vae' }],
    ['flux', { model: 'taef1', space: 'diffusion' }],
  ],
);

/**
 * Returns the names of the latents in a cache of sd-scripts: `latents` beside `original_size`, or
 * `latents_HxW` for each of several resolutions. Returns none for other files.
 * Source: https://github.com/kohya-ss/sd-scripts, library/strategy_base.py
 */
function cachedLatents(names: readonly string[]): string[] {
  if (!names.some((name) => /^original_size(?:_\d+x\d+)?$/.test(name))) return [];
  return names.filter((name) => /^latents(?:_\d+x\d+)?$/.test(name));
}

/** Returns the names of the arrays to read. A name that is not there lets the file list its own. */
function wantedNames(
  names: readonly string[],
  asked: string | undefined,
  cached: readonly string[],
): readonly string[] {
  if (asked !== undefined && names.includes(asked)) return [asked];
  return cached.length > 0 && asked === undefined ? cached : names;
}

/**
 * Reads the types and shapes of arrays. One of Python objects, text or records is left out if
 * others can be read: it may lie beside the latents.
 *
 * @throws TaesdError as `readNpy`, for the first array if none can be read
 */
function readArrays(
  entries: ReadonlyMap<string, NpzArray>,
  names: readonly string[],
): NamedArray[] {
  const arrays: NamedArray[] = [];
  let fault: TaesdError | undefined;
  let leftOut = 0;
  for (const name of names) {
    try {
      const { read, readNumbers } = entries.get(name) as NpzArray;
      // An archive may hold thousands of others: one error is enough.
      const stored = fault === undefined ? read() : readNumbers();
      if (stored === undefined) {
        leftOut++;
        continue;
      }
      // A single array is kept. If there are several, the chosen one is read again.
      const again = names.length === 1 ? () => stored : read;
      arrays.push({ name, dtype: stored.dtype, shape: stored.shape, read: again });
    } catch (error) {
      const isOther = error instanceof TaesdError && LEFT_OUT.includes(error.code);
      if (!isOther) throw error;
      if (fault !== undefined) leftOut++;
      fault ??= error;
    }
  }
  if (arrays.length > 0 || fault === undefined) return arrays;
  if (leftOut === 0) throw fault;
  const { code, sentence, cause } = fault;
  const others = `${leftOut} more ${leftOut === 1 ? 'array holds' : 'arrays hold'} no numbers`;
  throw new TaesdError(code, `${sentence}; ${others}`, { cause });
}

/** The codes of arrays that hold no numbers. */
const LEFT_OUT: readonly ErrorCode[] = ['UNSAFE', 'UNSUPPORTED'];

/**
 * Returns the facts of a cache of sd-scripts.
 *
 * @param latents  its arrays of latents, one or more
 */
function cacheOf(
  latents: readonly NamedArray[],
  { name: file = '', model: named, tensor }: LatentReadOptions,
): Cached {
  const [largest] = [...latents].sort((a, b) => elementCount(b.shape) - elementCount(a.shape));
  const others = latents.map(({ name }) => name).filter((name) => name !== largest.name);
  const assumed =
    others.length === 0 || tensor !== undefined
      ? []
      : [
          `the file has several resolutions; the largest, ${showName(largest.name)}, is used ` +
            `(others: ${showNames(others)})`,
        ];
  const suffix = /_(sd|sdxl|sd3|flux)\.npz$/i.exec(file)?.[1].toLowerCase() ?? '';
  const bySuffix = SUFFIXES.get(suffix);
  const channels = largest.shape[largest.shape.length - 3];
  if (bySuffix !== undefined && VARIANTS[bySuffix.model].latentChannels !== channels) {
    const sizes = shapeText(largest.shape);
    const rule = `latents of ${bySuffix.model}, which the suffix _${suffix} of its name says`;
    throw expected('SHAPE', showName(largest.name), rule, sizes, { hint: 'was the file renamed?' });
  }
  // Caches of SD and SDXL are both in VAE space. With 16 channels only the model decides.
  const byModel = [...SUFFIXES.values()].find(({ model }) => model === named)?.space;
  const byChannels = channels === 4 ? ('vae' as const) : undefined;
  const space = bySuffix?.space ?? byModel ?? byChannels;
  return { tensor: largest.name, space, model: bySuffix?.model, assumed };
}
