import { cut, joined, wholeMapBytes } from './backend/barriers.ts';
import { handOn, localRunner, type Runner } from './backend/batches.ts';
import type { MomentsOf } from './backend/fold-pool.ts';
import type { GpuNetworks, LatentsOnDevice } from './backend/gpu-networks.ts';
import type { Pacer } from './backend/pacer.ts';
import type { NetworkName, Segment } from './backend/segment.ts';
import { kernelsFor } from './backend/wasm/kernels-for.ts';
import type { FirstRun, WorkerPool } from './backend/wasm/pool.ts';
import { createWasmBackend, KEPT_BYTES, type WasmBackend } from './backend/wasm/wasm-backend.ts';
import { callersOwn, expected, messageOf } from './errors.ts';
import type { BoundNetwork } from './model/bind.ts';
import type { Half } from './model/layers.ts';
import { DEFAULT_WORKERS_CAP } from './options/load.ts';
import type {
  GpuInfo,
  Info,
  KernelModule,
  LoadOptions,
  Precision,
  RunOptions,
} from './options/types.ts';
import { lazily } from './platform/lazily.ts';
import { hardwareThreads, hasWorkers } from './platform/runtime.ts';
import { type RowSink, type RowSource, tensorRows } from './rows.ts';
import { picturesOf, type Tensor } from './tensor.ts';

/** The smallest picture worth the 0.1 s it takes to start workers: 384×384. */
const WORKERS_FROM_PIXELS = 384 * 384;

/** The checked options of `Taesd.load` that decide how networks run. */
export interface EngineOptions
  extends Pick<LoadOptions, 'device' | 'fallback' | 'wasm' | 'maxMemory' | 'workers'> {
  readonly backend: NonNullable<LoadOptions['backend']>;
  readonly precision: Precision;
}

/** A half's layers, to run them one by one, independent of the compiled networks. */
export interface EngineLayers {
  readonly network: BoundNetwork;
  readonly kernels: KernelModule | undefined;
  readonly maxMemory: number | undefined;
}

/** The work of a call on each picture or latent of a batch. */
export interface Work {
  readonly network: NetworkName;
  /** That of the pictures. Defaults to 1. */
  readonly resolution?: number;
  /** Pixels of a picture. */
  readonly pixels: number;
  /** Rows of the output. */
  readonly rows: number;
  /** The sink of each output. */
  readonly sinks: readonly RowSink[];
  /** True if the sinks take bytes. */
  readonly asBytes?: boolean;
}

/**
 * The networks of a model, or one of a caller's. Each call runs on a device, on this thread or on
 * workers.
 */
export class Engine {
  readonly #networks: ReadonlyMap<NetworkName, BoundNetwork>;
  /**
   * The stretches of each network that stream; more than one if a layer needs a whole map. Decoders
   * of smaller pictures are there from their first use on.
   */
  readonly #segments = new Map<NetworkName, readonly Segment[]>();
  readonly #options: EngineOptions;
  readonly #kernels: KernelModule | undefined;
  #local: { backend: WasmBackend | undefined; runner(segment: number): Runner } | undefined;
  /** Bytes of the kernels' memory with the weights alone. */
  #weightBytes = 0;
  /** Computes the moments of whole maps; undefined before a network with a barrier runs. */
  #moments: Promise<MomentsOf> | undefined;
  #pool: WorkerPool | undefined;
  /** Undefined if WebGPU was not requested. */
  #gpu: GpuNetworks | undefined;
  /** Why wanted workers could not start. */
  #reason: string | undefined;

  private constructor(
    networks: ReadonlyMap<NetworkName, BoundNetwork>,
    options: EngineOptions,
    kernels: KernelModule | undefined,
  ) {
    this.#networks = networks;
    this.#options = options;
    this.#kernels = kernels;
  }

