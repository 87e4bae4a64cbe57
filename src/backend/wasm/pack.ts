import type { Tensor } from '../../tensor.ts';
import { paddedChannels } from './feature-map.ts';
import type { Memory } from './memory.ts';

/** A convolution whose weights lie in the kernels' memory as the kernels read them. */
export interface PackedConv {
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  /** As stored in the feature maps: multiples of 8. */
  readonly cin: number;
  readonly cout: number;
  readonly weightsPtr: number;
  readonly biasPtr: number;
}

/** Output channels side by side in the kernels' weights: their tile. */
const TILE_COUT = 8;

/**
 * Reorders weights from [cout, cin, kernel, kernel] to [cout / 8][kernel rows][kernel columns][cin][8], the order
 * in which a tile reads them; channels are filled up to multiples of 8 with zeros.
 *
 * @param bias  [cout], or undefined for zeros
 * @throws TaesdError LIMIT, OOM
 */
export function packConv(
  memory: Memory,
  weight: Tensor,
  bias: Tensor | undefined,
  stride: 1 | 2,
): PackedConv {
  const [trueCout, trueCin, kernel] = weight.shape;
  const cin = paddedChannels(trueCin);
  const cout = paddedChannels(trueCout);
  const weightCount = cout * cin * kernel * kernel;
  const weightsPtr = memory.allocate('weights', weightCount * Float32Array.BYTES_PER_ELEMENT);
  const biasPtr = memory.allocate('bias', cout * Float32Array.BYTES_PER_ELEMENT);
  const packed = memory.f32(weightsPtr, weightCount).fill(0);
  let source = 0;
  for (let o = 0; o < trueCout; o++) {
    const tile = Math.floor(o / TILE_COUT) * kernel;
    for (let i = 0; i < trueCin; i++) {
      for (let ky = 0; ky < kernel; ky++) {
        for (let kx = 0; kx < kernel; kx++) {
          const at = (((tile + ky) * kernel + kx) * cin + i) * TILE_COUT + (o % TILE_COUT);
          packed[at] = weight.data[source++];
        }
      }
    }
  }
  const packedBias = memory.f32(biasPtr, cout).fill(0);
  if (bias !== undefined) packedBias.set(bias.data);
  return { kernel: kernel as 1 | 3, stride, cin, cout, weightsPtr, biasPtr };
}
