import { describe } from '../../arguments.ts';
import { expected, TaesdError } from '../../errors.ts';
import type { BoundNetwork } from '../../model/bind.ts';
import type { Part } from '../../model/variants.ts';
import type { GpuDevice, GpuInfo } from '../../options.ts';
import type { RowSource } from '../../rows.ts';
import type { Precision, Span } from '../backend.ts';
import { localRunner, type RowBatch, type Runner } from '../batches.ts';
import type { GpuPlace } from '../gpu-place.ts';
import type { Pacer } from '../pacer.ts';
import { createWasmBackend } from '../wasm/index.ts';
import type { KernelModule } from '../wasm/module.ts';
import type { Stored } from './convolution.ts';
import { findDevice, type Gpu, messageOf, storedAs } from './device.ts';
import { paintPicture } from './paint.ts';
import { GpuProgram } from './program.ts';
import { Slots } from './slots.ts';
import { copyLatents, isGpuLatents, isOnDevice, type SourceOnDevice } from './source.ts';
import { disagreement } from './trust.ts';

/** How the networks are to run on a device. */
export interface GpuOptions {
  readonly backend: 'webgpu' | 'auto';
  readonly precision: Precision;
  readonly device?: GpuDevice | undefined;
  /** False: what the device does not do is not done. */
  readonly fallback?: boolean | undefined;
  /** Bytes of maps. */
  readonly maxMemory?: number | undefined;
  /** The WASM kernels, which the device is compared with. */
  readonly kernels: KernelModule | undefined;
}

/** A runner on a device, which can also put its picture on a texture. */
export interface GpuRunner extends Runner {
  /**
   * Decodes onto a texture of the same device that is asked for when the work is nearly done.
   *
   * @returns false where the device does not do it: nothing was painted
   */
  paint(source: RowSource, span: Span, pacer: Pacer, texture: () => GPUTexture): Promise<boolean>;
  readonly device: GPUDevice;
}

/** The networks of a model on a device, or the reason why WASM runs them. */
export class GpuNetworks implements GpuPlace {
  readonly #options: GpuOptions;
  #gpu: Gpu | undefined;
  #slots: Slots | undefined;
  #stored: Stored = 'f32';
  #programs = new Map<Part, GpuProgram>();
  #reason = '';

  private constructor(options: GpuOptions) {
    this.#options = options;
  }

  /**
   * Finds a device, compiles the networks for it, and compares a small case of each with WASM.
   *
   * @throws TaesdError ARG; UNSUPPORTED where WASM may not take over
   */
  static async start(
    networks: ReadonlyMap<Part, BoundNetwork>,
    options: GpuOptions,
  ): Promise<GpuNetworks> {
    const { backend, precision, device, fallback } = options;
    const where = 'Taesd.load';
    if (fallback !== undefined && typeof fallback !== 'boolean') {
      throw expected('ARG', where, 'fallback', 'true or false', describe(fallback));
    }
    if (device !== undefined && typeof (device as GPUDevice)?.createBuffer !== 'function') {
      throw expected('ARG', where, 'device', 'a GPUDevice', describe(device));
    }
    const started = new GpuNetworks(options);
    const gpu = await findDevice(backend, device as GPUDevice | undefined);
    if (typeof gpu === 'string') {
      started.#giveUp(gpu);
      return started;
    }
    started.#gpu = gpu;
    const found = `${device === undefined ? `asked for ${backend}` : 'the device was given'}: ${gpu.adapter}`;
    let doubt = '';
    // Where maps of 16 bits come out wrong, those of 32 may not.
    for (const stored of new Set([storedAs(gpu, precision), 'f32'] as const)) {
      const fault = await started
        .#tryOut(gpu, networks, stored)
        .catch((error: unknown) => messageOf(error));
      if (fault === undefined) {
        const wished = precision === 'fast' && stored === 'f32';
        const f32 = doubt === '' ? 'it has no shader-f16' : doubt;
        started.#reason = wished ? `${found}; f32, as ${f32}` : found;
        return started;
      }
      doubt = fault;
      started.#letGo();
    }
    started.#abandonDevice();
    started.#giveUp(`${gpu.adapter} is not trusted: ${doubt}`);
    return started;
  }

  get active(): boolean {
    return this.#programs.size > 0;
  }

