import type { BoundNetwork } from '../../model/bind.ts';
import type { Chw } from '../../model/measure.ts';
import type { RowSource } from '../../rows.ts';
import type { Span } from '../backend.ts';
import type { RowBatch } from '../batches.ts';
import type { Pacer } from '../pacer.ts';
import { type Plan, planNetwork, type Stage } from '../plan.ts';
import { stageWork } from '../rows-needed.ts';
import {
  type Band,
  convRows,
  type Layout,
  type Limits,
  layOut,
  mapBytes,
  tileRowsOf,
} from './bands.ts';
import { GROUP, ROWS, type Stored } from './convolution.ts';
import type { Gpu } from './device.ts';
import { GpuFault } from './fault.ts';
import { blockQuadsOf, type Packed, packConvolution, quadsOf, writtenQuads } from './pack.ts';
import { convolutionParameters, remapParameters } from './parameters.ts';
import { pipelineFor, type Shader } from './pipelines.ts';
import { WEBGPU_RULES } from './plan-rules.ts';
import { planePortions, rowBatches } from './planes.ts';
import { OPERATIONS, REMAP_GROUP, REMAP_PARAMETERS } from './remap.ts';
import { watched } from './scopes.ts';
import type { Slots } from './slots.ts';
import { isOnDevice } from './source.ts';
import { MAP_MODE_READ, USAGE } from './usage.ts';
import {
  POINTS,
  PRODUCT_TILES,
  UPSAMPLED_POINTS,
  WINOGRAD_GROUP,
  type WinogradPart,
  type WinogradTypes,
} from './winograd.ts';

/** Where a stage's parameters begin: a multiple of what every device can bind. */
const PARAMETER_BYTES = 256;
/** Multiply-adds that are handed to the device in one go, at first; then as many as take it about this long. */
const FIRST_WORK = 2e9;
const GO_MS = 30;

/** One dispatch. */
interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroup;
  readonly groups: readonly [number, number, number];
  readonly work: number;
}

/** The same before anything is bound. */
interface Wanted extends Omit<Dispatch, 'bindings'> {
  readonly values: readonly number[];
  /** What follows the parameters. */
  readonly bound: readonly GPUBuffer[];
}

/** A band with all that its dispatches are bound to. */
interface ReadyBand extends Band {
  readonly dispatches: readonly Dispatch[];
}

/** A network made ready for inputs of one shape. */
interface Ready {
  readonly key: string;
  readonly version: number;
  readonly shapes: readonly Chw[];
  readonly bands: readonly ReadyBand[];
  readonly input: GPUBuffer;
  readonly output: GPUBuffer;
  readonly parameters: GPUBuffer;
}

/** A band of the output, in a buffer on the device: planes of quads, f32. */
export interface BandOnDevice {
  readonly buffer: GPUBuffer;
  readonly span: Span;
  readonly shape: Chw;
}

/** Hands over what is to be done with a band before the next one takes its place, and waits for it. */
type Finish<Result> = (band: BandOnDevice) => Promise<Result>;

/**
 * A network on a device: weights and maps stay there from the first layer to the last. What a picture of some shape needs
 * is made once and kept for the next of that shape, as in a loop that previews.
 */
export class GpuProgram {
  readonly #gpu: Gpu;
  readonly #plan: Plan;
  /** How the numbers of each map are kept. */
  readonly #stored: readonly Stored[];
  readonly #slots: Slots;
  readonly #pipelines: ReadonlyMap<Stage | 'import', readonly GPUComputePipeline[]>;
  readonly #weights: ReadonlyMap<Stage, readonly [weights: GPUBuffer, bias: GPUBuffer]>;
  /** Stands for a map where there is none to add. */
  readonly #nothing: GPUBuffer;
  /** Of the import of latents that lie on the device. */
  readonly #importParameters: GPUBuffer;
  #ready: Ready | undefined;
  #work = FIRST_WORK;

