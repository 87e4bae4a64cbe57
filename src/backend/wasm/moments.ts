import type { RowSource } from '../../rows.ts';
import type { Moments, MomentsOf } from '../fold-pool.ts';
import { F32_BYTES } from './layout.ts';
import { CompactMachine, type Machine } from './machine.ts';

const F64_BYTES = 8;

/** Returns the function that computes the moments of maps on the kernels. */
export const momentsOn = (machine: Machine): MomentsOf =>
  function* moments(map: RowSource): Generator<number, Moments, void> {
    const { memory, kernels } = machine;
    const { channels, height, width } = map;
    const mark = memory.mark();
    try {
      const rowPtr = memory.allocate('row', width * channels * F32_BYTES);
      const centredPtr = memory.allocate('row', width * channels * F64_BYTES);
      const meansPtr = memory.allocate('sums', channels * F64_BYTES);
      const sumsPtr = memory.allocate('sums', channels ** 2 * F64_BYTES);
      const means = memory.f64(meansPtr, channels).fill(0);
      const sums = memory.f64(sumsPtr, channels ** 2).fill(0);
      const row = memory.f32(rowPtr, width * channels);
      for (let y = 0; y < height; y++) {
        map.read(y, row, channels);
        kernels.sumChannels(meansPtr, rowPtr, width, channels);
        yield width * channels;
      }
      for (const [c, sum] of means.entries()) means[c] = sum / (height * width);
      for (let y = 0; y < height; y++) {
        map.read(y, row, channels);
        kernels.sumProducts(sumsPtr, rowPtr, meansPtr, centredPtr, width, channels);
        yield (width * channels ** 2) / 2;
      }
      return { means: means.slice(), covariance: sums.map((sum) => sum / (height * width)) };
    } finally {
      memory.release(mark);
    }
  };

/** The maximum size of the memory for moments: rows of 8192 pixels of 64 channels take 6 MB. */
const MAX_BYTES = 64 * 2 ** 20;

/**
 * Starts the kernels with a small memory of their own, for the moments of maps.
 *
 * @throws TaesdError FORMAT (other kernels), OOM
 */
export const startMoments = async (module: WebAssembly.Module): Promise<MomentsOf> =>
  momentsOn(await CompactMachine.start(module, MAX_BYTES));
