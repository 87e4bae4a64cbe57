import type { BoundNetwork } from '../../model/bind.ts';
import type { ConvStage, Plan, Stage } from '../plan.ts';
import type { Stored } from './convolution.ts';
import { type Gpu, GpuFault } from './device.ts';
import { MAX_CHUNKS, NORM_PARTS } from './group-norm.ts';
import { blockQuadsOf, type Packed, packAffine, packConvolution, quadsOf } from './pack.ts';
import { computePipeline, type Shader } from './pipelines.ts';
import { REMAP_PARAMETERS } from './remap.ts';
import { watched } from './scopes.ts';
import { USAGE } from './usage.ts';
import { WINOGRAD_PARTS, type WinogradPart, type WinogradTypes } from './winograd.ts';

/*
 * From a plan to what stays on the device as long as the model does: pipelines and weights.
 */

/** A convolution's weights and bias on the device. */
export type StageWeights = readonly [weights: GPUBuffer, bias: GPUBuffer];

/** The buffers from which a stage's weights are folded, and those between. */
export interface NormBuffers {
  /** The weights as trained. */
  readonly plain: GPUBuffer;
  readonly affine: GPUBuffer;
  readonly scales: GPUBuffer;
  readonly moments: GPUBuffer;
}

/** A network on a device, ready for inputs of any shape. */
export class CompiledNetwork {
  readonly gpu: Gpu;
  readonly plan: Plan;
  /** How the numbers of each map are stored. */
  readonly stored: readonly Stored[];
  /**
   * The pipelines of each stage: three of a Winograd convolution, one of any other stage. Those of
   * a normalisation follow.
   */
  readonly pipelines: ReadonlyMap<Stage, readonly GPUComputePipeline[]>;
  /** Those of a stage with a normalisation are written before each map. */
  readonly weights: ReadonlyMap<Stage, StageWeights>;
  readonly norms: ReadonlyMap<Stage, NormBuffers>;
  /** Stands in for the added map of a convolution that adds none. */
  readonly nothing: GPUBuffer;
  /** Writes latents that lie on the device into the input map. */
  readonly importPipeline: GPUComputePipeline;
  readonly importParameters: GPUBuffer;

  constructor(
    gpu: Gpu,
    { plan, stored }: StoredPlan,
    pipelines: Pipelines,
    packed: ReadonlyMap<Stage, PackedStage>,
  ) {
    this.gpu = gpu;
    this.plan = plan;
    this.stored = stored;
    this.pipelines = pipelines.ofStages;
    this.importPipeline = pipelines.ofImport;
    const { device } = gpu;
    this.nothing = upload(device, new Float32Array(4));
    this.importParameters = upload(device, new Int32Array(REMAP_PARAMETERS.length), USAGE.UNIFORM);
    const weights = new Map<Stage, StageWeights>();
    const norms = new Map<Stage, NormBuffers>();
    for (const [stage, { weights: numbers, bias, affine }] of packed) {
      weights.set(stage, [upload(device, numbers), upload(device, bias)]);
      if (affine === undefined) continue;
      norms.set(stage, {
        plain: upload(device, numbers),
        affine: upload(device, affine),
        scales: upload(device, new Float32Array(bias.length)),
        moments: device.createBuffer({
          size: MAX_CHUNKS * 2 * quadsOf(affine.length / 2) * 16,
          usage: USAGE.STORAGE,
        }),
      });
    }
    this.weights = weights;
    this.norms = norms;
  }

  get weightBytes(): number {
    return this.#stageBuffers().reduce((bytes, { size }) => bytes + size, 0);
  }

  dispose(): void {
    for (const buffer of this.#stageBuffers()) buffer.destroy();
    for (const buffer of [this.nothing, this.importParameters]) buffer.destroy();
  }

  #stageBuffers(): GPUBuffer[] {
    const norms = [...this.norms.values()].flatMap((buffers): GPUBuffer[] =>
      Object.values(buffers),
    );
    return [...[...this.weights.values()].flat(), ...norms];
  }
}

/** A convolution's weights, and the numbers of the normalisation folded into them, if any. */
interface PackedStage extends Packed {
  readonly affine: Float32Array<ArrayBuffer> | undefined;
}

