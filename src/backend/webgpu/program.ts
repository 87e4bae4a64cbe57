import type { BoundNetwork } from '../../model/bind.ts';
import { milliseconds } from '../../platform/timers.ts';
import type { RowSource } from '../../rows.ts';
import type { Span, WantedRows } from '../backend.ts';
import type { RowBatch } from '../batches.ts';
import type { Pacer } from '../pacer.ts';
import { type Plan, planNetwork } from '../plan.ts';
import { type BoundPlan, bindPlan, type Dispatch } from './bind-groups.ts';
import { type CompiledNetwork, compileNetwork } from './compile.ts';
import type { Stored } from './convolution.ts';
import { type Gpu, GpuFault } from './device.ts';
import { WEBGPU_RULES } from './plan-rules.ts';
import { rowBatches } from './planes.ts';
import { type BandOnDevice, ReadBack } from './read-back.ts';
import { watched } from './scopes.ts';
import type { Slots } from './slots.ts';
import { isOnDevice } from './source.ts';
import { importRows, writeRows } from './write-input.ts';

/** The multiply-adds that are submitted together at first; later as many as take `SUBMIT_MS`. */
const FIRST_WORK = 2e9;
const SUBMIT_MS = 30;

/** Encoded commands, and their multiply-adds. */
interface Portion {
  readonly commands: GPUCommandEncoder;
  readonly work: number;
}

/** A portion that was submitted. */
interface Submitted {
  readonly work: number;
  readonly started: number;
  readonly fault: Promise<GPUError | null>;
  readonly done: Promise<unknown>;
}

/** A band whose last portion was submitted, and which is being read back or drawn. */
interface EndedBand<Result> {
  readonly fault: Promise<GPUError | null>;
  readonly result: Promise<Result>;
}

/** Submits what is to be done with a band before the next one takes its place, and waits for it. */
type Finish<Result> = (band: BandOnDevice) => Promise<Result>;

/**
 * A network on a device, run band by band: weights and maps stay there from the first layer to the
 * last. The buffers for a picture's shape are made once and kept for the next picture of that
 * shape, as in a preview loop.
 */
export class GpuProgram {
  readonly #compiled: CompiledNetwork;
  readonly #slots: Slots;
  /** The bindings of the last picture. `key` is its shape and rows. */
  #last: { readonly key: string; readonly bound: BoundPlan } | undefined;
  /** The multiply-adds that are submitted together. */
  #work = FIRST_WORK;
  /** The time at which the last portion was finished. */
  #finished = 0;

  private constructor(compiled: CompiledNetwork, slots: Slots) {
    this.#compiled = compiled;
    this.#slots = slots;
  }

  /**
   * @param stored  how maps are stored
   * @param plan    another plan of the network's weights. Defaults to the network's own.
   * @throws GpuFault (no room for the weights); Error (the device does not compile a shader)
   */
  static async compile(
    gpu: Gpu,
    slots: Slots,
    network: BoundNetwork,
    stored: Stored,
    plan: Plan = planOf(network),
  ): Promise<GpuProgram> {
    return new GpuProgram(await compileNetwork(gpu, network, plan, stored), slots);
  }

