import { allocateClamped } from './allocate.ts';
import { handOn } from './backend/batches.ts';
import type { LatentsOnDevice } from './backend/gpu-networks.ts';
import { Pacer } from './backend/pacer.ts';
import { describe } from './checks.ts';
import { Engine } from './engine.ts';
import { expected, inCall, inLoop, TaesdError } from './errors.ts';
import { type ImageLike, imageRows, type Picture, pictureSink } from './image.ts';
import { type BoundNetwork, bindNetwork } from './model/bind.ts';
import { otherModel } from './model/latent-channels.ts';
import type { Half } from './model/layers.ts';
import { checkLatentChannels, LATENT_SCALE, networkOf, type Variant } from './model/variants.ts';
import {
  allocatePixels,
  checkOne,
  checkOptions,
  checkPictures,
  croppedSize,
  isTensorLike,
  ownImage,
  snapshot,
} from './options/call.ts';
import { checkLoadOptions } from './options/load.ts';
import type {
  DecodeOptions,
  DecodeRowsOptions,
  DrawOptions,
  DrawTarget,
  EncodeOptions,
  GpuLatents,
  Info,
  LoadOptions,
  PixelRows,
  RunOptions,
  SizeOptions,
} from './options/types.ts';
import { type RowSink, type RowSource, tensorRows, tensorSink } from './rows.ts';
import type { Step, StepsOptions } from './steps/step.ts';
import { picturesOf, type Tensor, zeros } from './tensor.ts';
import { Turns } from './turns.ts';
import { locateWeights } from './weights/locate.ts';
import { checkVaeScale } from './weights/vae-scale.ts';

/** In memory, or on the device that the model runs on. */
type Latents = Tensor | GpuLatents;

/** What to do with a batch where one latent is wanted. */
const ONE_EACH = 'one call for each';

/** The work of a call on each picture or latent of a batch. */
interface Work {
  readonly half: Half;
  /** Pixels of a picture. */
  readonly pixels: number;
  /** Rows of the output. */
  readonly rows: number;
  /** The sink of each output. */
  readonly sinks: readonly RowSink[];
}

/**
 * TAESD: pictures to latents and back.
 *
 * Calls may overlap: each waits for its turn and works on the input as it was when it was called; `decodeRows` and `steps`
 * are called when their loop begins. The event loop
 * gets a turn every few milliseconds. After an error the instance works on.
 */
export class Taesd {
  readonly #variant: Variant;
  readonly #parts: readonly Half[];
  readonly #options: Pick<Info, 'weights' | 'backend' | 'precision'>;
  readonly #engine: Engine;
  readonly #turns = new Turns();
  #disposed = false;

  /** For entries of runtimes that hand over the kernels; everybody else calls `load`. */
  protected constructor(
    variant: Variant,
    parts: readonly Half[],
    options: Pick<Info, 'weights' | 'backend' | 'precision'>,
    engine: Engine,
  ) {
    this.#variant = variant;
    this.#parts = parts;
    this.#options = options;
    this.#engine = engine;
  }

  /** What runs here, and where, as of now. */
  get info(): Info {
    const { count, reason } = this.#engine.workers;
    return {
      model: this.#variant.name,
      ...this.#options,
      ...this.#engine.gpuInfo,
      parts: this.#parts,
      workers: count,
      ...(reason === undefined ? {} : { workersReason: reason }),
      memoryBytes: this.#engine.memoryBytes,
    };
  }

  /**
   * Finds and reads the weights, checks them against the model's layers, and makes the networks ready. Weights of another
   * model are never taken in their place.
   *
   * @throws TaesdError ARG (an unknown option, files not found, a full disk), FORMAT, TRUNCATED, LIMIT, UNSUPPORTED
   *   (weights that cannot be read, a runtime without WASM SIMD), SHAPE (weights of another model, every fault listed),
   *   NONFINITE (damaged weights), INTEGRITY (a cached or fetched file that is not the one), NETWORK, OOM, ABORTED
   */
  static load(options: LoadOptions = {}): Promise<Taesd> {
    return inCall('Taesd.load', async () => {
      const { variant, halves, info, engine } = await loadEngine(options);
      return new this(variant, halves, info, engine);
    });
  }