/** A plan, and how the numbers of each of its maps are stored. */
interface StoredPlan {
  readonly plan: Plan;
  readonly stored: readonly Stored[];
}

interface Pipelines {
  readonly ofStages: ReadonlyMap<Stage, readonly GPUComputePipeline[]>;
  readonly ofImport: GPUComputePipeline;
}

/**
 * Packs the weights while the pipelines are compiled.
 *
 * @param plan    the network's plan, or another plan of its weights
 * @param stored  how maps are stored; the first and the last always in f32
 * @throws GpuFault (no room for the weights); Error (the device does not compile a shader)
 */
export async function compileNetwork(
  gpu: Gpu,
  network: BoundNetwork,
  plan: Plan,
  stored: Stored,
): Promise<CompiledNetwork> {
  const { device } = gpu;
  const last = plan.stages.length;
  const storedOf = (map: number) => (map === 0 || map === last ? 'f32' : stored);
  const maps = Array.from({ length: last + 1 }, (_, map) => storedOf(map));
  const compiling = compilePipelines(device, { plan, stored: maps });
  const packed = new Map<Stage, PackedStage>();
  for (const stage of plan.stages) {
    if (stage.kind !== 'conv') continue;
    const affine = stage.norm === undefined ? undefined : packAffine(network, stage);
    packed.set(stage, { ...packConvolution(network, stage), affine });
  }
  const pipelines = await compiling;
  const { result: compiled, faults } = watched(
    device,
    ['out-of-memory', 'validation'],
    () => new CompiledNetwork(gpu, { plan, stored: maps }, pipelines, packed),
  );
  const [full, invalid] = await faults;
  const fault = full ?? invalid;
  if (fault === null) return compiled;
  compiled.dispose();
  throw new GpuFault(fault.message);
}

async function compilePipelines(
  device: GPUDevice,
  { plan, stored }: StoredPlan,
): Promise<Pipelines> {
  const ofImport = computePipeline(device, { kind: 'remap', input: 'f32', output: 'f32' });
  const ofStages = plan.stages.map(async (stage) => {
    const shaders = shadersOf(stage, stored).map((shader) => computePipeline(device, shader));
    return [stage, await Promise.all(shaders)] as const;
  });
  const [made, all] = await Promise.all([ofImport, Promise.all(ofStages)]);
  return { ofImport: made, ofStages: new Map(all) };
}

function shadersOf(stage: Stage, stored: readonly Stored[]): readonly Shader[] {
  const [input, output] = [stored[stage.input], stored[stage.output]];
  if (stage.kind !== 'conv') return [{ kind: 'remap', input, output }];
  const types = { input, added: stage.add === undefined ? output : stored[stage.add], output };
  if (stage.norm !== undefined) {
    const parts = NORM_PARTS.map((part): Shader => {
      return { kind: 'norm', part, input: part === 'moments' ? input : 'f32' };
    });
    return [directShader(stage, types), ...parts];
  }
  if (!stage.winograd) return [directShader(stage, types)];
  return WINOGRAD_PARTS.map((part) => winogradShader(part, types));
}

function directShader(stage: ConvStage, types: WinogradTypes): Shader {
  const { kernel, stride } = stage.conv;
  return { kind: 'conv', kernel, stride, quads: blockQuadsOf(stage), ...types };
}

/** Keeps only the types a part has: the product, for one, is compiled once for all. */
function winogradShader(part: WinogradPart, { input, added, output }: WinogradTypes): Shader {
  const none = { input: 'f32', added: 'f32', output: 'f32' } as const;
  if (part === 'transform') return { kind: 'winograd', part, ...none, input };
  if (part === 'multiply') return { kind: 'winograd', part, ...none };
  return { kind: 'winograd', part, ...none, added, output };
}

function upload(
  device: GPUDevice,
  data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>,
  usage: number = USAGE.STORAGE,
): GPUBuffer {
  const buffer = device.createBuffer({ size: data.byteLength, usage: usage | USAGE.COPY_DST });
  device.queue.writeBuffer(buffer, 0, data);
  return buffer;
}
