import { Pacer } from '../backend/pacer.ts';
import { type EndedByUsing, endByUsing } from '../builtins/disposal.ts';
import { isPromise } from '../builtins/tags.ts';
import { whenRead } from '../calls/when-read.ts';
import { Engine } from '../engine.ts';
import { expected, inCall, TaesdError } from '../errors.ts';
import { bindNetwork } from '../model/bind.ts';
import type { Network } from '../model/layers.ts';
import { type Chw, inputChannels, outputShape } from '../model/measure.ts';
import type { Info } from '../options/types.ts';
import { tensorRows, tensorSink } from '../rows.ts';
import { picturesOf, shapeText, type Tensor, zeros } from '../tensor.ts';
import { type ReadTensor, readTensor } from '../tensor-like/read-tensor.ts';
import type { TensorLike } from '../tensor-like/types.ts';
import { Turns } from '../turns.ts';
import { checkLayers } from './check-layers.ts';
import {
  type CheckedLoad,
  checkBoth,
  checkLoad,
  checkRun,
  type LoadNetworkOptions,
  type NetworkRunOptions,
  type RunNetworkOptions,
} from './options.ts';
import { type NetworkWeights, ownWeights } from './own-weights.ts';

/** The backend and the workers that run a network, as of now. See `Info`. */
export type NetworkInfo = Pick<
  Info,
  'backend' | 'backendReason' | 'adapter' | 'workers' | 'workersReason'
>;

/**
 * A network with its weights packed for a backend. Calls may overlap: each waits for its turn and
 * works on its tensor as it was at the time of the call. The network stays usable after an error.
 */
export interface LoadedNetwork extends EndedByUsing {
  /**
   * Runs the network.
   *
   * @param tensor  f32 [N, C, h, w] or [C, h, w] with the channels that the network reads, any size
   *   from 1×1, of any library; not written to
   * @returns f32 [N, C′, h′, w′], the output of the last layer
   * @throws TaesdError ARG (not a tensor, a wrong option, disposed), SHAPE (other channels),
   *   NONFINITE, LIMIT, OOM, WORKER, ABORTED, UNSUPPORTED (with `fallback: false`, a device that
   *   failed)
   */
  run(tensor: TensorLike, options?: NetworkRunOptions): Promise<Tensor>;
  /** The backend and the workers that run the network now, and why. */
  readonly info: NetworkInfo;
  /**
   * Bytes of WebAssembly memory and WebGPU buffers in use, weights included. Those of workers are
   * as of their last run. The maps before and behind a block with a pool are not among them.
   */
  readonly memoryBytes: number;
  /**
   * Frees the network and its memory once no call runs any more. Later calls fail with ARG. Calling
   * it twice is fine.
   */
  dispose(): void;
}

/** The name of the network, for errors. */
const NAME = 'network';

/**
 * Makes a network ready to run any number of times. Its weights are copied and packed once.
 *
 * @param layers   convolutions, ReLUs, blocks with a pool and without, upsamplings, clamps and
 *   pixel shuffles, at least one of them a convolution or block; see `conv3x3` and its like. They
 *   may be written by hand or read from JSON, and are checked
 * @param weights  the tensors of all layers, and no others: conv [cout, cin, k, k], bias [cout]
 * @throws TaesdError ARG (not layers, an unknown kind or property, not weights, an unknown option,
 *   disposed), SHAPE (channels that do not follow each other; tensors are missing, too many, or of
 *   another shape, every fault listed), NONFINITE (a weight), FORMAT, TRUNCATED (not a safetensors
 *   file), LIMIT, OOM, UNSUPPORTED (a runtime without WASM SIMD; a dtype that is not read; with
 *   `fallback: false`, no device that works), NETWORK, ABORTED
 */
export function loadNetwork(
  layers: Network,
  weights: NetworkWeights,
  options: LoadNetworkOptions = {},
): Promise<LoadedNetwork> {
  return inCall('loadNetwork', async () => {
    const network = await start(checkLayers(layers), weights, checkLoad(options));
    endByUsing(network, () => network.dispose());
    return network as Omit<LoadedNetwork, keyof EndedByUsing> as LoadedNetwork;
  });
}

/**
 * Runs a network once: `loadNetwork`, `run` and `dispose`. To run it again with these weights, load
 * it.
 *
 * @param tensor  as for `LoadedNetwork.run`
 * @returns f32 [N, C′, h′, w′]
 * @throws TaesdError as `loadNetwork` and `LoadedNetwork.run`
 */
