import type { Conv, Layer, Network } from '../../model/layers.ts';
import { type Chw, countMultiplyAdds, outputShape } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import { type FusedConv, planBlock } from '../fusion.ts';
import { TILE } from './winograd.ts';

/*
 * From a list of layers to a chain of steps, each one dispatch: what is fused on the GPU. A ReLU and a skip connection go
 * into the convolution before them, a pixel shuffle into where it writes, an upsampling into where the next one reads.
 */

/** A convolution and what is fused into it. */
export interface ConvStep extends FusedConv {
  /** Its output is written as pixels: the factor of a pixel shuffle; 1 for none. */
  readonly shuffle: number;
}

/** Numbers changed one by one, or moved: layers that no convolution takes over. */
export interface RemapStep {
  readonly kind: 'remap';
  readonly layer: Exclude<Layer, { kind: 'conv' | 'block' }>;
}

/** It reads map `input` and makes map `output`; map 0 is the network's input. */
export type Step = (ConvStep | RemapStep) & { readonly input: number; readonly output: number };

export interface Plan {
  readonly steps: readonly Step[];
  /** [channels, height, width] of each map for an input of that shape. */
  shapes(input: Chw): readonly Chw[];
}

export function planNetwork(network: Network): Plan {
  const steps: Step[] = [];
  let current = 0;
  const push = (step: ConvStep | RemapStep, input = current): number => {
    const output = steps.length + 1;
    steps.push({ ...step, input, output });
    return output;
  };
  const pushConv = (
    conv: Conv,
    layer: number,
    name: string,
    fused: Partial<Pick<ConvStep, 'upsample' | 'add' | 'relu' | 'shuffle'>>,
    input = current,
  ) => {
    const { upsample = false, add, relu = false, shuffle = 1 } = fused;
    return push({ kind: 'conv', conv, layer, name, upsample, add, relu, shuffle }, input);
  };
  for (let index = 0; index < network.length; index++) {
    const layer = network[index];
    if (layer.kind === 'block') {
      current = planBlock(layer, index, current, pushConv);
      continue;
    }
    const upsample = layer.kind === 'upsample2x' && network[index + 1]?.kind === 'conv';
    const conv = upsample ? network[++index] : layer;
    if (conv.kind === 'conv') {
      const place = index;
      const relu = network[index + 1]?.kind === 'relu';
      if (relu) index++;
      const next = network[index + 1];
      const shuffle = next?.kind === 'pixelShuffle' ? next.factor : 1;
      if (shuffle > 1) index++;
      current = pushConv(conv, place, '', { upsample, relu, shuffle });
    } else if (layer.kind !== 'conv') {
      current = push({ kind: 'remap', layer });
    }
  }
  return { steps, shapes: (input) => shapesOf(steps, input) };
}

function shapesOf(steps: readonly Step[], input: Chw): Chw[] {
  const shapes: Chw[] = [input];
  for (const step of steps) shapes.push(shapeAfter(step, shapes[step.input]));
  return shapes;
}

function shapeAfter(step: Step, input: Chw): Chw {
  if (step.kind === 'remap') return outputShape(step.layer, input);
  const read = step.upsample ? outputShape({ kind: 'upsample2x' }, input) : input;
  const made = outputShape(step.conv, read);
  return step.shuffle === 1
    ? made
    : outputShape({ kind: 'pixelShuffle', factor: step.shuffle }, made);
}

/** Fewer channels than these, and transforming them costs more than it saves. */
const WINOGRAD_CHANNELS = 16;

/** A convolution that winograd.ts does: it makes whole tiles of rows. */
export type WinogradStep = Step &
  ConvStep & { readonly conv: { readonly kernel: 3; readonly stride: 1 } };

export function isWinograd(step: Step): step is WinogradStep {
  if (step.kind !== 'conv') return false;
  const { kernel, stride, cin, cout } = step.conv;
  const wide = cin >= WINOGRAD_CHANNELS && cout >= WINOGRAD_CHANNELS;
  return kernel === 3 && stride === 1 && wide;
}

/** Rows of a convolution's own output, before a shuffle makes pixels of them, that rows `span` of the map need. */
export function convRows(step: Step, { first, end }: Span): Span {
  const shuffle = step.kind === 'conv' ? step.shuffle : 1;
  const rows = { first: Math.floor(first / shuffle), end: Math.ceil(end / shuffle) };
  if (!isWinograd(step)) return rows;
  return { first: Math.floor(rows.first / TILE) * TILE, end: Math.ceil(rows.end / TILE) * TILE };
}

/** The rows of its input that a step needs for rows `span` of its output, rows outside the picture left out. */
export function inputRows(step: Step, span: Span, inputHeight: number): Span {
  let { first, end } = convRows(step, span);
  let up = 1;
  if (step.kind === 'conv') {
    const { kernel, stride } = step.conv;
    const radius = (kernel - 1) / 2;
    first = first * stride - radius;
    end = (end - 1) * stride + radius + 1;
    if (step.upsample) up = 2;
  } else if (step.layer.kind === 'pixelUnshuffle') {
    first *= step.layer.factor;
    end *= step.layer.factor;
  } else if (step.layer.kind === 'pixelShuffle') {
    up = step.layer.factor;
  } else if (step.layer.kind === 'upsample2x') {
    up = 2;
  }
  return {
    first: Math.max(Math.floor(first / up), 0),
    end: Math.min(Math.ceil(end / up), inputHeight),
  };
}

/** Steps from `first` up to and without `end`, which make map `end` of map `first`. */
export type Steps = Span;

/** The rows of every map that rows `wanted` of the last one of some steps need; none of maps that are not theirs. */
export function neededRows(
  plan: Plan,
  shapes: readonly Chw[],
  { first, end }: Steps,
  wanted: Span,
): Span[] {
  const spans: Span[] = shapes.map(() => ({ first: Infinity, end: 0 }));
  const need = (map: number, rows: Span) => {
    spans[map] = {
      first: Math.min(spans[map].first, rows.first),
      end: Math.max(spans[map].end, rows.end),
    };
  };
  need(end, wanted);
  for (const step of plan.steps.slice(first, end).toReversed()) {
    need(step.input, inputRows(step, spans[step.output], shapes[step.input][1]));
    if (step.kind === 'conv' && step.add !== undefined) need(step.add, spans[step.output]);
  }
  return spans.map((span) => (span.end === 0 ? { first: 0, end: 0 } : span));
}

/**
 * The maps at which the plan can be parted, as all that comes after goes by them, and is worth it: where rows become fewer
 * or more.
 */
export function cuts({ steps }: Plan): number[] {
  const maps = steps.map((_, n) => n).slice(1);
  return maps.filter((map) => {
    const maker = steps[map - 1];
    const later = steps.slice(map);
    const changes =
      maker.kind === 'conv' &&
      (maker.conv.stride === 2 ||
        maker.shuffle > 1 ||
        later.some((step) => step.kind === 'conv' && step.upsample && step.input === map));
    const isPassed = (step: Step) =>
      step.input < map || (step.kind === 'conv' && step.add !== undefined && step.add < map);
    return changes && !later.some(isPassed);
  });
}

/** Multiply-adds of a step for so many rows of its output. */
export function stepWork(step: Step, rows: number, width: number): number {
  if (step.kind === 'remap') return 0;
  const { conv, shuffle } = step;
  return countMultiplyAdds({ ...conv, stride: 1 }, [0, rows / shuffle, width / shuffle]);
}
