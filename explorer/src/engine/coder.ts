import { type LoadOptions, Taesd } from 'taesd-wasm';
import { tell } from './answer.ts';
import { Previews } from './previews.ts';
import type { Backend, Place } from './protocol.ts';

/**
 * The instance that encodes and decodes: the one on WASM, which is there for the layers anyway, or
 * one on WebGPU, for as long as that is wanted. The package loads its code for WebGPU with the
 * first of these.
 */
export class Coder {
  readonly #onWasm: Taesd;
  readonly #options: () => Promise<LoadOptions>;
  #taesd: Taesd;
  #previews: Previews;
  #isSoftware = false;
  #wanted: Backend = 'wasm';
  #told: Place = { backend: 'wasm' };

  /** @param options  those of `Taesd.load`, all but the backend */
  constructor(onWasm: Taesd, options: () => Promise<LoadOptions>) {
    this.#onWasm = onWasm;
    this.#options = options;
    this.#taesd = onWasm;
    this.#previews = this.#previewsOf(onWasm);
  }

  get previews(): Previews {
    return this.#previews;
  }

  /** Tells the page what came of it; what is at work goes on until the other one is ready. */
  async use(backend: Backend): Promise<void> {
    if (backend === this.#wanted) return;
    this.#wanted = backend;
    if (backend === 'wasm') {
      this.#take(this.#onWasm, false);
      return;
    }
    try {
      const { taesd, isSoftware } = await onWebGpu(await this.#options());
      const { backend: taken, backendReason: reason } = taesd.info;
      if (this.#wanted !== backend) {
        taesd.dispose();
      } else if (taken === 'webgpu') {
        this.#take(taesd, isSoftware);
      } else {
        taesd.dispose();
        this.#wanted = 'wasm';
        this.#tell({ backend: 'wasm', reason });
      }
    } catch (error) {
      if (this.#wanted === backend) this.#wanted = 'wasm';
      throw error;
    }
  }

  /**
   * Encodes or decodes, again where the instance was put away meanwhile, and says how long it took.
   */
  async time<T>(
    work: (taesd: Taesd) => Promise<T>,
  ): Promise<{ readonly result: T; readonly elapsedMs: number }> {
    for (;;) {
      const taesd = this.#taesd;
      const started = performance.now();
      try {
        const result = await work(taesd);
        const elapsedMs = performance.now() - started;
        this.#tellOfLoss();
        return { result, elapsedMs };
      } catch (error) {
        if (taesd === this.#taesd) throw error;
      }
    }
  }

  #take(taesd: Taesd, isSoftware: boolean): void {
    const last = this.#taesd;
    if (taesd === last) return;
    this.#previews.stopAll();
    if (last !== this.#onWasm) last.dispose();
    this.#taesd = taesd;
    this.#isSoftware = isSoftware;
    this.#previews = this.#previewsOf(taesd);
    this.#tell(this.#place());
  }

  #place(): Place {
    const { backend, adapter, backendReason: reason } = this.#taesd.info;
    if (backend !== 'webgpu') return { backend: 'wasm', reason };
    return { backend, adapter, reason, isSoftware: this.#isSoftware };
  }

  /** A device may be lost at any time; WASM has taken over then. */
  #tellOfLoss(): void {
    const place = this.#place();
    const { backend, reason } = this.#told;
    if (place.backend !== backend || place.reason !== reason) this.#tell(place);
  }

  #tell(place: Place): void {
    this.#told = place;
    tell({ type: 'place', place });
  }

  #previewsOf(taesd: Taesd): Previews {
    return new Previews(taesd, () => this.#tellOfLoss());
  }
}

/** `auto` takes no software adapter: one that it refuses and `webgpu` takes is one. */
async function onWebGpu(options: LoadOptions): Promise<{ taesd: Taesd; isSoftware: boolean }> {
  const auto = await Taesd.load({ ...options, backend: 'auto' });
  if (auto.info.backend === 'webgpu') return { taesd: auto, isSoftware: false };
  auto.dispose();
  return { taesd: await Taesd.load({ ...options, backend: 'webgpu' }), isSoftware: true };
}
