import { handOn } from '../../src/backend/batches.ts';
import { Pacer } from '../../src/backend/pacer.ts';
import type { Stored } from '../../src/backend/webgpu/convolution.ts';
import type { Gpu } from '../../src/backend/webgpu/device.ts';
import { GpuProgram } from '../../src/backend/webgpu/program.ts';
import { Slots } from '../../src/backend/webgpu/slots.ts';
import { tensorRows, tensorSink } from '../../src/rows.ts';
import { zeros } from '../../src/tensor.ts';
import type { Place } from '../conformance/place.ts';
import { networkOutput } from '../run-program.ts';
import { operatorsOnGpu } from './operators-on-gpu.ts';

/** WebGPU on a device. */
export function gpuPlace(gpu: Gpu, stored: Stored = 'f32'): Place {
  return {
    name: 'webgpu',
    operators: operatorsOnGpu(gpu),
    async run(network, input, wanted) {
      const slots = new Slots(gpu);
      const program = await GpuProgram.compile(gpu, slots, network, stored);
      const layers = network.map(({ layer }) => layer);
      const output = zeros([1, ...networkOutput(layers, input)]);
      output.data.fill(Number.NaN);
      const sink = tensorSink(output);
      const span = wanted ?? { first: 0, end: output.shape[2] };
      const pacer = new Pacer(undefined);
      const batches = program.batches(tensorRows(input), span, pacer);
      for await (const batch of batches) handOn(batch, sink);
      program.dispose();
      slots.release();
      return output;
    },
  };
}