  /** @throws TaesdError UNSUPPORTED, FORMAT, ARG (the kernels), LIMIT, OOM */
  static async start(
    networks: ReadonlyMap<NetworkName, BoundNetwork>,
    options: EngineOptions,
  ): Promise<Engine> {
    const { backend, precision, wasm } = options;
    const kernels = backend === 'reference' ? undefined : await kernelsFor(precision, wasm);
    const engine = new Engine(networks, options, kernels);
    for (const [name, network] of networks) await engine.#cut(name, network);
    if (backend === 'webgpu' || backend === 'auto') {
      const { WebGpuNetworks } = await lazily(() => import('./backend/webgpu/networks.ts'));
      engine.#gpu = await WebGpuNetworks.start(networks, { ...options, backend, kernels });
      // WASM starts when it has to take over.
      if (engine.#gpu.active) return engine;
    }
    if (kernels !== undefined && (options.workers ?? 0) > 0) await engine.#startPool();
    else await engine.#startLocal();
    return engine;
  }

  /** The part of `taesd.info` about workers. */
  get workersInfo(): Pick<Info, 'workers' | 'workersReason'> {
    const workers = this.#pool?.size ?? 0;
    return { workers, ...(this.#reason && { workersReason: this.#reason }) };
  }

  /** Bytes of the kernels' memories, of workers' too, and of the device's buffers. */
  get memoryBytes(): number {
    const wasm = (this.#local?.backend?.memoryBytes() ?? 0) + (this.#pool?.memoryBytes ?? 0);
    return wasm + (this.#gpu?.memoryBytes ?? 0);
  }

  /** Bytes of whole maps that a call keeps for each latent. */
  get bytesPerLatent(): number {
    return Math.max(...[...this.#segments.values()].map(wholeMapBytes));
  }

  /** The part of `taesd.info` that a device decides; nothing without WebGPU. */
  get gpuInfo(): GpuInfo | undefined {
    return this.#gpu?.info;
  }

  /**
   * Checks latents that lie in a buffer of the device. Returns undefined for any others.
   *
   * @throws TaesdError ARG, SHAPE
   */
  checkOnDevice(latents: unknown): LatentsOnDevice | undefined {
    return this.#gpu?.check(latents);
  }

  /**
   * The rows of each latent of a batch; those on a device are copies, which the caller releases.
   */
  rowsOf(latents: Tensor | LatentsOnDevice): readonly RowSource[] {
    return 'data' in latents
      ? picturesOf(latents).map(tensorRows)
      : (this.#gpu as GpuNetworks).copy(latents);
  }

  /** Reads rows of latents that lie on a device. */
  inMemory(source: RowSource): Promise<RowSource> {
    return (this.#gpu as GpuNetworks).inMemory(source);
  }

  /**
   * Runs a network on the pictures of a batch, one after the other.
   *
   * @throws TaesdError LIMIT, OOM, WORKER, ABORTED, UNSUPPORTED; what `onProgress` throws
   */
  async run(
    { network, resolution, pixels, rows, sinks, asBytes }: Work,
    sources: readonly RowSource[],
    pacer: Pacer,
    onProgress: RunOptions['onProgress'],
  ): Promise<void> {
    const total = sinks.length * rows;
    for (const [n, source] of sources.entries()) {
      // Chosen for each picture: what ran the one before may have failed.
      const runner = await this.runner(network, pixels, source, resolution);
      for await (const batch of runner.batches(source, { first: 0, end: rows, asBytes }, pacer)) {
        handOn(batch, sinks[n]);
        const rowsDone = batch.done ?? batch.first + batch.count;
        callersOwn(() => onProgress?.({ done: n * rows + rowsDone, total }));
      }
    }
  }

  /**
   * Chooses where a network runs for a source that belongs to a picture of that many pixels.
   *
   * @param network     the network that runs
   * @param pixels      those of the picture at its resolution
   * @param source      the rows that the network reads
   * @param resolution  that of the picture; below 1 for decoders only. Defaults to 1
   */
  async runner(
    network: NetworkName,
    pixels: number,
    source: RowSource,
    resolution = 1,
  ): Promise<Runner> {
    const name = resolution < 1 ? resolution : network;
    if (!this.#segments.has(name)) await this.#makeSmaller(resolution);
    // A pixel of a smaller picture takes more work.
    const wasm = () =>
      this.#wasmRunner(name, pixels / resolution, source).catch((error) => {
        // If a network does not fit into the memory, the other networks must still run.
        if (resolution < 1) {
          this.#segments.delete(name);
          this.#local = this.#reason = undefined;
          // Workers know the networks by numbers that have changed.
          this.#endPool();
        }
        throw error;
      });
    return this.#gpu?.runner(name, wasm) ?? wasm();
  }

  /** Adds the decoder of pictures of a resolution to the networks. @throws TaesdError OOM */
  async #makeSmaller(resolution: number): Promise<void> {
    const { smallerDecoder } = await lazily(() => import('./model/smaller.ts'));
    const network = smallerDecoder(this.#networks.get('decoder') as BoundNetwork, resolution);
    await this.#gpu?.add(resolution, network);
    await this.#cut(resolution, network);
    // The next workers start with all networks.
    this.#endPool();
  }

  /** Adds a network, cut into segments. */
  async #cut(name: NetworkName, network: BoundNetwork): Promise<void> {
    const { precision } = this.#options;
    // The reference takes layers of every kind.
    const isWhole = this.#kernels === undefined;
    this.#segments.set(name, isWhole ? [{ network, precision }] : await cut(network, precision));
  }

  async #wasmRunner(name: NetworkName, pixels: number, source: RowSource): Promise<Runner> {
    if (this.#wantsWorkers(pixels)) {
      if (this.#pool?.failed === true) this.#endPool();
      if (this.#pool === undefined && this.#reason === undefined) {
        await this.#startPool({ network: this.#numberOf(name), source });
      }
      const pool = this.#pool;
      if (pool !== undefined) return this.#chain(name, (n) => pool.runner(n));
    }
    const { runner } = this.#local ?? (await this.#startLocal());
    return this.#chain(name, runner);
  }

  /** The segments of all networks. Pools and this thread number them so. */
  get #allSegments(): readonly Segment[] {
    return [...this.#segments.values()].flat();
  }

  /** Returns the number of a network's first segment. */
  #numberOf(name: NetworkName): number {
    return this.#allSegments.indexOf((this.#segments.get(name) as readonly Segment[])[0]);
  }

  /** Returns the runner of a network, given that of each segment by its number. */
  #chain(name: NetworkName, runnerOf: (number: number) => Runner): Promise<Runner> {
    const segments = this.#segments.get(name) as readonly Segment[];
    const first = this.#numberOf(name);
    // The reference computes its own moments.
    if (this.#kernels === undefined) return Promise.resolve(runnerOf(first));
    return joined(
      segments,
      segments.map((_, n) => runnerOf(first + n)),
      () => (this.#moments ??= this.#startMoments()),
    );
  }

  async #startMoments(): Promise<MomentsOf> {
    const { startMoments } = await lazily(() => import('./backend/wasm/moments.ts'));
    return startMoments(this.#kernels as KernelModule);
  }

  /** A half's layers with weights and kernels. */
  layers(part: Half): EngineLayers {
    const network = this.#networks.get(part) as BoundNetwork;
    return { network, kernels: this.#kernels, maxMemory: this.#options.maxMemory };
  }

  /** Frees memory a large run has grown; called between runs. */
  async settle(): Promise<void> {
    this.#gpu?.settle();
    const backend = this.#local?.backend;
    if (backend !== undefined && backend.memoryBytes() > this.#weightBytes + KEPT_BYTES) {
      await backend.compact();
      this.#weightBytes = backend.memoryBytes();
    }
  }

  /** Ends the workers and frees all memory. */
  dispose(): void {
    this.#gpu?.dispose();
    this.#endPool();
    this.#local = undefined;
    this.#moments = undefined;
  }

  /** Ends the workers. The next run that wants some starts others. */
  #endPool(): void {
    this.#pool?.dispose();
    this.#pool = undefined;
  }

  #wantsWorkers(pixels: number): boolean {
    const { backend, workers } = this.#options;
    if (backend === 'reference' || workers === 0) return false;
    if (workers !== undefined) return true;
    return pixels >= WORKERS_FROM_PIXELS && hardwareThreads() > 1;
  }

  /**
   * Starts workers. If they cannot start, `info` has the reason.
   *
   * @param first  the run that waits for them. By default its size decides their number
   */
  async #startPool(first?: FirstRun): Promise<void> {
    const { workers, maxMemory } = this.#options;
    try {
      if (!hasWorkers()) {
        throw expected('UNSUPPORTED', 'Worker', 'a runtime with workers', 'none');
      }
      // Imported on first use: small pictures need no workers.
      const { WorkerPool } = await lazily(() => import('./backend/wasm/pool.ts'));
      const options = {
        workers: workers ?? Math.min(hardwareThreads(), DEFAULT_WORKERS_CAP),
        isDefault: workers === undefined,
        kernels: this.#kernels as KernelModule,
        networks: this.#allSegments,
        maxMemory,
      };
      this.#pool = await WorkerPool.start(options, first);
    } catch (error) {
      // This thread can do the work too; `info` reports the reason.
      this.#reason = messageOf(error);
      if (this.#local === undefined) await this.#startLocal();
    }
  }

  async #startLocal() {
    const { maxMemory } = this.#options;
    const backend =
      this.#kernels === undefined
        ? undefined
        : await createWasmBackend({ kernels: this.#kernels, maxMemory });
    const { compile } =
      backend ?? (await lazily(() => import('./backend/reference.ts'))).referenceBackend;
    const started = ({ network, precision, tallest }: Segment) =>
      localRunner(compile(network, precision, tallest));
    const runners = this.#allSegments.map(started);
    const runner = (n: number): Runner => (runners[n] ??= started(this.#allSegments[n]));
    this.#weightBytes = backend?.memoryBytes() ?? 0;
    this.#local = { backend, runner };
    return this.#local;
  }
}
