import { picturesOf, stack, type Tensor } from '../../tensor.ts';
import type { Operators } from '../backend.ts';
import { type FeatureMap, mapBytes, readMap, rowBytes, writeMap } from './feature-map.ts';
import type { Kernels } from './kernels.ts';
import type { Memory } from './memory.ts';
import { packConv } from './pack.ts';
import { convolve, mapCount, upsample2x } from './run-rows.ts';

/**
 * The operators one by one, on tensors of any number of pictures: each call copies its input into the kernels'
 * memory, runs the kernel and copies the result out. For tests and for looking at one step; networks run as
 * programs, which stay in that memory.
 */
export function wasmOperators(memory: Memory, kernels: Kernels): Operators {
  /** Runs `work` on each picture of a batch and frees what it allocated. */
  function eachPicture(
    input: Tensor,
    outChannels: number,
    work: (map: FeatureMap, picture: number) => FeatureMap,
  ): Tensor {
    const pictures = picturesOf(input).map((picture, n) => {
      const mark = memory.mark();
      try {
        const [, channels, height, width] = picture.shape;
        const ptr = memory.allocate('input', mapBytes(channels, height, width));
        return readMap(memory, work(writeMap(memory, ptr, picture), n), outChannels);
      } finally {
        memory.release(mark);
      }
    });
    return stack(pictures);
  }

  return {
    conv2d(input, weight, bias, stride) {
      return eachPicture(input, weight.shape[0], (map) => {
        const conv = packConv(memory, weight, bias, stride);
        const outBytes = mapBytes(
          conv.cout,
          Math.ceil(map.height / stride),
          Math.ceil(map.width / stride),
        );
        const outPtr = memory.allocate('output', outBytes);
        const zeroBytes = rowBytes(map.channels, map.width);
        const zeroRowPtr = memory.allocate('row of zeros', zeroBytes);
        memory.f32(zeroRowPtr, zeroBytes / Float32Array.BYTES_PER_ELEMENT).fill(0);
        return finish(convolve(kernels, conv, map, outPtr, zeroRowPtr));
      });
    },
    relu(input) {
      return eachPicture(input, input.shape[1], (map) => {
        kernels.relu(map.ptr, mapCount(map));
        return map;
      });
    },
    add(a, b) {
      const others = picturesOf(b);
      return eachPicture(a, a.shape[1], (map, n) => {
        const otherPtr = memory.allocate('other', mapBytes(map.channels, map.height, map.width));
        const other = writeMap(memory, otherPtr, others[n]);
        kernels.add(map.ptr, other.ptr, mapCount(map));
        return map;
      });
    },
    upsample2x(input) {
      return eachPicture(input, input.shape[1], (map) => {
        const outBytes = mapBytes(map.channels, 2 * map.height, 2 * map.width);
        return upsample2x(kernels, memory.wasm, map, memory.allocate('output', outBytes));
      });
    },
    clamp(input, magnitude) {
      return eachPicture(input, input.shape[1], (map) => {
        kernels.clamp(map.ptr, mapCount(map), magnitude);
        return map;
      });
    },
  };
}

/** Runs a generator to its end. */
function finish<T>(work: Generator<number, T, void>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
