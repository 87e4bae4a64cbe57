import { handOn } from '../../src/backend/batches.ts';
import { Pacer } from '../../src/backend/pacer.ts';
import { type ConvStage, type Plan, planNetwork, type Stage } from '../../src/backend/plan.ts';
import type { Gpu } from '../../src/backend/webgpu/device.ts';
import { WEBGPU_RULES } from '../../src/backend/webgpu/plan-rules.ts';
import { GpuProgram } from '../../src/backend/webgpu/program.ts';
import { Slots } from '../../src/backend/webgpu/slots.ts';
import type { BoundNetwork } from '../../src/model/bind.ts';
import { conv1x1 } from '../../src/model/layers.ts';
import { outputShape } from '../../src/model/measure.ts';
import { tensorRows, tensorSink } from '../../src/rows.ts';
import { picturesOf, type Tensor, zeros } from '../../src/tensor.ts';
import type { LaterOperators } from '../conformance/place.ts';
import { stack } from '../stack.ts';

/** The operators one by one, in f32: networks of one layer. */
export function operatorsOnGpu(gpu: Gpu): LaterOperators {
  return {
    layer: (bound, input) => run(gpu, [bound], planNetwork([bound.layer], WEBGPU_RULES), input),
    add: (a, b) => addMaps(gpu, a, b),
  };
}

/**
 * a + b, as blocks add. No stage does that alone: one takes `a` from the channels of both, another
 * takes `b` and adds.
 */
function addMaps(gpu: Gpu, a: Tensor, b: Tensor): Promise<Tensor> {
  const [, channels] = a.shape;
  const both = picturesOf(a).map((picture, n) => {
    const [batch, , height, width] = picture.shape;
    const data = Float32Array.of(...picture.data, ...picturesOf(b)[n].data);
    return { shape: [batch, 2 * channels, height, width], data };
  });
  const conv = conv1x1(2 * channels, channels, { bias: false });
  const take = (from: number) => {
    const weight = zeros([channels, 2 * channels, 1, 1]);
    for (let c = 0; c < channels; c++) weight.data[c * 2 * channels + from + c] = 1;
    return { layer: conv, weights: new Map([['weight', weight]]) };
  };
  const plain = {
    kind: 'conv',
    conv,
    name: '',
    upsample: false,
    relu: false,
    shuffle: 1,
    norm: undefined,
    winograd: false,
    tile: 1,
  } as const;
  const stages: (ConvStage & Stage)[] = [
    { ...plain, layer: 0, add: undefined, input: 0, output: 1 },
    { ...plain, layer: 1, add: 1, input: 0, output: 2 },
  ];
  const shapes: Plan['shapes'] = (input) => [
    input,
    outputShape(conv, input),
    outputShape(conv, input),
  ];
  return run(gpu, [take(0), take(channels)], { stages, shapes, rules: WEBGPU_RULES }, stack(both));
}

async function run(gpu: Gpu, network: BoundNetwork, plan: Plan, input: Tensor): Promise<Tensor> {
  const slots = new Slots(gpu);
  const program = await GpuProgram.compile(gpu, slots, network, 'f32', plan);
  const outputs: Tensor[] = [];
  for (const picture of picturesOf(input)) {
    const [, channels, height, width] = picture.shape;
    const shape = plan.shapes([channels, height, width])[plan.stages.length];
    const output = zeros([1, ...shape]);
    const sink = tensorSink(output);
    const span = { first: 0, end: shape[1] };
    const batches = program.batches(tensorRows(picture), span, new Pacer(undefined));
    for await (const batch of batches) handOn(batch, sink);
    outputs.push(output);
  }
  program.dispose();
  slots.release();
  return stack(outputs);
}
