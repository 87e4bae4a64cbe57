import type { Operators } from '../../src/backend/reference.ts';
import { wasmLayerByLayer } from '../../src/backend/wasm/layer-by-layer.ts';
import { CompactMachine } from '../../src/backend/wasm/machine.ts';
import { compileKernels } from '../../src/backend/wasm/module.ts';
import { WasmProgram } from '../../src/backend/wasm/program.ts';
import type { BoundLayer } from '../../src/model/bind.ts';
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

  function runLayer(bound: BoundLayer, input: Tensor): Tensor {
    const mark = memory.mark();
    try {
      const program = new WasmProgram(machine, [bound]);
      return stack(
        picturesOf(input).map((picture) => {
          const [, channels, height, width] = picture.shape;
          const output = zeros([1, ...outputShape(bound.layer, [channels, height, width])]);
          const run = program.run(tensorRows(picture), tensorSink(output));
          while (!run.next().done);
          return output;
        }),
      );
    } finally {
      memory.release(mark);
    }
  }

  return { layer: runLayer, add };
}
