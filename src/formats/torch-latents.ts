import { tagOf } from '../builtins/tags.ts';
import { widen } from '../numbers/stored.ts';
import { lazily } from '../platform/lazily.ts';
import { showName } from '../safetensors/show-name.ts';
import { isPickle, isTorch } from '../torch/first-bytes.ts';
import type { TorchFile, TorchValue } from '../torch/values.ts';
import { chooseTensor } from './choose-tensor.ts';
import type { FormatReading, LatentFormat, LatentReadOptions, Space } from './format.ts';
import { asLatents, packedSpace } from './latent-shape.ts';

/*
 * Latents that `torch.save` wrote: a tensor alone, as SimpleTuner caches them; `{"samples"}`, as
 * ComfyUI's nodes hand latents on; OneTrainer's cache; or the only tensor of latents of any dict.
 */

/** The row of the table of formats. */
export const torchLatents = {
  name: 'a file of torch.save',
  endings: ['.pt', '.pth', '.bin'],
  holds: 'a tensor of torch',
  detail: 'holds a tensor, or a dict with a tensor of latents',
  also: undefined,
  recognises: (bytes: Uint8Array) => isTorch(bytes) || isPickle(bytes),
  async read(bytes: Uint8Array, options: LatentReadOptions): Promise<FormatReading> {
    // Imported on first use: most programs read no file of torch.
    const { readTorch } = await lazily(() => import('../torch/read-torch.ts'));
    const { checkNames, tensorsOf } = await lazily(() => import('../torch/tensors-of.ts'));
    const file = readTorch(bytes);
    const layout = layoutOf(file);
    const found = tensorsOf(file);
    checkNames(found);
    const tensors = found.map(({ path, tensor }) => ({
      name: path.join('.'),
      dtype: tensor.dtype,
      shape: tensor.shape,
      tensor,
    }));
    const { name, tensor } = chooseTensor(tensors, options.tensor ?? layout?.tensor);
    const what = name === '' ? 'tensor' : name;
    const latents = asLatents(widen(tensor.read(), what), what);
    const kind =
      layout?.kind ?? (name === '' ? 'torch tensor' : `torch tensor "${showName(name)}"`);
    // ComfyUI's latents of FLUX.2 are packed, and in both spaces alike.
    const packed = layout?.space === 'vae' ? packedSpace(tensor.shape) : undefined;
    const { space, model } =
      packed === undefined
        ? { space: layout?.space, model: undefined }
        : { space: 'diffusion' as const, model: packed };
    return { file: { latents, space, model }, kind: `${kind}, ${tensor.dtype}` };
  },
  write: undefined,
} satisfies LatentFormat;

/** The layout of a program's files. */
interface KnownDict {
  readonly kind: string;
  readonly tensor: string;
  readonly space: Space;
}

/**
 * Returns the layout of a dict that a known program writes.
 * Source: https://github.com/Nerogar/mgds, PersistentCacheState; ComfyUI, nodes.py
 */
function layoutOf({ root }: TorchFile): KnownDict | undefined {
  if (tagOf(root) !== 'Map') return undefined;
  const dict = root as ReadonlyMap<unknown, TorchValue>;
  if (dict.has('__version') && dict.has('latent_image')) {
    return { kind: 'OneTrainer cache', tensor: 'latent_image', space: 'vae' };
  }
  if (dict.has('samples')) return { kind: 'ComfyUI samples', tensor: 'samples', space: 'vae' };
  return undefined;
}
