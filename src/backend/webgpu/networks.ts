import { expected, messageOf, TaesdError } from '../../errors.ts';
import type { BoundNetwork } from '../../model/bind.ts';
import type { Half } from '../../model/layers.ts';
import type { GpuDevice, GpuInfo, KernelModule, Precision } from '../../options/types.ts';
import type { RowSource } from '../../rows.ts';
import type { Span } from '../backend.ts';
import { localRunner, type RowBatch, type Runner } from '../batches.ts';
import type { GpuPlace } from '../gpu-networks.ts';
import type { Pacer } from '../pacer.ts';
import { createWasmBackend } from '../wasm/wasm-backend.ts';
import type { Stored } from './convolution.ts';
import { findDevice, type Gpu, lossBehind, storedAs } from './device.ts';
import { type BandOnDevice, GpuProgram } from './program.ts';
import { Slots } from './slots.ts';
import {
  type CheckedLatents,
  checkGpuLatents,
  copyLatents,
  isGpuLatents,
  isOnDevice,
  type SourceOnDevice,
} from './source.ts';
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

/** A runner on a device, where a picture can also stay. */
export interface GpuRunner extends Runner {
  readonly device: GPUDevice;
  /**
   * Makes a picture that is drawn on the device.
   *
   * @param draw  draws it from where it lies; called once, when nearly all is done
   * @returns false where the device does not do it: nothing was drawn
   * @throws TaesdError as `batches`, and what `draw` throws
   */
  paint(
    source: RowSource,
    span: Span,
    pacer: Pacer,
    draw: (picture: BandOnDevice) => Promise<void>,
  ): Promise<boolean>;
}

/** The networks of a model on a device, or the reason why WASM runs them. */
export class GpuNetworks implements GpuPlace {
  readonly #options: GpuOptions;
  #gpu: Gpu | undefined;
  #slots: Slots | undefined;
  #stored: Stored = 'f32';
  #programs = new Map<Half, GpuProgram>();
  #reason = '';

  private constructor(options: GpuOptions) {
    this.#options = options;
  }

  /**
   * Finds a device, compiles the networks for it, and compares a small case of each with WASM.
   *
   * @throws TaesdError UNSUPPORTED where WASM may not take over
   */
  static async start(
    networks: ReadonlyMap<Half, BoundNetwork>,
    options: GpuOptions,
  ): Promise<GpuNetworks> {
    const { backend, precision, device } = options;
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
    return this.#programs.size > 0 && this.#gpu?.lost === undefined;
  }

  get info(): GpuInfo {
    const { precision } = this.#options;
    if (!this.active) return { backend: 'wasm', precision, backendReason: this.#whyNot };
    const stored = this.#stored === 'f16' ? 'fast' : 'f32';
    const adapter = this.#gpu?.adapter ?? '';
    return { backend: 'webgpu', precision: stored, adapter, backendReason: this.#reason };
  }

  get memoryBytes(): number {
    let bytes = this.#slots?.bytes ?? 0;
    for (const program of this.#programs.values()) bytes += program.weightBytes;
    return bytes;
  }

  check(latents: unknown): CheckedLatents | undefined {
    if (!isGpuLatents(latents)) return undefined;
    if (this.#gpu === undefined || this.#gpu.lost !== undefined) {
      const got = `none: ${this.#whyNot}`;
      throw expected('ARG', 'latents', 'a device that their buffer lies on', got);
    }
    return checkGpuLatents(latents);
  }

  copy(latents: CheckedLatents): SourceOnDevice[] {
    return copyLatents((this.#gpu as Gpu).device, latents);
  }

  runner(part: Half, wasm: () => Promise<Runner>): Runner | GpuRunner {
    const inMemory = (source: RowSource) => this.#inMemory(source);
    const elsewhere = async function* (source: RowSource, span: Span, pacer: Pacer) {
      const rows = await inMemory(source);
      yield* (await wasm()).batches(rows, span, pacer);
    };
    if (this.#programs.size > 0 && !this.active) this.#stop(this.#whyNot);
    const program = this.#programs.get(part);
    const gpu = this.#gpu;
    if (program === undefined || gpu === undefined) {
      this.#giveUp(this.#reason);
      return { batches: elsewhere };
    }
    const failed = (error: unknown) => this.#failed(error);
    const works = () => this.#programs.get(part) === program;
    return {
      device: gpu.device,
      async *batches(source, span, pacer): AsyncGenerator<RowBatch, void, void> {
        let { first } = span;
        // Where it has failed to paint the same picture, its buffers are gone, and why is known.
        if (works()) {
          try {
            for await (const batch of program.batches(source, span, pacer)) {
              first = batch.first + batch.count;
              yield batch;
            }
            return;
          } catch (error) {
            await failed(error);
          }
        }
        yield* elsewhere(source, { first, end: span.end }, pacer);
      },
      async paint(source, span, pacer, draw) {
        try {
          // Of a canvas, the texture is gone by the time of a second band.
          if ((await program.bandCount(source, span)) > 1) return false;
          for await (const _ of program.run(source, span, pacer, async (band) => draw(band)));
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
    networks: ReadonlyMap<Half, BoundNetwork>,
    stored: Stored,
  ): Promise<string | undefined> {
    const slots = new Slots(gpu, this.#options.maxMemory);
    this.#slots = slots;
    this.#stored = stored;
    this.#programs = new Map();
    const compiling = [...networks].map(async ([part, network]) => {
      this.#programs.set(part, await GpuProgram.compile(gpu, slots, network, stored));
    });
    // Where one fails, the other is let go of once it is there.
    for (const one of await Promise.allSettled(compiling)) {
      if (one.status === 'rejected') throw one.reason;
    }
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
      this.#reason = `a picture was too large for the device: ${error.message}`;
      return;
    }
    if (this.#gpu !== undefined) await lossBehind(this.#gpu.device);
    this.#stop(this.#gpu?.lost === undefined ? messageOf(error) : this.#whyNot, error);
  }

  /** Why the device does not do the work. */
  get #whyNot(): string {
    const lost = this.#gpu?.lost;
    return lost === undefined ? this.#reason : `the device was lost: ${lost}`;
  }

  /** From now on WASM does the work. @throws TaesdError UNSUPPORTED where it may not take over */
  #stop(reason: string, cause?: unknown): void {
    this.#letGo();
    this.#abandonDevice();
    this.#giveUp(reason, cause);
  }

  /** @throws TaesdError UNSUPPORTED for latents that were lost with their device */
  async #inMemory(source: RowSource): Promise<RowSource> {
    if (!isOnDevice(source)) return source;
    try {
      await source.arrived();
      return await source.download();
    } catch (cause) {
      if (cause instanceof TaesdError) throw cause;
      const rule = 'latents that can be read back';
      const hint = 'what lay on a lost device is gone; decode them from memory';
      throw expected('UNSUPPORTED', 'latents', rule, this.#whyNot, { hint, cause });
    }
  }

  /** @throws TaesdError UNSUPPORTED where WASM may not take over */
  #giveUp(reason: string, cause?: unknown): void {
    this.#reason = reason;
    if (this.#options.fallback !== false) return;
    const hint = 'without fallback: false, WASM takes over';
    throw expected('UNSUPPORTED', 'device', 'one that does its work', reason, { hint, cause });
  }

  #letGo(): void {
    for (const program of this.#programs.values()) program.dispose();
    this.#programs.clear();
    this.#slots?.release();
  }
}
