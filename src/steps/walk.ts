import { framesOf, joinFrames } from '../backend/frames.ts';
import type { LayerByLayer } from '../backend/layer-by-layer.ts';
import { Pacer, untilTurn } from '../backend/pacer.ts';
import { channelsOfPictures, checkOne, checkOptions, checkPictures } from '../calls/arguments.ts';
import { extendedRows } from '../calls/extended-rows.ts';
import { withAlpha } from '../calls/with-alpha.ts';
import { checkLive, describe } from '../checks.ts';
import type { EngineLayers } from '../engine.ts';
import { expected, inCall, inLoop } from '../errors.ts';
import { imageRows } from '../image.ts';
import type { BoundLayer, BoundNetwork } from '../model/bind.ts';
import { geometryOf } from '../model/geometry.ts';
import { type Half, isFramed } from '../model/layers.ts';
import { type Chw, countMultiplyAdds, countParameters, outputShape } from '../model/measure.ts';
import { convertChannels, fromVae } from '../model/vae-space.ts';
import { checkLatentChannels, repeatsEdges, type Variant } from '../model/variants.ts';
import type { Step, StepsOptions } from '../options/step.ts';
import type { ImageLike, RunOptions } from '../options/types.ts';
import { lazily } from '../platform/lazily.ts';
import { milliseconds } from '../platform/timers.ts';
import { type RowSource, readAll, tensorRows, tensorSink } from '../rows.ts';
import { type Tensor, zeros } from '../tensor.ts';
import { refuseRange, toUnitRange } from '../tensor-like/picture-range.ts';
import type { ReadLatents } from '../tensor-like/read-latents-like.ts';
import { needsUnitRange } from '../tensor-like/shares-outside.ts';
import { arithmeticOf } from './arithmetic.ts';
import { inputAreaOf } from './input-area.ts';
import { blockOperations, frameOperations, moduleText, type Operation } from './operations.ts';

/** Numbers added in one go, about 1 ms of work, before the event loop may have a turn. */
const ADDED_AT_ONCE = 2 ** 18;

/** The parts of an instance that a walk through its layers uses. */
export interface WalkedInstance {
  readonly variant: Variant;
  /** @throws TaesdError ARG (the half is not loaded, the instance was disposed) */
  readonly checkPart: (part: Half) => void;
  readonly layers: (part: Half) => EngineLayers;
  /**
   * Waits for all earlier calls.
   *
   * @returns a function that ends the turn
   * @throws TaesdError ABORTED
   */
  readonly turn: (pacer: Pacer) => Promise<() => void>;
}

/**
 * Runs a half layer by layer; see `Taesd.steps`. Each layer takes a turn of its own among the
 * instance's calls, so a loop that calls `decode` between two layers does not wait for itself.
 *
 * @param input  a copy that only the loop writes to
 */
export async function* walkSteps(
  input: ImageLike | ReadLatents,
  options: StepsOptions,
  instance: WalkedInstance,
): AsyncGenerator<Step, void, void> {
  const { part, rows } = checkedInput(input, options, instance.variant);
  instance.checkPart(part);
  const { network, kernels, maxMemory } = instance.layers(part);
  const runner = await startRunner(kernels, maxMemory);
  const walk: Walk = { part, runner, instance, tallest: tallestBefore(network) };
  const pacer = new Pacer(options.signal);
  let x = readAll(part === 'encoder' ? await asEncoded(rows, options, instance.variant) : rows);
  for (const [index, { layer, weights }] of network.entries()) {
    const name = `${part}.${index}`;
    const step = await run(walk, { index, name, layer, weights, reads: [0] }, [x], pacer);
    yield step;
    x = step.output;
  }
}

/** The parts shared by all steps of a walk, and by the steps inside blocks. */
interface Walk {
  readonly part: Half;
  readonly runner: LayerByLayer;
  readonly instance: WalkedInstance;
  /** The height of the tallest map of the half, as a multiple of each layer's input. */
  readonly tallest: readonly number[];
}

/** Returns `tallest` of a walk. */
function tallestBefore(network: BoundNetwork): number[] {
  const heights = [1];
  for (const [index, { layer }] of network.entries()) {
    const [up, down] = geometryOf(layer);
    heights.push((heights[index] * up) / down);
  }
  const tallest = Math.max(...heights);
  return heights.map((height) => tallest / height);
}