  /** Runs the network and reads the rows of the output back band by band. */
  async *batches(
    source: RowSource,
    span: WantedRows,
    pacer: Pacer,
  ): AsyncGenerator<RowBatch, void, void> {
    const reading = await ReadBack.start(this.#compiled.gpu, span.asBytes === true);
    const read = (band: BandOnDevice) => reading.read(band);
    try {
      for await (const band of this.run(source, span, pacer, read)) {
        for (const batch of rowBatches(band.planes, band.span, band.shape)) {
          yield batch;
          // A device that is destroyed during the turn takes the planes with it. The next batch
          // throws then.
          if (pacer.due) await pacer.turn();
        }
        reading.release(band.buffers);
      }
    } finally {
      // The work may also end while buffers are being mapped.
      reading.release();
    }
  }

  /** Returns the number of bands in which the output for an input of that shape is made. */
  async bandCount(source: RowSource, span: Span): Promise<number> {
    const { bands } = await this.#bind(source, span);
    return bands.filter((band) => band.span !== undefined).length;
  }

  /**
   * Runs the network on one picture or latent, band by band.
   *
   * @throws TaesdError LIMIT, ABORTED, ARG and OOM (latents on the device); GpuFault (the device
   *   fails)
   */
  async *run<Result>(
    source: RowSource,
    span: Span,
    pacer: Pacer,
    finish: Finish<Result>,
  ): AsyncGenerator<Result, void, void> {
    const { device, tuning } = this.#compiled.gpu;
    if (isOnDevice(source)) await source.arrived();
    const { bands, shapes, input, output } = await this.#bind(source, span);
    /** Encoded and not submitted: the device goes on with the next band without a pause. */
    let rest: Portion = { commands: device.createCommandEncoder(), work: 0 };
    let isBegun = false;
    const underWay: Submitted[] = [];
    const ended: EndedBand<Result>[] = [];
    for (const { input: written, dispatches, span: made } of bands) {
      pacer.check();
      if (written !== undefined) {
        // Rows are written at once, before commands that are submitted later.
        if (isBegun) rest = await this.#submitPaced(rest, underWay, pacer);
        if (isOnDevice(source)) {
          importRows(this.#compiled, source, written, input, rest.commands);
        } else {
          await writeRows(this.#compiled, source, written, input, pacer);
        }
      }
      rest = await this.#dispatch(dispatches, rest, underWay, pacer);
      isBegun = made === undefined;
      if (made === undefined) continue;
      const fault = this.#submit(rest.commands);
      rest = { commands: device.createCommandEncoder(), work: 0 };
      const result = finish({ buffer: output, span: made, shape: shapes[shapes.length - 1] });
      // If an earlier band fails, nothing awaits this one.
      result.catch(() => undefined);
      ended.push({ fault, result });
      if (ended.length >= tuning.portions) yield await this.#endOf(ended, pacer);
    }
    while (ended.length > 0) yield await this.#endOf(ended, pacer);
  }

  /** Waits for the first of these bands, and removes it from the list. */
  async #endOf<Result>(ended: EndedBand<Result>[], pacer: Pacer): Promise<Result> {
    const { fault, result } = ended.shift() as EndedBand<Result>;
    // The band's own fault is thrown before anything it caused in `finish`.
    await pacer.unlessAborted(Promise.allSettled([result]));
    await this.#check(fault);
    return result;
  }

  dispose(): void {
    this.#compiled.dispose();
    this.#unbind();
  }

  get weightBytes(): number {
    return this.#compiled.weightBytes;
  }

  /**
   * Encodes dispatches, and submits them in portions: work that is on its way cannot be stopped,
   * and much at once would hold up everything else on the device.
   *
   * @returns the last portion, which is not submitted
   */
  async #dispatch(
    dispatches: readonly Dispatch[],
    begun: Portion,
    underWay: Submitted[],
    pacer: Pacer,
  ): Promise<Portion> {
    let { commands, work } = begun;
    let pass = commands.beginComputePass();
    for (const dispatch of dispatches) {
      pass.setPipeline(dispatch.pipeline);
      pass.setBindGroup(0, dispatch.bindings);
      pass.dispatchWorkgroups(...dispatch.groups);
      work += dispatch.work;
      if (work < this.#work) continue;
      pass.end();
      ({ commands, work } = await this.#submitPaced({ commands, work }, underWay, pacer));
      pass = commands.beginComputePass();
    }
    pass.end();
    return { commands, work };
  }

  /**
   * Submits a portion of the work. Waits until fewer than `tuning.portions` are under way. The time
   * of a portion decides the size of later ones.
   *
   * @returns the next portion, which is empty
   */
  async #submitPaced(
    { commands, work }: Portion,
    underWay: Submitted[],
    pacer: Pacer,
  ): Promise<Portion> {
    const { device, tuning } = this.#compiled.gpu;
    const started = milliseconds();
    const fault = this.#submit(commands);
    const done = device.queue.onSubmittedWorkDone();
    // If an earlier portion fails, nothing awaits this one.
    done.catch(() => undefined);
    underWay.push({ work, started, fault, done });
    while (underWay.length >= tuning.portions) {
      await this.#endOfPortion(underWay.shift() as Submitted, pacer);
    }
    return { commands: device.createCommandEncoder(), work: 0 };
  }

  /** Waits for a portion, and sets the size of later ones by its time. */
  async #endOfPortion({ work, started, fault, done }: Submitted, pacer: Pacer): Promise<void> {
    await pacer.unlessAborted(done);
    await this.#check(fault);
    // The device begins a portion when the one before is finished.
    const began = Math.max(started, this.#finished);
    this.#finished = milliseconds();
    const factor = SUBMIT_MS / Math.max(this.#finished - began, 1);
    if (work > 0) this.#work = work * Math.min(Math.max(factor, 0.25), 4);
    pacer.check();
  }

  /** @returns the fault that the device finds with it, once it has looked */
  #submit(commands: GPUCommandEncoder): Promise<GPUError | null> {
    const { device } = this.#compiled.gpu;
    const { faults } = watched(device, ['validation'], () =>
      device.queue.submit([commands.finish()]),
    );
    return faults.then(([fault]) => fault);
  }

  /** @throws GpuFault if there is a fault, or the device is lost */
  async #check(fault: Promise<GPUError | null>): Promise<void> {
    const error = await fault;
    if (error !== null) throw new GpuFault(error.message);
    const { lost } = this.#compiled.gpu;
    if (lost !== undefined) throw new GpuFault(`the device was lost: ${lost}`);
  }

  async #bind({ channels, height, width }: RowSource, span: Span): Promise<BoundPlan> {
    const key = `${channels},${height},${width} ${span.first} ${span.end}`;
    if (this.#last?.key === key && this.#last.bound.version === this.#slots.version) {
      return this.#last.bound;
    }
    this.#unbind();
    const bound = await bindPlan(this.#compiled, this.#slots, [channels, height, width], span);
    this.#last = { key, bound };
    return bound;
  }

  #unbind(): void {
    this.#last?.bound.parameters.destroy();
    this.#last = undefined;
  }
}

const planOf = (network: BoundNetwork): Plan =>
  planNetwork(
    network.map(({ layer }) => layer),
    WEBGPU_RULES,
  );
