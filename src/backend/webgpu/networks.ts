import { expected, messageOf, onOneLine, TaesdError } from '../../errors.ts';
import type { BoundNetwork } from '../../model/bind.ts';
import type { GpuDevice, GpuInfo, KernelModule, Precision } from '../../options/types.ts';
import { lazily } from '../../platform/lazily.ts';
import type { RowSource } from '../../rows.ts';
import type { Span, WantedRows } from '../backend.ts';
import { cut, joined } from '../barriers.ts';
import { localRunner, type RowBatch, type Runner } from '../batches.ts';
import type { GpuNetworks } from '../gpu-networks.ts';
import type { Pacer } from '../pacer.ts';
import type { NetworkName } from '../segment.ts';
import { createWasmBackend } from '../wasm/wasm-backend.ts';
import type { Stored } from './convolution.ts';
import { findDevice, type Gpu, lossBehind, storedAs } from './device.ts';
import { GpuProgram } from './program.ts';
import type { BandOnDevice } from './read-back.ts';
import { disagreement } from './self-test.ts';
import { Slots } from './slots.ts';
import {
  type CheckedLatents,
  checkGpuLatents,
  copyOnDevice,
  isGpuLatents,
  isOnDevice,
  type SourceOnDevice,
} from './source.ts';

/** How the networks run on a device. */
export interface GpuOptions {
  readonly backend: 'webgpu' | 'auto';
  readonly precision: Precision;
  readonly device?: GpuDevice | undefined;
  /** False: if the device fails, calls fail. WASM does not take over. */
  readonly fallback?: boolean | undefined;
  /** The maximum number of bytes of maps. */
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
   * @param draw  draws the picture from its buffer. Called at most once, at the end.
   * @returns false if the device does not do it. Nothing was drawn then.
   * @throws TaesdError as `batches`; what `draw` throws
   */
  paint(
    source: RowSource,
    span: Span,
    pacer: Pacer,
    draw: (picture: BandOnDevice) => Promise<void>,
  ): Promise<boolean>;
}

/** The remedy of a caller who has excluded WASM. */
const FALLBACK = 'without fallback: false, WASM takes over';

/** Adds that remedy to an error's own. */
function withFallback(cause: TaesdError): TaesdError {
  const api = [cause.remedy?.api, FALLBACK].filter((text) => text !== undefined).join('; ');
  return new TaesdError(cause.code, cause.sentence, { cause, remedy: { api } });
}

/** The networks of a model on a device, or the reason why WASM runs them. */
export class WebGpuNetworks implements GpuNetworks {
  readonly #options: GpuOptions;
  #gpu: Gpu | undefined;
  #slots: Slots | undefined;
  #stored: Stored = 'f32';
  #programs = new Map<NetworkName, GpuProgram>();
  /** Why this device was taken, or why WASM does the work. */
  #reason = '';

  private constructor(options: GpuOptions) {
    this.#options = options;
  }

