import type { BoundLayer, BoundNetwork } from '../../model/bind.ts';
import { blockSkip, blockSteps, type Layer } from '../../model/layers.ts';
import { type Chw, convolutionsOf, outputShape } from '../../model/measure.ts';
import type { Tensor } from '../../tensor.ts';
import type { OnLayer, Program } from '../backend.ts';
import { type FeatureMap, mapBytes, readMap, rowBytes, writeMap } from './feature-map.ts';
import type { Kernels } from './kernels.ts';
import type { Memory } from './memory.ts';
import { type PackedConv, packConv } from './pack.ts';
import { convolve, mapCount, upsample2x } from './run-rows.ts';

/** A layer with its convolutions' weights in the kernels' memory, by their names inside the layer. */
interface PackedLayer {
  readonly layer: Layer;
  readonly convs: ReadonlyMap<string, PackedConv>;
}

/**
 * A network in the kernels' memory. Whole feature maps pass between three places: a block reads its input from
 * one while its convolutions go to and fro between the other two.
 */
export class WasmProgram implements Program {
  readonly #memory: Memory;
  readonly #kernels: Kernels;
  readonly #layers: readonly PackedLayer[];

  constructor(memory: Memory, kernels: Kernels, network: BoundNetwork) {
    this.#memory = memory;
    this.#kernels = kernels;
    this.#layers = network.map((bound) => packLayer(memory, bound));
  }

  *run(input: Tensor, onLayer?: OnLayer): Generator<number, Tensor, void> {
    const mark = this.#memory.mark();
    try {
      let shape: Chw = [input.shape[1], input.shape[2], input.shape[3]];
      const { places, zeroRowPtr } = this.#allocate(shape);
      let map = writeMap(this.#memory, places[0], input);
      for (const [index, packed] of this.#layers.entries()) {
        const [first, second] = places.filter((ptr) => ptr !== map.ptr);
        map = yield* this.#runLayer(packed, map, first, second, zeroRowPtr);
        shape = outputShape(packed.layer, shape);
        const output = map;
        const [channels] = shape;
        onLayer?.(index, () => readMap(this.#memory, output, channels));
      }
      return readMap(this.#memory, map, shape[0]);
    } finally {
      this.#memory.release(mark);
    }
  }

  /** Three places for the largest feature map of this run, and a row of zeros for the widest. */
  #allocate(input: Chw) {
    let shape = input;
    let largest = mapBytes(...shape);
    let widest = rowBytes(shape[0], shape[2]);
    for (const { layer } of this.#layers) {
      shape = outputShape(layer, shape);
      largest = Math.max(largest, mapBytes(...shape));
      widest = Math.max(widest, rowBytes(shape[0], shape[2]));
    }
    const place = () => this.#memory.allocate('feature maps', largest);
    const places = [place(), place(), place()];
    const zeroRowPtr = this.#memory.allocate('row of zeros', widest);
    this.#memory.f32(zeroRowPtr, widest / Float32Array.BYTES_PER_ELEMENT).fill(0);
    return { places, zeroRowPtr };
  }

  /** Runs one layer from `input` to one of two free places, or in place. */
  *#runLayer(
    { layer, convs }: PackedLayer,
    input: FeatureMap,
    firstPtr: number,
    secondPtr: number,
    zeroRowPtr: number,
  ): Generator<number, FeatureMap, void> {
    const kernels = this.#kernels;
    const conv = (name: string) => convs.get(name) as PackedConv;
    switch (layer.kind) {
      case 'conv':
        return yield* convolve(kernels, conv(''), input, firstPtr, zeroRowPtr);
      case 'relu':
        kernels.relu(input.ptr, mapCount(input));
        return input;
      case 'clamp':
        kernels.clamp(input.ptr, mapCount(input), layer.magnitude);
        return input;
      case 'upsample2x':
        return upsample2x(kernels, this.#memory.wasm, input, firstPtr);
      case 'block': {
        const [first, second, third] = blockSteps(layer)
          .filter((step) => step.kind === 'conv')
          .map(({ name }) => conv(name));
        const relu = { relu: true };
        const a = yield* convolve(kernels, first, input, firstPtr, zeroRowPtr, relu);
        const b = yield* convolve(kernels, second, a, secondPtr, zeroRowPtr, relu);
        if (blockSkip(layer) === undefined) {
          const finish = { add: input, relu: true };
          return yield* convolve(kernels, third, b, firstPtr, zeroRowPtr, finish);
        }
        // Once the third convolution has read `b`, its place is free for the widened skip connection.
        const sum = yield* convolve(kernels, third, b, firstPtr, zeroRowPtr);
        const skip = yield* convolve(kernels, conv('skip'), input, secondPtr, zeroRowPtr);
        kernels.add(sum.ptr, skip.ptr, mapCount(sum));
        kernels.relu(sum.ptr, mapCount(sum));
        return sum;
      }
    }
  }
}

function packLayer(memory: Memory, { layer, weights }: BoundLayer): PackedLayer {
  const convs = new Map<string, PackedConv>();
  for (const { name, conv } of convolutionsOf(layer)) {
    const prefix = name === '' ? '' : `${name}.`;
    const weight = weights.get(`${prefix}weight`) as Tensor;
    convs.set(name, packConv(memory, weight, weights.get(`${prefix}bias`), conv.stride));
  }
  return { layer, convs };
}
