import type { Program, Span } from '../src/backend/backend.ts';
import type { Network } from '../src/model/layers.ts';
import { type Chw, outputShape } from '../src/model/measure.ts';
import { tensorRows, tensorSink } from '../src/rows.ts';
import { type Tensor, zeros } from '../src/tensor.ts';

/** The shape that a network gives for an input [1, C, H, W]. */
export function networkOutput(network: Network, { shape }: Tensor): Chw {
  const [, ...input] = shape;
  return network.reduce<Chw>((chw, layer) => outputShape(layer, chw), input as unknown as Chw);
}

/** Runs a program to its end; rows that were not wanted stay NaN. */
export function runProgram(
  program: Program,
  network: Network,
  input: Tensor,
  wanted?: Span,
): Tensor {
  const output = zeros([1, ...networkOutput(network, input)]);
  output.data.fill(NaN);
  const run = program.run(tensorRows(input), tensorSink(output), wanted);
  while (!run.next().done);
  return output;
}
