import type { Operators } from '../../src/backend/reference.ts';
import { wasmLayerByLayer } from '../../src/backend/wasm/layer-by-layer.ts';
import { CompactMachine } from '../../src/backend/wasm/machine.ts';
import { compileKernels } from '../../src/backend/wasm/module.ts';
import { WasmProgram } from '../../src/backend/wasm/program.ts';
import type { Conv, Layer } from '../../src/model/layers.ts';
import { outputShape } from '../../src/model/measure.ts';
import { tensorRows, tensorSink } from '../../src/rows.ts';
import { picturesOf, type Tensor, zeros } from '../../src/tensor.ts';
import { stack } from '../stack.ts';

/** The kernels as operators on whole tensors, with a memory of their own: networks of one layer. */
export async function operatorsOnWasm(): Promise<Operators> {
  const module = await compileKernels();
  const machine = await CompactMachine.start(module, undefined);
  const { memory } = machine;
  const { add } = await wasmLayerByLayer(module, undefined);

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
    add,
  };
}