  private constructor(
    gpu: Gpu,
    slots: Slots,
    plan: Plan,
    stored: readonly Stored[],
    packed: ReadonlyMap<Stage, Packed>,
    pipelines: ReadonlyMap<Stage | 'import', readonly GPUComputePipeline[]>,
  ) {
    this.#gpu = gpu;
    this.#slots = slots;
    this.#plan = plan;
    this.#stored = stored;
    this.#pipelines = pipelines;
    this.#nothing = this.#upload(new Float32Array(4));
    this.#importParameters = this.#upload(new Int32Array(REMAP_PARAMETERS.length), USAGE.UNIFORM);
    const weights = new Map<Stage, readonly [GPUBuffer, GPUBuffer]>();
    for (const [stage, { weights: numbers, bias }] of packed) {
      weights.set(stage, [this.#upload(numbers), this.#upload(bias)]);
    }
    this.#weights = weights;
  }

  /**
   * Packs the weights while the pipelines are compiled.
   *
   * @param plan  another one than the network's own, of the same weights
   * @throws GpuFault where there is no room for the weights; Error where the device does not compile a shader
   */
  static async compile(
    gpu: Gpu,
    slots: Slots,
    network: BoundNetwork,
    stored: Stored,
    plan = planNetwork(
      network.map(({ layer }) => layer),
      WEBGPU_RULES,
    ),
  ): Promise<GpuProgram> {
    const last = plan.stages.length;
    const types = Array.from({ length: last + 1 }, (_, map) =>
      map === 0 || map === last ? 'f32' : stored,
    );
    const packed = new Map<Stage, Packed>();
    const shaders = new Map<Stage | 'import', readonly Shader[]>([
      ['import', [{ kind: 'remap', input: 'f32', output: 'f32' }]],
    ]);
    for (const stage of plan.stages) {
      const [input, output] = [types[stage.input], types[stage.output]];
      if (stage.kind !== 'conv') {
        shaders.set(stage, [{ kind: 'remap', input, output }]);
        continue;
      }
      const { kernel, stride } = stage.conv;
      const quads = blockQuadsOf(stage);
      const added = stage.add === undefined ? output : types[stage.add];
      const all = { input, added, output };
      const winograd = PARTS.map((part): Shader => winogradVariant(part, all));
      const direct: Shader = { kind: 'conv', kernel, stride, quads, ...all };
      shaders.set(stage, stage.winograd ? winograd : [direct]);
    }
    const compiling = [...shaders].map(
      async ([stage, parts]) =>
        [stage, await Promise.all(parts.map((part) => pipelineFor(gpu.device, part)))] as const,
    );
    for (const stage of plan.stages) {
      if (stage.kind === 'conv') packed.set(stage, packConvolution(network, stage));
    }
    const pipelines = new Map(await Promise.all(compiling));
    const { result: program, faults } = watched(
      gpu.device,
      ['out-of-memory', 'validation'],
      () => new GpuProgram(gpu, slots, plan, types, packed, pipelines),
    );
    const [full, invalid] = await faults;
    const fault = full ?? invalid;
    if (fault === null) return program;
    program.dispose();
    throw new GpuFault(fault.message);
  }

  /** The rows of the output, read back band by band. */
  async *batches(
    source: RowSource,
    span: Span,
    pacer: Pacer,
  ): AsyncGenerator<RowBatch, void, void> {
    const { device } = this.#gpu;
    let staging: GPUBuffer | undefined;
    const read = async ({ buffer, span: rows, shape }: BandOnDevice) => {
      const size = mapBytes(shape, rows.end - rows.first, 'f32');
      // The faults are told by what cannot be mapped then.
      const { result } = watched(device, ['validation', 'out-of-memory'], () => {
        const usage = USAGE.MAP_READ | USAGE.COPY_DST;
        staging = device.createBuffer({ label: 'rows', size, usage });
        const commands = device.createCommandEncoder();
        commands.copyBufferToBuffer(buffer, 0, staging, 0, size);
        device.queue.submit([commands.finish()]);
        return { mapped: staging.mapAsync(MAP_MODE_READ), from: staging };
      });
      await result.mapped;
      return { planes: new Float32Array(result.from.getMappedRange()), rows, shape };
    };
    try {
      for await (const { planes, rows, shape } of this.run(source, span, pacer, read)) {
        for (const batch of rowBatches(planes, rows, shape)) {
          yield batch;
          // Whoever destroys the device meanwhile takes the planes with it, which the next batch notices.
          if (pacer.due) await pacer.turn();
        }
        staging?.destroy();
      }
    } finally {
      // Also where the work ends while it is being mapped.
      staging?.destroy();
    }
  }

  /** In how many bands an input of that shape is made. */
  async bandCount({ channels, height, width }: RowSource, span: Span): Promise<number> {
    return (await this.#prepare([channels, height, width], span)).bands.length;
  }

  /**
   * Runs the network on one picture or latent, band by band.
   *
   * @throws TaesdError LIMIT, ABORTED, ARG and OOM (latents on the device); GpuFault where the device does not do its work
   */
  async *run<Result>(
    source: RowSource,
    span: Span,
    pacer: Pacer,
    finish: Finish<Result>,
  ): AsyncGenerator<Result, void, void> {
    const { device } = this.#gpu;
    if (isOnDevice(source)) await source.arrived();
    const ready = await this.#prepare([source.channels, source.height, source.width], span);
    for (const band of ready.bands) {
      pacer.check();
      let commands = device.createCommandEncoder();
      if (band.stages.first === 0) await this.#writeInput(source, ready, band, commands, pacer);
      let pass = commands.beginComputePass();
      let work = 0;
      for (const dispatch of band.dispatches) {
        pass.setPipeline(dispatch.pipeline);
        pass.setBindGroup(0, dispatch.bindings);
        pass.dispatchWorkgroups(...dispatch.groups);
        work += dispatch.work;
        if (work < this.#work) continue;
        // Nothing stops what is on its way, and much at once would hold up everything else on the device.
        pass.end();
        await this.#go(commands, work, pacer);
        commands = device.createCommandEncoder();
        pass = commands.beginComputePass();
        work = 0;
      }
      pass.end();
      if (band.span === undefined) {
        await this.#go(commands, work, pacer);
        continue;
      }
      const shape = ready.shapes[ready.shapes.length - 1];
      const fault = this.#submit(commands);
      const result = finish({ buffer: ready.output, span: band.span, shape });
      // What is wrong with the band comes before what that does to its end.
      await pacer.unlessAborted(Promise.allSettled([result]));
      await this.#check(fault);
      yield await result;
    }
  }

  dispose(): void {
    for (const buffers of this.#weights.values()) for (const buffer of buffers) buffer.destroy();
    for (const buffer of [this.#nothing, this.#importParameters]) buffer.destroy();
    this.#ready?.parameters.destroy();
    this.#ready = undefined;
  }

  get weightBytes(): number {
    let bytes = 0;
    for (const buffers of this.#weights.values()) for (const { size } of buffers) bytes += size;
    return bytes;
  }

  /** Hands over a part of the work and waits for it; the next part is larger or smaller by how long it took. */
  async #go(commands: GPUCommandEncoder, work: number, pacer: Pacer): Promise<void> {
    const started = performance.now();
    const fault = this.#submit(commands);
    await pacer.unlessAborted(this.#gpu.device.queue.onSubmittedWorkDone());
    await this.#check(fault);
    const factor = GO_MS / Math.max(performance.now() - started, 1);
    if (work > 0) this.#work = work * Math.min(Math.max(factor, 0.25), 4);
    pacer.check();
  }

  /** @returns what the device finds wrong with it, once it has looked */
  #submit(commands: GPUCommandEncoder): Promise<GPUError | null> {
    const { device } = this.#gpu;
    const { faults } = watched(device, ['validation'], () =>
      device.queue.submit([commands.finish()]),
    );
    return faults.then(([fault]) => fault);
  }

  async #check(fault: Promise<GPUError | null>): Promise<void> {
    const error = await fault;
    if (error !== null) throw new GpuFault(error.message);
    if (this.#gpu.lost !== undefined) throw new GpuFault(`the device was lost: ${this.#gpu.lost}`);
  }

  async #prepare(input: Chw, span: Span): Promise<Ready> {
    const key = `${input} ${span.first} ${span.end}`;
    if (this.#ready?.key === key && this.#ready.version === this.#slots.version) return this.#ready;
    this.#ready?.parameters.destroy();
    this.#ready = undefined;
    const { device } = this.#gpu;
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    let limits: Limits = {
      mapBytes: Math.min(maxBufferSize, maxStorageBufferBindingSize),
      allBytes: this.#slots.mostBytes,
      groups: device.limits.maxComputeWorkgroupsPerDimension,
    };
    const shapes = this.#plan.shapes(input);
    for (;;) {
      const layout = layOut(this.#plan, shapes, this.#stored, span, limits);
      const { result: ready, faults } = watched(device, ['out-of-memory', 'validation'], () =>
        this.#bind(key, shapes, layout),
      );
      const [full, invalid] = await faults;
      if (invalid === null && full === null) {
        this.#ready = ready;
        return ready;
      }
      this.#slots.release();
      ready.parameters.destroy();
      if (invalid !== null && full === null) throw new GpuFault(invalid.message);
      // Less at once takes longer, but not much.
      const all = layout.slotBytes.reduce((sum, bytes) => sum + bytes, 0);
      limits = { ...limits, allBytes: all / 2 };
    }
  }

  /** Buffers, parameters and bindings of every dispatch. */
  #bind(key: string, shapes: readonly Chw[], layout: Layout): Ready {
    const { device } = this.#gpu;
    const { stages } = this.#plan;
    const buffers = this.#slots.take(layout.slotBytes);
    const bufferOf = (map: number) => buffers[layout.slotOf[map]];
    const wanted = layout.bands.map((band) =>
      stages
        .slice(band.stages.first, band.stages.end)
        .flatMap((stage) => this.#dispatchesOf(stage, shapes, layout, band, buffers)),
    );
    const parameters = device.createBuffer({
      label: 'parameters',
      size: wanted.flat().length * PARAMETER_BYTES,
      usage: USAGE.UNIFORM,
      mappedAtCreation: true,
    });
    const numbers = new Int32Array(parameters.getMappedRange());
    let offset = 0;
    const bands = layout.bands.map((band, n): ReadyBand => {
      const dispatches = wanted[n].map(({ pipeline, values, bound, groups, work }): Dispatch => {
        numbers.set(values, offset / numbers.BYTES_PER_ELEMENT);
        const own = { buffer: parameters, offset, size: PARAMETER_BYTES };
        offset += PARAMETER_BYTES;
        const bindings = bind(device, pipeline, own, bound);
        return { pipeline, bindings, groups, work };
      });
      return { ...band, dispatches };
    });
    parameters.unmap();
    return {
      key,
      version: this.#slots.version,
      shapes,
      bands,
      input: bufferOf(0),
      output: bufferOf(stages.length),
      parameters,
    };
  }

  /** A stage in a band: one dispatch, or three for some rows of tiles after the other. */
  #dispatchesOf(
    stage: Stage,
    shapes: readonly Chw[],
    { slotOf, pointsBytes }: Layout,
    band: Band,
    buffers: readonly GPUBuffer[],
  ): Wanted[] {
    const pipelines = this.#pipelines.get(stage) as readonly GPUComputePipeline[];
    const [input, output] = [buffers[slotOf[stage.input]], buffers[slotOf[stage.output]]];
    const [channels, , width] = shapes[stage.output];
    const rows = band.rows[stage.output];
    if (stage.kind !== 'conv') {
      const values = remapParameters(stage, shapes, band);
      const height = rows.end - rows.first;
      const groups = [Math.ceil(width / REMAP_GROUP), height, quadsOf(channels)] as const;
      return [{ pipeline: pipelines[0], values, bound: [input, output], groups, work: 0 }];
    }
    const [quads, blockQuads] = [writtenQuads(stage), blockQuadsOf(stage)];
    const [weights, bias] = this.#weights.get(stage) as readonly [GPUBuffer, GPUBuffer];
    const added = stage.add === undefined ? this.#nothing : buffers[slotOf[stage.add]];
    const work = stageWork(stage, rows.end - rows.first, width);
    if (!stage.winograd) {
      const { first, end } = convRows(stage, rows);
      const values = convolutionParameters(stage, shapes, band);
      const groups = [
        Math.ceil(quads / blockQuads),
        Math.ceil(width / stage.shuffle / GROUP.columns),
        Math.ceil((end - first) / (GROUP.blocks * ROWS)),
      ] as const;
      return [
        {
          pipeline: pipelines[0],
          values,
          bound: [input, weights, bias, added, output],
          groups,
          work,
        },
      ];
    }
    const [points, products] = buffers.slice(-2);
    const quadsIn = quadsOf(stage.conv.cin);
    const pieces = tileRowsOf(stage, shapes, band, pointsBytes);
    return pieces.flatMap((piece): Wanted[] => {
      const values = convolutionParameters(stage, shapes, band, piece);
      const tiles = piece.count * piece.columns;
      const side = Math.ceil(tiles / WINOGRAD_GROUP);
      const blocks = Math.ceil(Math.ceil(tiles / PRODUCT_TILES) / WINOGRAD_GROUP);
      const all = stage.upsample ? UPSAMPLED_POINTS : POINTS;
      const bound = [
        [input, points],
        [points, weights, products],
        [products, bias, added, output],
      ];
      const groups = [
        [side, quadsIn, 1],
        [Math.ceil(quads / blockQuads), blocks, all],
        [side, quads, 1],
      ] as const;
      return pipelines.map((pipeline, n) => ({
        pipeline,
        values,
        bound: bound[n],
        groups: groups[n],
        work: n === 1 ? work / pieces.length : 0,
      }));
    });
  }

  /** Puts the rows of the input that a band needs where its first stage reads them. */
  async #writeInput(
    source: RowSource,
    ready: Ready,
    band: Band,
    commands: GPUCommandEncoder,
    pacer: Pacer,
  ): Promise<void> {
    const { device } = this.#gpu;
    if (!isOnDevice(source)) {
      for (const { offset, data } of planePortions(source, band.rows[0])) {
        device.queue.writeBuffer(ready.input, offset, data);
        if (pacer.due) await pacer.turn();
      }
      return;
    }
    const { channels, height, width } = source;
    const { first, end } = band.rows[0];
    const rows = end - first;
    const [pipeline] = this.#pipelines.get('import') as readonly GPUComputePipeline[];
    const operation = OPERATIONS.indexOf('import');
    const length = height * width;
    const values = [operation, 1, height, width, 0, length, channels];
    const parameters = this.#importParameters;
    const numbers = Int32Array.from([...values, first, rows, width, channels, 0]);
    device.queue.writeBuffer(parameters, 0, numbers);
    const buffers = [source.buffer, ready.input];
    // Whoever submits this is told what is wrong with it.
    const { result: bindings } = watched(device, ['validation'], () =>
      bind(device, pipeline, { buffer: parameters }, buffers),
    );
    const pass = commands.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindings);
    pass.dispatchWorkgroups(Math.ceil(width / REMAP_GROUP), rows, quadsOf(channels));
    pass.end();
  }

  #upload(
    data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>,
    usage: number = USAGE.STORAGE,
  ): GPUBuffer {
    const { device } = this.#gpu;
    const buffer = device.createBuffer({
      size: data.byteLength,
      usage: usage | USAGE.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  }
}

/** A dispatch's parameters, and behind them the buffers that it reads and writes. */
function bind(
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

const PARTS: readonly WinogradPart[] = ['transform', 'multiply', 'transformBack'];

/** Only the types that a part has are in its key: the product is the same for all. */
function winogradVariant(part: WinogradPart, types: WinogradTypes): Shader {
  const none = { input: 'f32', added: 'f32', output: 'f32' } as const;
  const { input, added, output } = types;
  if (part === 'transform') return { kind: 'winograd', part, ...none, input };
  if (part === 'multiply') return { kind: 'winograd', part, ...none };
  return { kind: 'winograd', part, ...none, added, output };
}
