import type { GroupNorm } from '../../model/layers.ts';
import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import type { ConvStage, Stage } from '../plan.ts';
import { stageWork } from '../rows-needed.ts';
import { type Band, type Layout, type Limits, layOut } from './bands.ts';
import type { CompiledNetwork, NormBuffers, StageWeights } from './compile.ts';
import { ROWS, WORKGROUP } from './convolution.ts';
import { type Gpu, GpuFault } from './device.ts';
import { chunksOf, NORM_WORKGROUP } from './group-norm.ts';
import { blockQuadsOf, quadsOf, writtenQuads } from './pack.ts';
import { convolutionParameters, normParameters, remapParameters } from './parameters.ts';
import { REMAP_WORKGROUP } from './remap.ts';
import { watched } from './scopes.ts';
import type { Slots } from './slots.ts';
import { convRows, tileRowsOf } from './tile-rows.ts';
import { USAGE } from './usage.ts';
import { POINTS, PRODUCT_TILES, UPSAMPLED_POINTS, WINOGRAD_WORKGROUP } from './winograd.ts';

/*
 * From a compiled network to dispatches bound to buffers, for inputs of one shape.
 */

/** Each dispatch's parameters begin at a multiple of this, which every device can bind. */
const PARAMETER_BYTES = 256;

/** A pipeline with all that it reads and writes. */
export interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroup;
  readonly groups: Groups;
  /** Multiply-adds. */
  readonly work: number;
}

/** Workgroups of a dispatch. */
type Groups = readonly [x: number, y: number, z: number];

/** A dispatch before anything is bound. */
interface UnboundDispatch extends Omit<Dispatch, 'bindings'> {
  readonly parameters: readonly number[];
  /** The buffers bound behind the parameters. */
  readonly buffers: readonly GPUBuffer[];
}

export interface BoundBand extends Band {
  readonly dispatches: readonly Dispatch[];
}

/** A network bound for inputs of one shape. */
export interface BoundPlan {
  /** The version of the slots whose buffers are bound. */
  readonly version: number;
  readonly shapes: readonly Chw[];
  readonly bands: readonly BoundBand[];
  readonly input: GPUBuffer;
  readonly output: GPUBuffer;
  readonly parameters: GPUBuffer;
}

/**
 * Lays an input out and binds a network for it. If the device runs out of memory, the input is laid
 * out again for half of it.
 *
 * @param input  the shape of the input
 * @param span   the wanted rows of the output
 * @throws TaesdError LIMIT; GpuFault (the device finds something else wrong)
 */
export async function bindPlan(
  compiled: CompiledNetwork,
  slots: Slots,
  input: Chw,
  span: Span,
): Promise<BoundPlan> {
  const { plan, stored } = compiled;
  const { device } = compiled.gpu;
  const shapes = plan.shapes(input);
  let limits = limitsOf(compiled.gpu, slots);
  for (;;) {
    const layout = layOut({ plan, shapes, stored, span, limits });
    const { result: bound, faults } = watched(device, ['out-of-memory', 'validation'], () =>
      bindLayout(compiled, slots, shapes, layout),
    );
    const [full, invalid] = await faults;
    if (invalid === null && full === null) return bound;
    slots.release();
    bound.parameters.destroy();
    if (invalid !== null && full === null) throw new GpuFault(invalid.message);
    // Smaller bands take little longer.
    const all = layout.slotBytes.reduce((sum, bytes) => sum + bytes, 0);
    limits = { ...limits, allBytes: all / 2 };
  }
}

function limitsOf({ device: { limits }, tuning }: Gpu, { maxBytes }: Slots): Limits {
  return {
    mapBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
    allBytes: maxBytes,
    groups: limits.maxComputeWorkgroupsPerDimension,
    pointsBytes: tuning.pointsBytes,
  };
}

