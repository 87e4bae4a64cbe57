import type { LatentsOnDevice } from '../backend/gpu-networks.ts';
import { checkResolution } from '../checks.ts';
import { checkLatentChannels, type Variant } from '../model/variants.ts';
import type { GpuLatents, RunOptions, SizeOptions, SpaceOptions } from '../options/types.ts';
import { lazily } from '../platform/lazily.ts';
import type { Tensor } from '../tensor.ts';
import { type ReadLatents, readLatentsLike } from '../tensor-like/read-latents-like.ts';
import { checkSpace } from '../tensor-like/space.ts';
import type { LatentsWithOrigin, TensorLike } from '../tensor-like/types.ts';
import { checkOne, croppedSize } from './arguments.ts';
import { whenRead } from './when-read.ts';

/** Latents in memory, or on the device the model runs on. */
export type Latents = TensorLike | LatentsWithOrigin | GpuLatents;

/** The latents of a call. Those in memory are a copy in the space of diffusion. */
export interface LatentsOfCall {
  readonly own: Tensor | LatentsOnDevice;
  /** The size of each picture in pixels, at its resolution. */
  readonly width: number;
  readonly height: number;
  /** 1, 1/2, 1/4 or 1/8. */
  readonly resolution: number;
}

/** The checks of the latents of a call. */
interface CallNeeds {
  /** The latents on a device, if that is where they lie. */
  readonly onDevice: LatentsOnDevice | undefined;
  readonly variant: Variant;
  /** The remedy for a batch, if the call takes a single latent. */
  readonly one: string | undefined;
}

/**
 * Copies the latents of a call that decodes, and checks them and the size of its pictures.
 *
 * @returns a promise if the numbers have to be read from a GPU
 * @throws TaesdError ARG, SHAPE, NONFINITE, OOM, ABORTED, UNSUPPORTED (an unknown VAE space)
 */
export function latentsOfCall(
  latents: Latents,
  options: RunOptions & SizeOptions & SpaceOptions,
  { onDevice, variant, one }: CallNeeds,
): LatentsOfCall | Promise<LatentsOfCall> {
  const resolution = checkResolution(options.resolution);
  const checked = (own: Tensor | LatentsOnDevice, size: SizeOptions) => {
    checkLatentChannels(own, variant, true);
    if (one !== undefined) checkOne('latents', own, one);
    const [height, width] = (['height', 'width'] as const).map((side, n) =>
      Math.ceil(croppedSize(side, size[side], own.shape[2 + n], variant) * resolution),
    );
    return { own, width, height, resolution };
  };
  if (onDevice !== undefined) {
    const own = (latents as TensorLike).space;
    const isVae = checkSpace(options.space ?? own ?? 'diffusion') === 'vae';
    return checked(isVae ? { ...onDevice, isVae } : onDevice, options);
  }
  const wanted = { ...options, what: 'latents', channels: [variant.latentChannels] };
  const read = readLatentsLike(latents, wanted, variant);
  return whenRead(read, options.signal, (copy: ReadLatents) => {
    const call = checked(copy.tensor, copy.size);
    return copy.space === 'vae' ? converted(copy.tensor, variant).then(() => call) : call;
  });
}

/** Converts a copy of VAE latents in place. @throws TaesdError UNSUPPORTED (an unknown scale) */
async function converted(latents: Tensor, variant: Variant): Promise<void> {
  // Imported on first use: most latents are in the space of diffusion.
  const { convertChannels, fromVae } = await lazily(() => import('../model/vae-space.ts'));
  convertChannels(latents, fromVae(variant));
}