  /**
   * Pictures → latents, in the space that diffusion works in (scale 1; see `toVaeLatents`).
   *
   * @param image  `{ width, height, data }` with RGB or RGBA bytes, such as ImageData, or a tensor
   *   [N, 3, H, W] with values in [0, 1]; any size from 1×1
   * @returns f32 [N, C, ⌈H/8⌉, ⌈W/8⌉], values mostly in [−3, 3]
   * @throws TaesdError ARG (not a picture, a wrong option, no encoder loaded, disposed), SHAPE, NONFINITE (a
   *   tensor with NaN or infinity), LIMIT, OOM, ABORTED, UNSUPPORTED (with `fallback: false` a device that failed)
   */
  encode(image: ImageLike | Tensor, options: EncodeOptions = {}): Promise<Tensor> {
    return inCall('encode', () => this.#encode(image, options));
  }

  async #encode(image: ImageLike | Tensor, options: EncodeOptions): Promise<Tensor> {
    this.#checkLoaded('encoder');
    checkOptions('encode', options);
    const sources = isTensorLike(image)
      ? picturesOf(checkPictures(snapshot('image', image, options))).map(tensorRows)
      : [imageRows(ownImage(image), options)];
    const [{ height, width }] = sources;
    const [latentHeight, latentWidth] = [height, width].map((size) =>
      Math.ceil(size / LATENT_SCALE),
    );
    const { latentChannels } = this.#variant;
    const latents = zeros([sources.length, latentChannels, latentHeight, latentWidth]);
    const sinks = picturesOf(latents).map(tensorSink);
    const work = { half: 'encoder', pixels: width * height, rows: latentHeight, sinks } as const;
    await this.#run(work, sources, options);
    return latents;
  }

  /**
   * Latents → pictures. The network clamps nothing at its end: bytes are clamped and rounded to the nearest, while
   * `output: 'tensor'` gives the raw values.
   *
   * @param latents  f32 [N, C, h, w] with the model's channels, any size from 1×1; not written to
   * @returns the picture (RGBA, alpha 255); with `output: 'images'` one for each of the batch; with
   *   `output: 'tensor'` f32 [N, 3, H, W]
   * @throws TaesdError ARG (not a tensor, a wrong option, no decoder loaded, disposed), SHAPE (another model's
   *   latents, a batch where one picture is asked for), NONFINITE, LIMIT, OOM, ABORTED, UNSUPPORTED (latents that were lost
   *   with their device; with `fallback: false` a device that failed)
   */
  decode(latents: Latents, options: DecodeOptions & { output: 'tensor' }): Promise<Tensor>;
  decode(latents: Latents, options: DecodeOptions & { output: 'images' }): Promise<Picture[]>;
  decode(
    latents: Latents,
    options?: DecodeOptions & { output?: 'image' | undefined },
  ): Promise<Picture>;
  decode(latents: Latents, options?: DecodeOptions): Promise<Tensor | Picture | Picture[]>;
  decode(latents: Latents, options: DecodeOptions = {}): Promise<Tensor | Picture | Picture[]> {
    return inCall('decode', () => this.#decode(latents, options));
  }

  async #decode(latents: Latents, options: DecodeOptions): Promise<Tensor | Picture | Picture[]> {
    checkOptions('decode', options);
    const { output = 'image' } = options;
    if (!['image', 'images', 'tensor'].includes(output)) {
      throw expected('ARG', 'output', "'image', 'images' or 'tensor'", describe(output));
    }
    const one = output === 'image' ? "output: 'images' gives one picture for each" : undefined;
    const { own, width, height } = this.#checkLatents(latents, options, one);
    const [batch] = own.shape;
    const work = { half: 'decoder', pixels: width * height, rows: height } as const;
    if (output === 'tensor') {
      const decoded = zeros([batch, 3, height, width]);
      await this.#run({ ...work, sinks: picturesOf(decoded).map(tensorSink) }, own, options);
      return decoded;
    }
    const data = () => allocatePixels(width, height);
    const pictures = Array.from({ length: batch }, () => ({ width, height, data: data() }));
    await this.#run({ ...work, sinks: pictures.map(pictureSink) }, own, options);
    return output === 'image' ? pictures[0] : pictures;
  }

