import type { Conv, Layer } from '../../model/layers.ts';
import { outputShape } from '../../model/measure.ts';
import { tensorRows, tensorSink } from '../../rows.ts';
import { picturesOf, stack, type Tensor, zeros } from '../../tensor.ts';
import type { Operators } from '../backend.ts';
import { F32_BYTES } from './layout.ts';
import type { Machine } from './machine.ts';
import { WasmProgram } from './program.ts';

/**
 * The operators one by one. Each is a network of one layer that is packed, run and forgotten. They
 * serve tests and views of one step; whole networks are compiled once.
 */
export function wasmOperators(machine: Machine): Operators {
  const { memory } = machine;
  function runLayer(layer: Layer, input: Tensor, weights = new Map<string, Tensor>()): Tensor {
    const mark = memory.mark();
    try {
      const program = new WasmProgram(machine, [{ layer, weights }]);
      return stack(
        picturesOf(input).map((picture) => {
          const [, channels, height, width] = picture.shape;
          const output = zeros([1, ...outputShape(layer, [channels, height, width])]);
          const run = program.run(tensorRows(picture), tensorSink(output));
          while (!run.next().done);
          return output;
        }),
      );
    } finally {
      memory.release(mark);
    }
  }

  return {
    conv2d(input, weight, bias, stride) {
      const [cout, cin, kernel] = weight.shape;
      const layer = { kind: 'conv', cin, cout, kernel, stride, bias: bias !== undefined } as Conv;
      const weights = new Map([['weight', weight]]);
      if (bias !== undefined) weights.set('bias', bias);
      return runLayer(layer, input, weights);
    },
    relu: (input) => runLayer({ kind: 'relu' }, input),
    upsample2x: (input) => runLayer({ kind: 'upsample2x' }, input),
    pixelShuffle: (input, factor) => runLayer({ kind: 'pixelShuffle', factor }, input),
    pixelUnshuffle: (input, factor) => runLayer({ kind: 'pixelUnshuffle', factor }, input),
    clamp: (input, magnitude) => runLayer({ kind: 'clamp', magnitude }, input),
    add(a, b) {
      const mark = memory.mark();
      try {
        const count = Math.ceil(a.data.length / 4) * 4;
        const [aPtr, bPtr] = [a, b].map(({ data }) => {
          const ptr = memory.allocate('operands', count * F32_BYTES);
          memory.f32(ptr, data.length).set(data);
          return ptr;
        });
        machine.kernels.add(aPtr, bPtr, count);
        return { shape: a.shape, data: memory.f32(aPtr, a.data.length).slice() };
      } finally {
        memory.release(mark);
      }
    },
  };
}
