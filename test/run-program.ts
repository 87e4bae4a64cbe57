import type { Backend, Program, Span } from '../src/backend/backend.ts';
import { cut, joined } from '../src/backend/barriers.ts';
import { handOn, localRunner } from '../src/backend/batches.ts';
import { Pacer } from '../src/backend/pacer.ts';
import { compileKernels } from '../src/backend/wasm/module.ts';
import { startMoments } from '../src/backend/wasm/moments.ts';
import type { BoundNetwork } from '../src/model/bind.ts';
import type { Network } from '../src/model/layers.ts';
import { type Chw, outputShape } from '../src/model/measure.ts';
import type { Precision } from '../src/options/types.ts';
import { tensorRows, tensorSink } from '../src/rows.ts';
import { type Tensor, zeros } from '../src/tensor.ts';

/** The shape that a network gives for an input [1, C, H, W]. */
export function networkOutput(network: Network, { shape }: Tensor): Chw {
  const [, ...input] = shape;
  return network.reduce<Chw>((chw, layer) => outputShape(layer, chw), input as unknown as Chw);
}

/** Runs a network on a backend, in segments if it has barriers; rows not wanted stay NaN. */
export async function runNetwork(
  backend: Backend,
  network: BoundNetwork,
  input: Tensor,
  { wanted, precision = 'f32' }: { wanted?: Span | undefined; precision?: Precision } = {},
): Promise<Tensor> {
  const segments =
    backend.name === 'reference' ? [{ network, precision }] : await cut(network, precision);
  const runners = segments.map((segment) =>
    localRunner(backend.compile(segment.network, segment.precision)),
  );
  const runner = await joined(segments, runners, async () => startMoments(await compileKernels()));
  const layers = network.map(({ layer }) => layer);
  const output = zeros([1, ...networkOutput(layers, input)]);
  output.data.fill(NaN);
  const sink = tensorSink(output);
  const span = wanted ?? { first: 0, end: output.shape[2] };
  const batches = runner.batches(tensorRows(input), span, new Pacer(undefined));
  for await (const batch of batches) handOn(batch, sink);
  return output;
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