/** Loads the code that runs single layers, which only `steps` needs. */
async function startRunner(
  kernels: WebAssembly.Module | undefined,
  maxMemory: number | undefined,
): Promise<LayerByLayer> {
  if (kernels === undefined) {
    const { referenceLayerByLayer } = await lazily(() => import('../backend/layer-by-layer.ts'));
    return referenceLayerByLayer();
  }
  const { wasmLayerByLayer } = await lazily(() => import('../backend/wasm/layer-by-layer.ts'));
  return wasmLayerByLayer(kernels, maxMemory);
}

/** Runs the operations inside a layer, of which `inputs` are the first values. */
async function* open(
  walk: Walk,
  operations: readonly Operation[],
  inputs: readonly Tensor[],
  pacer: Pacer,
): AsyncGenerator<Step, void, void> {
  const values = [...inputs];
  for (const operation of operations) {
    const step = await run(
      walk,
      operation,
      operation.reads.map((value) => values[value]),
      pacer,
    );
    yield step;
    values.push(step.output);
  }
}

/** Runs one operation, in a turn of its own. */
async function run(
  walk: Walk,
  operation: Operation,
  inputs: readonly Tensor[],
  pacer: Pacer,
): Promise<Step> {
  const { part, runner, instance } = walk;
  const { name, index, layer, weights } = operation;
  const release = await instance.turn(pacer);
  try {
    instance.checkPart(part);
    pacer.check();
    for (const { data } of inputs) checkLive(`input of ${name}`, data);
    const [, ...input] = inputs[0].shape;
    const chw = input as unknown as Chw;
    const output = zeros([1, ...(layer.kind === 'add' ? chw : outputShape(layer, chw))]);
    const kernels = new Set<string>();
    const place = { runner, tallest: walk.tallest[index] };
    const elapsedMs = await drive(workOf(place, operation, inputs, output, kernels), pacer);
    async function* innerSteps(options: Pick<RunOptions, 'signal'>) {
      checkOptions('steps', options);
      const pacer = new Pacer(options.signal);
      if (layer.kind === 'block') {
        yield* open(walk, blockOperations(name, layer, weights), inputs, pacer);
      } else if (layer.kind !== 'add' && isFramed(layer)) {
        const { operations } = frameOperations(name, layer, weights);
        yield* open(walk, operations, framesOf(inputs[0], layer.from), pacer);
      }
    }
    return {
      part,
      index,
      name,
      module: moduleText(operation),
      layer,
      inputs,
      shape: output.shape,
      output,
      weights: copied(weights),
      parameters: layer.kind === 'add' ? 0 : countParameters(layer),
      multiplyAdds: layer.kind === 'add' ? 0 : countMultiplyAdds(layer, chw),
      kernels: [...kernels],
      elapsedMs,
      inner: (options = {}) => inLoop('steps', innerSteps(options)),
      inputArea: (area) =>
        inCall(`inputArea of ${name}`, () =>
          inputAreaOf(layer, inputs[0].shape, output.shape, area),
        ),
      arithmetic: (position) =>
        inCall(`arithmetic of ${name}`, () =>
          arithmeticOf(layer, inputs, weights, output, position),
        ),
    };
  } finally {
    release();
  }
}

/**
 * Computes an operation. Those inside a layer on frames run one after the other: between frames the
 * backends fuse nothing.
 *
 * @param place   the runner, and `tallest` of the layer's input
 * @param called  takes the kernels that were called
 */
function* workOf(
  place: { readonly runner: LayerByLayer; readonly tallest: number },
  { name, layer, weights }: Pick<Operation, 'name' | 'layer' | 'weights'>,
  inputs: readonly Tensor[],
  output: Tensor,
  called: Set<string>,
): Generator<number, void, void> {
  const { runner, tallest } = place;
  if (layer.kind === 'add') yield* addInPieces(runner, inputs, output);
  else if (!isFramed(layer)) {
    yield* runner
      .compile({ layer, weights }, tallest)
      .run(tensorRows(inputs[0]), tensorSink(output));
  } else {
    const { operations, outputs } = frameOperations(name, layer, weights);
    const values = framesOf(inputs[0], layer.from);
    for (const operation of operations) {
      const read = operation.reads.map((value) => values[value]);
      const [, ...input] = read[0].shape;
      const chw = input as unknown as Chw;
      const shape = operation.layer.kind === 'add' ? chw : outputShape(operation.layer, chw);
      const value = zeros([1, ...shape]);
      yield* workOf(place, operation, read, value, called);
      values.push(value);
    }
    output.data.set(joinFrames(outputs.map((value) => values[value])).data);
    return;
  }
  for (const kernel of runner.called()) called.add(kernel);
}