  get info(): GpuInfo {
    const { precision } = this.#options;
    const reason = { backendReason: this.#reason };
    if (!this.active) return { backend: 'wasm', precision, ...reason };
    const stored = this.#stored === 'f16' ? 'fast' : 'f32';
    return { backend: 'webgpu', precision: stored, adapter: this.#gpu?.adapter ?? '', ...reason };
  }

  get memoryBytes(): number {
    let bytes = this.#slots?.bytes ?? 0;
    for (const program of this.#programs.values()) bytes += program.weightBytes;
    return bytes;
  }

  adopt(where: string, latents: unknown): SourceOnDevice[] | undefined {
    if (!isGpuLatents(latents)) return undefined;
    const device = this.#gpu?.device;
    if (device === undefined || this.#gpu?.lost !== undefined) {
      const got = `none: ${this.#reason || this.#gpu?.lost}`;
      throw expected('ARG', where, 'latents', 'a device that their buffer lies on', got);
    }
    return copyLatents(where, device, latents);
  }

  runner(part: Part, wasm: () => Promise<Runner>): Runner | GpuRunner {
    const elsewhere = async function* (source: RowSource, span: Span, pacer: Pacer) {
      const rows = isOnDevice(source) ? await source.download() : source;
      yield* (await wasm()).batches(rows, span, pacer);
    };
    const program = this.#programs.get(part);
    const { device } = this.#gpu ?? {};
    if (program === undefined || device === undefined) {
      this.#giveUp(this.#reason);
      return { batches: elsewhere };
    }
    const failed = (error: unknown) => this.#failed(error);
    return {
      device,
      async *batches(source, span, pacer): AsyncGenerator<RowBatch, void, void> {
        let { first } = span;
        try {
          for await (const batch of program.batches(source, span, pacer)) {
            first = batch.first + batch.count;
            yield batch;
          }
          return;
        } catch (error) {
          await failed(error);
        } finally {
          if (isOnDevice(source) && first === span.end) source.buffer.destroy();
        }
        yield* elsewhere(source, { first, end: span.end }, pacer);
      },
      async paint(source, span, pacer, texture) {
        try {
          // Of a canvas, the texture is gone by the time of a second band.
          if ((await program.bandCount(source, span)) > 1) return false;
          for await (const _ of program.run(source, span, pacer, (band, commands) => {
            paintPicture(device, band, commands, texture());
            return () => device.queue.onSubmittedWorkDone();
          }));
          if (isOnDevice(source)) source.buffer.destroy();
          return true;
        } catch (error) {
          await failed(error);
          return false;
        }
      },
    };
  }

  settle(): void {
    this.#slots?.settle();
  }

  dispose(): void {
    this.#letGo();
    this.#abandonDevice();
    this.#gpu = undefined;
  }

  /** The caller's device stays: latents may still lie on it. */
  #abandonDevice(): void {
    if (!this.#gpu?.owned) return;
    this.#gpu.device.destroy();
    this.#gpu = undefined;
  }

  async #tryOut(
    gpu: Gpu,
    networks: ReadonlyMap<Part, BoundNetwork>,
    stored: Stored,
  ): Promise<string | undefined> {
    const slots = new Slots(gpu, this.#options.maxMemory);
    this.#slots = slots;
    this.#stored = stored;
    const compiling = [...networks].map(
      async ([part, network]) =>
        [part, await GpuProgram.compile(gpu, slots, network, stored)] as const,
    );
    this.#programs = new Map(await Promise.all(compiling));
    const { kernels } = this.#options;
    for (const [part, network] of networks) {
      const program = this.#programs.get(part) as GpuProgram;
      // In f32, whatever the precision, with a memory that goes when this is done.
      const wasm = localRunner((await createWasmBackend({ kernels })).compile(network));
      const fault = await disagreement(part, network, stored, program, wasm);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /**
   * After an error of the device: WASM runs what is left, and all that comes.
   *
   * @throws TaesdError ABORTED; what WASM could not do either; UNSUPPORTED where it may not take over
   */
  async #failed(error: unknown): Promise<void> {
    if (error instanceof TaesdError) {
      // One picture that is too wide says nothing of the next.
      if (error.code !== 'LIMIT' || this.#options.fallback === false) throw error;
      this.#reason = `for a picture, WASM: ${error.message}`;
      return;
    }
    // That the device is lost is told a little later than that it does not work.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const { lost } = this.#gpu ?? {};
    this.#letGo();
    this.#abandonDevice();
    this.#giveUp(lost === undefined ? messageOf(error) : `the device was lost: ${lost}`, error);
  }

  /** @throws TaesdError UNSUPPORTED where WASM may not take over */
  #giveUp(reason: string, cause?: unknown): void {
    this.#reason = reason;
    if (this.#options.fallback !== false) return;
    const hint = 'without fallback: false, WASM takes over';
    throw expected('UNSUPPORTED', 'webgpu', 'device', 'one that does its work', reason, hint, {
      cause,
    });
  }

  #letGo(): void {
    for (const program of this.#programs.values()) program.dispose();
    this.#programs.clear();
    this.#slots?.release();
  }
}
