import type { ModelName } from '../model/variants.ts';
import { isNpy, readNpy, writeNpy } from '../npy/npy.ts';
import { isNpz } from '../npy/npz.ts';
import { type StoredTensor, widen } from '../numbers/stored.ts';
import { showName } from '../safetensors/show-name.ts';
import { elementCount } from '../tensor.ts';
import { chooseTensor } from './choose-tensor.ts';
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
  read(bytes: Uint8Array): FormatReading {
    const stored = readNpy(bytes);
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
    const { readNpz } = await import('../npy/npz.ts');
    const arrays = readNpz(bytes);
    const tensors = Array.from(arrays, ([name, read]) => {
      const stored = read();
      return { name, dtype: stored.dtype, shape: stored.shape, stored };
    });
    const cached = cacheOf(tensors, options);
    const { name, stored } = chooseTensor(tensors, options.tensor ?? cached?.tensor);
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
  readonly shape: readonly number[];
  readonly stored: StoredTensor;
}

/** The facts that the keys of sd-scripts and the file's name tell. */
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
 * Returns the layout of a cache of sd-scripts: `latents` beside `original_size`, or `latents_HxW`
 * for each of several resolutions.
 * Source: https://github.com/kohya-ss/sd-scripts, library/strategy_base.py
 */
function cacheOf(
  arrays: readonly NamedArray[],
  { name: file = '', model: named, tensor }: LatentReadOptions,
): Cached | undefined {
  const isCache = arrays.some(({ name }) => /^original_size(?:_\d+x\d+)?$/.test(name));
  const latents = arrays.filter(({ name }) => /^latents(?:_\d+x\d+)?$/.test(name));
  if (!isCache || latents.length === 0) return undefined;
  const [largest] = latents.toSorted((a, b) => elementCount(b.shape) - elementCount(a.shape));
  const others = latents.map(({ name }) => name).filter((name) => name !== largest.name);
  const assumed =
    others.length === 0 || tensor !== undefined
      ? []
      : [
          `of several resolutions the largest is taken, ${largest.name}; others: ${others.join(', ')}`,
        ];
  const suffix = /_(sd|sdxl|sd3|flux)\.npz$/i.exec(file)?.[1].toLowerCase() ?? '';
  const bySuffix = SUFFIXES.get(suffix);
  // SD and SDXL are in VAE space both; of 16 channels only the model tells.
  const byModel = [...SUFFIXES.values()].find(({ model }) => model === named)?.space;
  const byChannels = largest.shape[0] === 4 ? ('vae' as const) : undefined;
  const space = bySuffix?.space ?? byModel ?? byChannels;
  return { tensor: largest.name, space, model: bySuffix?.model, assumed };
}
