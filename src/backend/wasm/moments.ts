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
    // The kernels take channels by four. Those that are added are 0.
    const stored = 4 * Math.ceil(channels / 4);
    try {
      const rowPtr = memory.allocate('row', width * stored * F32_BYTES);
      const centredPtr = memory.allocate('row', width * stored * F64_BYTES);
      const meansPtr = memory.allocate('sums', stored * F64_BYTES);
      const sumsPtr = memory.allocate('sums', stored ** 2 * F64_BYTES);
      const means = memory.f64(meansPtr, stored).fill(0);
      const sums = memory.f64(sumsPtr, stored ** 2).fill(0);
      const row = memory.f32(rowPtr, width * stored).fill(0);
      for (let y = 0; y < height; y++) {
        map.read(y, row, stored);
        kernels.sumChannels(meansPtr, rowPtr, width, stored);
        yield width * channels;
      }
      for (const [c, sum] of means.entries()) means[c] = sum / (height * width);
      for (let y = 0; y < height; y++) {
        map.read(y, row, stored);
        kernels.sumProducts(sumsPtr, rowPtr, meansPtr, centredPtr, width, stored);
        yield (width * channels ** 2) / 2;
      }
      const covariance = new Float64Array(channels ** 2);
      for (let i = 0; i < channels; i++) {
        for (let j = 0; j < channels; j++) {
          covariance[i * channels + j] = sums[i * stored + j] / (height * width);
        }
      }
      return { means: means.slice(0, channels), covariance };
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