  /**
   * Latents → rows of pixels, handed on while the rest is still being decoded, from top to bottom: for pictures that
   * never need to be in memory whole. The work goes on only while rows are asked for; leaving the loop ends it.
   * Other calls of this instance wait until the loop has ended.
   *
   * @param latents  f32 [1, C, h, w], as for `decode`
   * @throws TaesdError as `decode`
   */
  decodeRows(
    latents: Latents,
    options: DecodeRowsOptions = {},
  ): AsyncGenerator<PixelRows, void, void> {
    return inLoop('decodeRows', this.#decodeRows(latents, options));
  }

  async *#decodeRows(
    latents: Latents,
    options: DecodeRowsOptions,
  ): AsyncGenerator<PixelRows, void, void> {
    checkOptions('decodeRows', options);
    const { signal, onProgress } = options;
    const { own, width, height } = this.#checkLatents(latents, options, ONE_EACH);
    const { sources, pacer, end } = await this.#begin(own, signal);
    try {
      const runner = await this.#engine.runner('decoder', width * height);
      for await (const batch of runner.batches(sources[0], { first: 0, end: height }, pacer)) {
        const { first, count } = batch;
        const data = allocateClamped('rows', 4 * width * count);
        const sink = pictureSink({ width, height: count, data });
        handOn(batch, sink, 0);
        onProgress?.({ done: first + count, total: height });
        yield { width, height, y: first, rows: count, data };
      }
    } finally {
      await end();
    }
  }

  /**
   * Decodes onto a canvas, which takes the picture's size, or onto a texture that has it. On the device that the model runs
   * on, the picture never comes to memory, unless it is made in bands; elsewhere it is painted from there.
   *
   * @param latents  f32 [1, C, h, w], as for `decode`
   * @throws TaesdError as `decode`; ARG (no canvas; a context that was not configured; a texture of another size, or
   *   that cannot be painted on), UNSUPPORTED (a canvas that draws neither in 2d nor with WebGPU; a texture where the model
   *   runs on no device, or on one that was lost)
   */
  decodeToCanvas(latents: Latents, target: DrawTarget, options: DrawOptions = {}): Promise<void> {
    return inCall('decodeToCanvas', () => this.#decodeToCanvas(latents, target, options));
  }

  async #decodeToCanvas(latents: Latents, target: DrawTarget, options: DrawOptions): Promise<void> {
    checkOptions('decodeToCanvas', options);
    const { own, width, height } = this.#checkLatents(latents, options, ONE_EACH);
    const { sources, pacer, end } = await this.#begin(own, options.signal);
    try {
      // Imported on first use: most programs never draw.
      const { drawDecoded } = await import('./draw/decode-to-canvas.ts');
      const runner = await this.#engine.runner('decoder', width * height);
      await drawDecoded({ target, width, height, source: sources[0] }, runner, pacer);
    } finally {
      await end();
    }
  }

  /**
   * Goes through a half layer by layer and hands on each one's name, shape, weights, kernels, time and output, from the
   * first to the last. A block can be opened into its operations, and each number of an output into the products that it
   * is the sum of. Each layer runs by itself, on this thread and in f32, whatever `workers` and `precision` say, where
   * `decode` and `encode` fuse some: the last output is theirs in f32, within 1e-4 and as measured to the bit. It takes
   * about twice their time, and whole maps: 67 MB for 64 channels of 512×512. Each layer waits for its turn among the
   * other calls of this instance; leaving the loop ends the work.
   *
   * @param input  a picture, as for `encode`, goes through the encoder; a tensor by its channels: [1, 3, H, W] through the
   *   encoder, latents [1, C, h, w] through the decoder
   * @throws TaesdError ARG (neither of the two, a wrong option, no such half loaded, disposed), SHAPE (a batch, another
   *   model's latents), NONFINITE, LIMIT, OOM, ABORTED
   */
  steps(input: ImageLike | Tensor, options: StepsOptions = {}): AsyncGenerator<Step, void, void> {
    return inLoop('steps', this.#steps(input, options));
  }

  async *#steps(
    input: ImageLike | Tensor,
    options: StepsOptions,
  ): AsyncGenerator<Step, void, void> {
    this.#checkAlive();
    checkOptions('steps', options);
    const own = isTensorLike(input) ? snapshot('input', input, options) : ownImage(input);
    // Imported on first use: most programs never step.
    const { walkSteps } = await import('./steps/walk.ts');
    yield* walkSteps(own, options, {
      variant: this.#variant,
      checkPart: (half) => this.#checkLoaded(half),
      layers: (half) => this.#engine.layers(half),
      turn: (pacer) => this.#turns.take(pacer),
    });
  }

  /**
   * Lets go of the networks and their memory, which is collected once no call runs any more. Calls that wait, and later
   * ones, fail with ARG; calling it twice is fine.
   */
  dispose(): void {
    this.#disposed = true;
    // A call that runs keeps what it needs until it has ended.
    void this.#turns.done().then(() => this.#engine.dispose());
  }