function bindLayout(
  compiled: CompiledNetwork,
  slots: Slots,
  shapes: readonly Chw[],
  layout: Layout,
): BoundPlan {
  const { stages } = compiled.plan;
  const { device } = compiled.gpu;
  const buffers = slots.take(layout.slotBytes);
  const unbound = layout.bands.map((band) => {
    const context = { compiled, shapes, layout, band, buffers };
    const own = stages.slice(band.stages.first, band.stages.end);
    return [
      ...(band.folds ? normDispatches(own[0] as ConvStage & Stage, context) : []),
      ...own.flatMap((stage) => dispatchesOf(stage, context)),
    ];
  });
  const parameters = device.createBuffer({
    label: 'parameters',
    size: unbound.flat().length * PARAMETER_BYTES,
    usage: USAGE.UNIFORM,
    mappedAtCreation: true,
  });
  const numbers = new Int32Array(parameters.getMappedRange());
  let offset = 0;
  const bind = (dispatch: UnboundDispatch): Dispatch => {
    const { pipeline, groups, work } = dispatch;
    numbers.set(dispatch.parameters, offset / numbers.BYTES_PER_ELEMENT);
    const own = { buffer: parameters, offset, size: PARAMETER_BYTES };
    offset += PARAMETER_BYTES;
    return { pipeline, bindings: bindGroup(device, pipeline, own, dispatch.buffers), groups, work };
  };
  const bands = layout.bands.map((band, n) => ({ ...band, dispatches: unbound[n].map(bind) }));
  parameters.unmap();
  const bufferOf = (map: number) => buffers[layout.slotOf[map]];
  return {
    version: slots.version,
    shapes,
    bands,
    input: bufferOf(0),
    output: bufferOf(stages.length),
    parameters,
  };
}

/** Binds a dispatch's parameters, and behind them the buffers it reads and writes. */
export function bindGroup(
  device: GPUDevice,
  pipeline: GPUComputePipeline,
  parameters: GPUBufferBinding,
  buffers: readonly GPUBuffer[],
): GPUBindGroup {
  const resources = [parameters, ...buffers.map((buffer) => ({ buffer }))];
  return device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: resources.map((resource, binding) => ({ binding, resource })),
  });
}

/**
 * The surroundings of a stage: its network, a band of the picture, and the buffers of all slots.
 */
interface BandContext {
  readonly compiled: CompiledNetwork;
  readonly shapes: readonly Chw[];
  readonly layout: Layout;
  readonly band: Band;
  readonly buffers: readonly GPUBuffer[];
}

/**
 * Returns the dispatches of a stage in a band: one, or three for each piece of Winograd's tiles.
 */
function dispatchesOf(stage: Stage, context: BandContext): UnboundDispatch[] {
  if (stage.kind !== 'conv') return [remapDispatch(stage, context)];
  return stage.winograd ? winogradDispatches(stage, context) : [directDispatch(stage, context)];
}

function remapDispatch(
  stage: Exclude<Stage, ConvStage>,
  { compiled, shapes, layout: { slotOf }, band, buffers }: BandContext,
): UnboundDispatch {
  const [pipeline] = pipelinesOf(stage, compiled);
  const [channels, , width] = shapes[stage.output];
  const { first, end } = band.rows[stage.output];
  return {
    pipeline,
    parameters: remapParameters(stage, shapes, band),
    buffers: [buffers[slotOf[stage.input]], buffers[slotOf[stage.output]]],
    groups: remapGroups(channels, end - first, width),
    work: 0,
  };
}

/** Workgroups that make so many rows of a map. */
export const remapGroups = (channels: number, rows: number, width: number): Groups => [
  Math.ceil(width / REMAP_WORKGROUP),
  rows,
  quadsOf(channels),
];

function directDispatch(stage: ConvStage & Stage, context: BandContext): UnboundDispatch {
  const { compiled, shapes, band } = context;
  const [pipeline] = pipelinesOf(stage, compiled);
  const { input, weights, bias, added, output } = convolutionBuffers(stage, context);
  const [, , width] = shapes[stage.output];
  const { first, end } = convRows(stage, band.rows[stage.output]);
  return {
    pipeline,
    parameters: convolutionParameters(stage, shapes, band),
    buffers: [input, weights, bias, added, output],
    groups: [
      Math.ceil(writtenQuads(stage) / blockQuadsOf(stage)),
      Math.ceil(width / stage.shuffle / WORKGROUP.columns),
      Math.ceil((end - first) / (WORKGROUP.blocks * ROWS)),
    ],
    work: workIn(stage, context),
  };
}