  /**
   * Finds a device, compiles the networks for it, and compares a small case of each with WASM.
   *
   * @throws TaesdError UNSUPPORTED (no device, or not a trusted one, and `fallback` is false)
   */
  static async start(
    networks: ReadonlyMap<NetworkName, BoundNetwork>,
    options: GpuOptions,
  ): Promise<WebGpuNetworks> {
    const { backend, precision, device } = options;
    const started = new WebGpuNetworks(options);
    const gpu = await findDevice(backend, device as GPUDevice | undefined);
    if (typeof gpu === 'string') {
      started.#giveUp(gpu);
      return started;
    }
    started.#gpu = gpu;
    const origin = device === undefined ? `asked for ${backend}` : 'the device was given';
    let doubt = '';
    // If maps of 16 bits come out wrong, those of 32 may not.
    for (const stored of new Set([storedAs(gpu, precision), 'f32'] as const)) {
      const fault = await started.#tryOut(gpu, networks, stored).catch(messageOf);
      if (fault === undefined) {
        const why = doubt === '' ? 'it has no shader-f16' : doubt;
        const f32 = precision === 'fast' && stored === 'f32' ? `; f32, as ${why}` : '';
        started.#reason = `${origin}: ${gpu.adapter}${f32}`;
        return started;
      }
      doubt = fault;
      started.#release();
    }
    started.#destroyDevice();
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
      const rule = 'a tensor in memory, as the model runs on no device';
      throw expected('ARG', 'latents', rule, `a GPUBuffer (${this.#whyNot})`);
    }
    return checkGpuLatents(latents);
  }

  copy(latents: CheckedLatents): SourceOnDevice[] {
    return copyOnDevice((this.#gpu as Gpu).device, latents);
  }

  async add(name: NetworkName, network: BoundNetwork): Promise<void> {
    if (!this.active || this.#programs.has(name)) return;
    try {
      const [gpu, slots] = [this.#gpu as Gpu, this.#slots as Slots];
      this.#programs.set(name, await GpuProgram.compile(gpu, slots, network, this.#stored));
    } catch (error) {
      await this.#failed(error);
    }
  }

  runner(name: NetworkName, wasm: () => Promise<Runner>): Runner | GpuRunner {
    const inMemory = (source: RowSource) => this.inMemory(source);
    const onWasm = async function* (source: RowSource, span: WantedRows, pacer: Pacer) {
      const rows = await inMemory(source);
      yield* (await wasm()).batches(rows, span, pacer);
    };
    if (this.#programs.size > 0 && !this.active) this.#stop(this.#whyNot);
    const program = this.#programs.get(name);
    const gpu = this.#gpu;
    if (program === undefined || gpu === undefined) {
      this.#giveUp(this.#reason);
      return { batches: onWasm };
    }
    const failed = (error: unknown) => this.#failed(error);
    const works = () => this.#programs.get(name) === program;
    return {
      device: gpu.device,
      async *batches(source, span, pacer): AsyncGenerator<RowBatch, void, void> {
        let { first } = span;
        // If painting this picture failed before, the buffers are gone and the reason is recorded.
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
        yield* onWasm(source, { ...span, first }, pacer);
      },
      async paint(source, span, pacer, draw) {
        try {
          // The texture of a canvas would be gone by the second band.
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
    this.#release();
    this.#destroyDevice();
    this.#gpu = undefined;
  }

  /** Destroys the device. The caller's own stays: latents may still lie on it. */
  #destroyDevice(): void {
    if (!this.#gpu?.owned) return;
    this.#gpu.device.destroy();
    this.#gpu = undefined;
  }

  /** @returns how a network disagrees with WASM, in words; undefined if all agree */
  async #tryOut(
    gpu: Gpu,
    networks: ReadonlyMap<NetworkName, BoundNetwork>,
    stored: Stored,
  ): Promise<string | undefined> {
    const slots = new Slots(gpu, this.#options.maxMemory);
    this.#slots = slots;
    this.#stored = stored;
    this.#programs = new Map();
    const compiling = [...networks].map(async ([name, network]) => {
      this.#programs.set(name, await GpuProgram.compile(gpu, slots, network, stored));
    });
    // All are awaited even if one fails, so that the others can be released.
    for (const one of await Promise.allSettled(compiling)) {
      if (one.status === 'rejected') throw one.reason;
    }
    const { kernels } = this.#options;
    for (const [name, network] of networks) {
      const program = this.#programs.get(name) as GpuProgram;
      // In f32, whatever the precision, with a memory that is collected after this.
      const { compile } = await createWasmBackend({ kernels });
      const segments = await cut(network, 'f32');
      const runners = segments.map((segment) => localRunner(compile(segment.network)));
      const wasm = await joined(segments, runners, async () => {
        // Imported for networks that have a barrier.
        const { startMoments } = await lazily(() => import('../wasm/moments.ts'));
        return startMoments(kernels as KernelModule);
      });
      const device: Runner = {
        batches: (...[rows, span, pacer]) => program.batches(rows, span, pacer),
      };
      const fault = await disagreement(name, network, stored, device, wasm);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /**
   * Records an error of the device: WASM runs the rest of the picture, and all later ones.
   *
   * @throws TaesdError ABORTED; errors that WASM would have too; UNSUPPORTED (`fallback` is false)
   */
  async #failed(error: unknown): Promise<void> {
    if (error instanceof TaesdError) {
      // After one picture that is too wide, the device still makes others.
      if (error.code !== 'LIMIT') throw error;
      if (this.#options.fallback === false) throw withFallback(error);
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

  /** Leaves all work to WASM from now on. @throws TaesdError UNSUPPORTED (`fallback` is false) */
  #stop(reason: string, cause?: unknown): void {
    this.#release();
    this.#destroyDevice();
    this.#giveUp(reason, cause);
  }

  /** Reads latents back from the device. @throws TaesdError UNSUPPORTED (lost with their device) */
  async inMemory(source: RowSource): Promise<RowSource> {
    if (!isOnDevice(source)) return source;
    try {
      await source.arrived();
      return await source.download();
    } catch (cause) {
      if (cause instanceof TaesdError) throw cause;
      const reason = onOneLine(this.#whyNot);
      const sentence = `the latents were lost with their device (${reason}); decode them from memory`;
      throw new TaesdError('UNSUPPORTED', sentence, { cause });
    }
  }

  /** Records why WASM does the work. @throws TaesdError UNSUPPORTED (`fallback` is false) */
  #giveUp(reason: string, cause?: unknown): void {
    this.#reason = reason;
    if (this.#options.fallback !== false) return;
    const sentence = `WebGPU is not available: ${onOneLine(reason)} (${FALLBACK})`;
    throw new TaesdError('UNSUPPORTED', sentence, { cause });
  }

  /** Releases the networks and their buffers. */
  #release(): void {
    for (const program of this.#programs.values()) program.dispose();
    this.#programs.clear();
    this.#slots?.release();
  }
}