  /**
   * Checks the latents of a call that decodes, and the size of its output.
   *
   * @param one  the remedy for a batch, if the call takes a single latent
   * @returns latents in memory as a copy; latents on a device are copied by `#begin`
   */
  #checkLatents(latents: Latents, options: RunOptions & SizeOptions, one?: string) {
    this.#checkLoaded('decoder');
    const own =
      this.#engine.checkOnDevice(latents) ?? snapshot('latents', latents as Tensor, options);
    checkLatentChannels(own, this.#variant);
    if (one !== undefined) checkOne('latents', own, one);
    const height = croppedSize('height', options.height, own.shape[2]);
    const width = croppedSize('width', options.width, own.shape[3]);
    return { own, width, height };
  }

  /**
   * Begins a call's work: copies latents that lie on a device, then waits for the call's turn.
   *
   * @param input  rows, or latents that were checked
   * @returns the rows, the pacer of the work, and the function that ends the turn and frees the rows
   * @throws TaesdError ABORTED; ARG if the instance was disposed while the call waited
   */
  async #begin(
    input: readonly RowSource[] | Tensor | LatentsOnDevice,
    signal: AbortSignal | undefined,
  ) {
    const pacer = new Pacer(signal);
    // The last step before the `try`: if anything threw in between, copies on a device would leak.
    const sources = 'shape' in input ? this.#engine.rowsOf(input) : input;
    const free = () => {
      for (const source of sources) source.release?.();
    };
    try {
      const release = await this.#turns.take(pacer);
      if (this.#disposed) release();
      this.#checkAlive();
      const end = () => {
        free();
        return this.#engine.settle().finally(release);
      };
      return { sources, pacer, end };
    } catch (error) {
      free();
      throw error;
    }
  }

  /** @throws TaesdError ARG if the half was not loaded, or the instance was disposed */
  #checkLoaded(half: Half): void {
    this.#checkAlive();
    if (this.#parts.includes(half)) return;
    const rule = `an instance with its ${half}`;
    const got = `one with the ${this.#parts.join(' and ')} alone`;
    throw expected('ARG', half, rule, got, { hint: `load the weights of the ${half} too` });
  }

  #checkAlive(): void {
    if (this.#disposed) throw new TaesdError('ARG', 'this instance was disposed');
  }

  /** Runs the pictures of a batch one after the other, once the calls made before are done. */
  async #run(
    { half, pixels, rows, sinks }: Work,
    input: readonly RowSource[] | Tensor | LatentsOnDevice,
    { signal, onProgress }: RunOptions,
  ): Promise<void> {
    const total = sinks.length * rows;
    let done = 0;
    const { sources, pacer, end } = await this.#begin(input, signal);
    try {
      for (const [n, source] of sources.entries()) {
        // Chosen for each picture: what ran the one before may have failed.
        const runner = await this.#engine.runner(half, pixels);
        for await (const batch of runner.batches(source, { first: 0, end: rows }, pacer)) {
          handOn(batch, sinks[n]);
          done += batch.count;
          onProgress?.({ done, total });
        }
      }
    } finally {
      await end();
    }
  }
}

/** Finds the weights, checks them, and makes the networks ready; see `Taesd.load`. */
async function loadEngine(options: LoadOptions) {
  const { named, parts, backend, precision, ...rest } = checkLoadOptions(options);
  const { weights, download, onDownload, signal } = rest;
  const pacer = new Pacer(signal);
  const look = { weights, download, onDownload, signal };
  const looking = locateWeights(named, parts, look);
  const { variant, tensors, from } = await pacer.unlessAborted(looking);
  checkVaeScale(variant, tensors);
  const networks = new Map<Half, BoundNetwork>();
  for (const half of parts) {
    const weights = tensors[half];
    if (weights === undefined) continue;
    const hint = (name: string, shape: readonly number[]) => otherModel(half, name, shape);
    networks.set(half, bindNetwork(half, networkOf(variant, half), weights, hint));
  }
  const engine = await Engine.start(networks, { ...rest, backend, precision });
  if (signal?.aborted) engine.dispose();
  pacer.check();
  // The reference has only one precision. With WebGPU the engine reports more.
  const info = {
    weights: from,
    backend: backend === 'reference' ? backend : 'wasm',
    precision: backend === 'reference' ? 'f32' : precision,
  } as const;
  return { variant, halves: [...networks.keys()], info, engine };
}