function winogradDispatches(stage: ConvStage & Stage, context: BandContext): UnboundDispatch[] {
  const { compiled, shapes, layout, band } = context;
  const [transform, multiply, transformBack] = pipelinesOf(stage, compiled);
  const { input, weights, bias, added, output } = convolutionBuffers(stage, context);
  const [points, products] = context.buffers.slice(-2);
  const quads = writtenQuads(stage);
  const quadBlocks = Math.ceil(quads / blockQuadsOf(stage));
  const pointCount = stage.upsample ? UPSAMPLED_POINTS : POINTS;
  const pieces = tileRowsOf(stage, shapes, band.rows, layout.pointsBytes);
  const work = workIn(stage, context) / pieces.length;
  return pieces.flatMap((piece): UnboundDispatch[] => {
    const parameters = convolutionParameters(stage, shapes, band, piece);
    const tiles = piece.count * piece.columns;
    const tileGroups = Math.ceil(tiles / WINOGRAD_WORKGROUP);
    const productGroups = Math.ceil(Math.ceil(tiles / PRODUCT_TILES) / WINOGRAD_WORKGROUP);
    return [
      {
        pipeline: transform,
        parameters,
        buffers: [input, points],
        groups: [tileGroups, quadsOf(stage.conv.cin), 1],
        work: 0,
      },
      {
        pipeline: multiply,
        parameters,
        buffers: [points, weights, products],
        groups: [quadBlocks, productGroups, pointCount],
        work,
      },
      {
        pipeline: transformBack,
        parameters,
        buffers: [products, bias, added, output],
        groups: [tileGroups, quads, 1],
        work: 0,
      },
    ];
  });
}

/** Returns the dispatches that fold a normalisation into a convolution's weights. */
function normDispatches(stage: ConvStage & Stage, context: BandContext): UnboundDispatch[] {
  const { compiled, shapes, layout, buffers } = context;
  const [, ...pipelines] = pipelinesOf(stage, compiled);
  const [folded, bias] = compiled.weights.get(stage) as StageWeights;
  const { plain, affine, scales, moments } = compiled.norms.get(stage) as NormBuffers;
  const norm = stage.norm as GroupNorm;
  const [cin, height, width] = shapes[stage.input];
  const quads = quadsOf(norm.channels);
  const blockQuads = blockQuadsOf(stage);
  const matrices = Math.ceil(quads / blockQuads) * blockQuads * quadsOf(cin);
  const parameters = normParameters(stage, norm, shapes);
  const source = buffers[layout.slotOf[stage.input]];
  const { count } = chunksOf(height * width);
  const [forMoments, forStatistics, forWeights] = pipelines;
  return [
    {
      pipeline: forMoments,
      parameters,
      buffers: [source, plain, moments],
      groups: [Math.ceil(quads / NORM_WORKGROUP), count, 1],
      work: stageWork(stage, height, width),
    },
    {
      pipeline: forStatistics,
      parameters,
      buffers: [moments, affine, scales, bias],
      groups: [norm.groups, 1, 1],
      work: 0,
    },
    {
      pipeline: forWeights,
      parameters,
      buffers: [plain, scales, folded],
      groups: [Math.ceil(matrices / NORM_WORKGROUP), 1, 1],
      work: 0,
    },
  ];
}

const pipelinesOf = (stage: Stage, { pipelines }: CompiledNetwork) =>
  pipelines.get(stage) as readonly GPUComputePipeline[];

function convolutionBuffers(
  stage: ConvStage & Stage,
  { compiled, layout: { slotOf }, buffers }: BandContext,
) {
  const [weights, bias] = compiled.weights.get(stage) as StageWeights;
  return {
    input: buffers[slotOf[stage.input]],
    weights,
    bias,
    added: stage.add === undefined ? compiled.nothing : buffers[slotOf[stage.add]],
    output: buffers[slotOf[stage.output]],
  };
}

function workIn(stage: Stage, { shapes, band }: BandContext): number {
  const { first, end } = band.rows[stage.output];
  return stageWork(stage, end - first, shapes[stage.output][2]);
}