/** Adds two maps piece by piece, so that the kernels' memory need not hold them whole. */
function* addInPieces(place: LayerByLayer, [a, b]: readonly Tensor[], output: Tensor) {
  for (let first = 0; first < output.data.length; first += ADDED_AT_ONCE) {
    const [one, other] = [a, b].map(({ data }) => {
      const piece = data.subarray(first, first + ADDED_AT_ONCE);
      return { shape: [piece.length], data: piece };
    });
    output.data.set(place.add(one, other).data, first);
    // Memory access takes most of the time: that of about 64 multiply-adds a number.
    yield 64 * one.data.length;
  }
}

/** Runs the work to its end. @returns its milliseconds, without the event loop's turns */
async function drive(work: Generator<number, void, void>, pacer: Pacer): Promise<number> {
  let elapsed = 0;
  let started = milliseconds();
  for (const _ of untilTurn(work, pacer)) {
    elapsed += milliseconds() - started;
    await pacer.turn();
    started = milliseconds();
  }
  return elapsed + milliseconds() - started;
}

/** Copies weights, because the caller may write to them but must not change the instance. */
const copied = (weights: BoundLayer['weights']): Record<string, Tensor> =>
  Object.fromEntries(
    [...weights].map(([name, { shape, data }]) => [
      name,
      { shape: [...shape], data: data.slice() },
    ]),
  );

/** Scales and extends a picture as `encode` does. */
async function asEncoded(
  picture: RowSource,
  options: StepsOptions,
  variant: Variant,
): Promise<RowSource> {
  const rows = await scaled(picture, options);
  const whole = repeatsEdges(variant, rows) ? extendedRows(rows, variant) : rows;
  return variant.pictureChannels === 4 ? withAlpha(whole) : whole;
}

async function scaled(picture: RowSource, { maxSize, signal }: StepsOptions): Promise<RowSource> {
  if (maxSize === undefined) return picture;
  const { scaledRows } = await lazily(() => import('../picture/scale.ts'));
  const [rows] = await scaledRows([picture], maxSize, new Pacer(signal));
  return rows;
}

/** Returns the half to run and the rows of its input. */
function checkedInput(
  input: ImageLike | ReadLatents,
  options: StepsOptions,
  variant: Variant,
): { part: Half; rows: RowSource } {
  const { part } = options;
  if (part !== undefined && part !== 'encoder' && part !== 'decoder') {
    throw expected('ARG', 'part', "'encoder' or 'decoder'", describe(part));
  }
  if (!('tensor' in input)) {
    if (part === 'decoder') {
      throw expected('ARG', 'input', 'latents for the decoder', 'a picture', {
        hint: 'encode it first',
      });
    }
    if (options.range !== undefined) refuseRange(options.range, 'a picture');
    return { part: 'encoder', rows: imageRows(input, options, variant.pictureChannels) };
  }
  const { tensor } = input;
  const { shape } = tensor;
  const channels = channelsOfPictures(variant);
  const isPicture = channels.includes(shape[1]);
  const hint = isPicture ? 'pictures: one call for each' : 'one call for each';
  checkOne('input', tensor, hint);
  if (part === 'encoder' || (part === undefined && isPicture)) {
    checkPictures(tensor, channels);
    const { range } = options;
    if (needsUnitRange(tensor.data, range)) toUnitRange(tensor.data, range);
    return { part: 'encoder', rows: tensorRows(tensor) };
  }
  checkLatentChannels(tensor, variant, true);
  if (options.range !== undefined) refuseRange(options.range, 'latents');
  if (input.space === 'vae') convertChannels(tensor, fromVae(variant));
  return { part: 'decoder', rows: tensorRows(tensor) };
}