export function runNetwork(
  layers: Network,
  weights: NetworkWeights,
  tensor: TensorLike,
  options: RunNetworkOptions = {},
): Promise<Tensor> {
  return inCall('runNetwork', async () => {
    const own = checkLayers(layers);
    const [forLoad, forRun] = checkBoth(options);
    // Copied before anything is awaited, so that it is the tensor of the time of the call.
    const input = inputOf(own, tensor, forRun);
    // If the network cannot be loaded, nothing awaits `input`: its rejection has no other handler.
    if (isPromise(input)) input.catch(() => {});
    const network = await start(own, weights, forLoad);
    try {
      return await network.runOwn(input, forRun);
    } finally {
      network.dispose();
    }
  });
}

/** Copies and binds the weights, and starts the engine. @throws TaesdError as `loadNetwork` */
async function start(
  layers: Network,
  weights: NetworkWeights,
  options: CheckedLoad,
): Promise<StartedNetwork> {
  const pacer = new Pacer(options.signal);
  const copied = ownWeights(weights);
  const tensors = isPromise(copied) ? await pacer.unlessAborted(copied) : copied;
  const bound = bindNetwork(NAME, layers, tensors);
  const engine = await Engine.start(new Map([[NAME, bound]]), { ...options, precision: 'f32' });
  if (options.signal?.aborted) engine.dispose();
  pacer.check();
  return new StartedNetwork(layers, engine, options.backend);
}

/**
 * Copies the tensor of a call.
 *
 * @returns f32 [N, C, h, w]; a promise if the numbers have to be read from a GPU
 * @throws TaesdError ARG, SHAPE, NONFINITE, OOM, ABORTED
 */
function inputOf(
  layers: Network,
  tensor: TensorLike,
  { signal, allowNonFinite }: NetworkRunOptions,
): Tensor | Promise<Tensor> {
  const channels = inputChannels(layers);
  const read = readTensor(tensor, { what: 'tensor', channels: [channels], allowNonFinite });
  return whenRead(read, signal, ({ tensor: own }: ReadTensor) => {
    if (own.shape[1] === channels) return own;
    throw expected('SHAPE', 'tensor', `shape [N,${channels},h,w]`, shapeText(own.shape));
  });
}

class StartedNetwork {
  readonly #layers: Network;
  readonly #engine: Engine;
  readonly #backend: CheckedLoad['backend'];
  readonly #turns = new Turns();
  #disposed = false;

  constructor(layers: Network, engine: Engine, backend: CheckedLoad['backend']) {
    this.#layers = layers;
    this.#engine = engine;
    this.#backend = backend;
  }

  get info(): NetworkInfo {
    const { gpuInfo, workersInfo } = this.#engine;
    if (gpuInfo === undefined) {
      return { backend: this.#backend === 'reference' ? 'reference' : 'wasm', ...workersInfo };
    }
    const { precision: _, ...found } = gpuInfo;
    return { ...found, ...workersInfo };
  }

  get memoryBytes(): number {
    return this.#engine.memoryBytes;
  }

  run(tensor: TensorLike, options: NetworkRunOptions = {}): Promise<Tensor> {
    return inCall('network.run', async () => {
      this.#checkAlive();
      const checked = checkRun(options);
      return this.runOwn(inputOf(this.#layers, tensor, checked), checked);
    });
  }

  /** Runs the network on a copy of the caller's tensor. */
  async runOwn(
    input: Tensor | Promise<Tensor>,
    { signal, onProgress }: NetworkRunOptions,
  ): Promise<Tensor> {
    const own = isPromise(input) ? await input : input;
    const pacer = new Pacer(signal);
    const [batch, ...chw] = own.shape;
    const [channels, rows, width] = this.#layers.reduce<Chw>(
      (shape, layer) => outputShape(layer, shape),
      chw as unknown as Chw,
    );
    const output = zeros([batch, channels, rows, width]);
    const sinks = picturesOf(output).map(tensorSink);
    const release = await this.#turns.take(pacer);
    try {
      this.#checkAlive();
      const work = { network: NAME, pixels: rows * width, rows, sinks } as const;
      await this.#engine.run(work, picturesOf(own).map(tensorRows), pacer, onProgress);
    } finally {
      await this.#engine.settle().finally(release);
    }
    return output;
  }

  dispose(): void {
    this.#disposed = true;
    // A running call keeps what it needs until it has ended.
    void this.#turns.done().then(() => this.#engine.dispose());
  }

  #checkAlive(): void {
    if (this.#disposed) throw new TaesdError('ARG', 'this network was disposed');
  }
}
