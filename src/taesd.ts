import { allocateClamped } from './allocate.ts';
import type { Span } from './backend/backend.ts';
import { handOn } from './backend/batches.ts';
import type { GpuPlace } from './backend/gpu-networks.ts';
import { Pacer } from './backend/pacer.ts';
import { describe } from './checks.ts';
import { checkTarget } from './draw/target.ts';
import { Engine } from './engine.ts';
import { expected } from './errors.ts';
import { type ImageLike, imageRows, type Picture, pictureSink } from './image.ts';
import { type BoundNetwork, bindNetwork } from './model/bind.ts';
import { otherModel } from './model/latent-channels.ts';
import {
  checkLatentChannels,
  LATENT_SCALE,
  networkOf,
  type Part,
  type Variant,
} from './model/variants.ts';
import {
  checkOne,
  checkOptions,
  checkPictures,
  croppedSize,
  isTensorLike,
  ownImage,
  pixels,
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

/** One picture's or latent's way through a network. */
interface Job {
  readonly source: RowSource;
  readonly sink: RowSink;
  /** Rows of the output that are wanted. */
  readonly span: Span;
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
  readonly #parts: readonly Part[];
  readonly #options: Pick<Info, 'weights' | 'backend' | 'precision'>;
  readonly #engine: Engine;
  readonly #turns = new Turns();
  #disposed = false;

  /** For entries of runtimes that hand over the kernels; everybody else calls `load`. */
  protected constructor(
    variant: Variant,
    parts: readonly Part[],
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
      ...this.#engine.gpu?.info,
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
  static async load(options: LoadOptions = {}): Promise<Taesd> {
    const where = 'Taesd.load';
    const { named, parts, backend, precision, ...rest } = checkLoadOptions(where, options);
    const { weights, download, onDownload, signal } = rest;
    const pacer = new Pacer(where, signal);
    const look = { weights, download, onDownload, signal };
    const looking = locateWeights(where, named, parts, look);
    const { variant, tensors, from } = await pacer.unlessAborted(looking);
    checkVaeScale(where, variant, tensors);
    const networks = new Map<Part, BoundNetwork>();
    for (const part of parts) {
      const weights = tensors[part];
      if (weights === undefined) continue;
      const hint = (name: string, shape: readonly number[]) => otherModel(part, name, shape);
      networks.set(part, bindNetwork(where, part, networkOf(variant, part), weights, hint));
    }
    const engine = await Engine.start(networks, { ...rest, backend, precision });
    if (signal?.aborted) engine.dispose();
    pacer.check();
    // The reference has but one precision; of WebGPU the engine tells more.
    const info = {
      weights: from,
      backend: backend === 'reference' ? backend : 'wasm',
      precision: backend === 'reference' ? 'f32' : precision,
    } as const;
    return new this(variant, [...networks.keys()], info, engine);
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
  async encode(image: ImageLike | Tensor, options: EncodeOptions = {}): Promise<Tensor> {
    const where = 'encode';
    this.#checkPart(where, 'encoder');
    checkOptions(where, options);
    const sources = isTensorLike(image)
      ? picturesOf(checkPictures(where, snapshot(where, 'image', image, options))).map(tensorRows)
      : [imageRows(where, ownImage(where, image), options)];
    const [{ height, width }] = sources;
    const [latentHeight, latentWidth] = [height, width].map((size) =>
      Math.ceil(size / LATENT_SCALE),
    );
    const { latentChannels } = this.#variant;
    const latents = zeros([sources.length, latentChannels, latentHeight, latentWidth]);
    const sinks = picturesOf(latents).map(tensorSink);
    const span = { first: 0, end: latentHeight };
    const jobs = sources.map((source, n) => ({ source, sink: sinks[n], span }));
    await this.#run(where, 'encoder', width * height, jobs, options);
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
  async decode(latents: Latents, options: DecodeOptions & { output: 'tensor' }): Promise<Tensor>;
  async decode(latents: Latents, options: DecodeOptions & { output: 'images' }): Promise<Picture[]>;
  async decode(
    latents: Latents,
    options?: DecodeOptions & { output?: 'image' | undefined },
  ): Promise<Picture>;
  async decode(latents: Latents, options?: DecodeOptions): Promise<Tensor | Picture | Picture[]>;
  async decode(
    latents: Latents,
    options: DecodeOptions = {},
  ): Promise<Tensor | Picture | Picture[]> {
    const where = 'decode';
    checkOptions(where, options);
    const { output = 'image' } = options;
    if (!['image', 'images', 'tensor'].includes(output)) {
      throw expected('ARG', where, 'output', "'image', 'images' or 'tensor'", describe(output));
    }
    const one = output === 'image' ? "output: 'images' gives one picture for each" : undefined;
    const { batch, copy, width, height } = this.#checkDecode(where, latents, options, one);
    const span = { first: 0, end: height };
    const run = (sinks: readonly RowSink[]) => {
      const jobs = copy().map((source, n) => ({ source, sink: sinks[n], span }));
      return this.#run(where, 'decoder', width * height, jobs, options);
    };
    if (output === 'tensor') {
      const decoded = zeros([batch, 3, height, width]);
      await run(picturesOf(decoded).map(tensorSink));
      return decoded;
    }
    const data = () => pixels(where, width, height);
    const pictures = Array.from({ length: batch }, () => ({ width, height, data: data() }));
    await run(pictures.map(pictureSink));
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
  async *decodeRows(
    latents: Latents,
    options: DecodeRowsOptions = {},
  ): AsyncGenerator<PixelRows, void, void> {
    const where = 'decodeRows';
    checkOptions(where, options);
    const { signal, onProgress } = options;
    const { copy, width, height } = this.#checkDecode(where, latents, options, ONE_EACH);
    const span = { first: 0, end: height };
    const sources = copy();
    const { pacer, end } = await this.#begin(where, sources, signal);
    try {
      const runner = await this.#engine.runner('decoder', width * height);
      for await (const batch of runner.batches(sources[0], span, pacer)) {
        const { first, count } = batch;
        const data = allocateClamped(where, 'rows', 4 * width * count);
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
  async decodeToCanvas(
    latents: Latents,
    target: DrawTarget,
    options: DrawOptions = {},
  ): Promise<void> {
    const where = 'decodeToCanvas';
    checkOptions(where, options);
    checkTarget(where, target);
    const { copy, width, height } = this.#checkDecode(where, latents, options, ONE_EACH);
    const sources = copy();
    const { pacer, end } = await this.#begin(where, sources, options.signal);
    try {
      // Most programs never ask for it: it comes when it is asked for.
      const { drawDecoded } = await import('./draw/decode-to-canvas.ts');
      const runner = await this.#engine.runner('decoder', width * height);
      await drawDecoded({ where, target, width, height, source: sources[0] }, runner, pacer);
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
  async *steps(
    input: ImageLike | Tensor,
    options: StepsOptions = {},
  ): AsyncGenerator<Step, void, void> {
    const where = 'steps';
    this.#checkAlive(where);
    checkOptions(where, options);
    const own = isTensorLike(input)
      ? snapshot(where, 'input', input, options)
      : ownImage(where, input);
    // Most programs never ask for it: it comes when it is asked for.
    const { walkSteps } = await import('./steps/walk.ts');
    yield* walkSteps(own, options, {
      variant: this.#variant,
      checkPart: (part) => this.#checkPart(where, part),
      layers: (part) => this.#engine.layers(part),
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
   * What all that decodes has in common: the input checked, the output's size.
   *
   * @param one  what to do with a batch, where a single latent is wanted
   * @returns `copy` too, which is to be called before anything is waited for, and last: nobody would let go of copies on a
   *   device if something else went wrong after it
   */
  #checkDecode(where: string, latents: Latents, options: RunOptions & SizeOptions, one?: string) {
    this.#checkPart(where, 'decoder');
    const { gpu } = this.#engine;
    const onDevice = gpu?.check(where, latents);
    const own = onDevice ?? snapshot(where, 'latents', latents as Tensor, options);
    checkLatentChannels(where, own, this.#variant);
    if (one !== undefined) checkOne(where, 'latents', own, one);
    const height = croppedSize(where, 'height', options.height, own.shape[2]);
    const width = croppedSize(where, 'width', options.width, own.shape[3]);
    const copy = (): readonly RowSource[] =>
      onDevice === undefined
        ? picturesOf(own as Tensor).map(tensorRows)
        : (gpu as GpuPlace).copy(where, onDevice);
    return { batch: own.shape[0], copy, width, height };
  }

  /**
   * Waits for a call's turn.
   *
   * @returns what paces its work, and what ends it, letting go of the sources
   * @throws TaesdError ABORTED; ARG where the instance was disposed while the call waited
   */
  async #begin(where: string, sources: readonly RowSource[], signal: AbortSignal | undefined) {
    const letGo = () => {
      for (const source of sources) source.release?.();
    };
    try {
      const pacer = new Pacer(where, signal);
      const release = await this.#turns.take(pacer);
      if (this.#disposed) release();
      this.#checkAlive(where);
      const end = () => {
        letGo();
        return this.#engine.settle().finally(release);
      };
      return { pacer, end };
    } catch (error) {
      letGo();
      throw error;
    }
  }

  /** Checks that a half was loaded and not disposed. */
  #checkPart(where: string, part: Part): void {
    this.#checkAlive(where);
    if (this.#parts.includes(part)) return;
    const rule = `an instance with its ${part}`;
    const got = `one with the ${this.#parts.join(' and ')} alone`;
    throw expected('ARG', where, part, rule, got, `load the weights of the ${part} too`);
  }

  #checkAlive(where: string): void {
    if (this.#disposed) {
      throw expected('ARG', where, 'instance', 'a live one', 'one that was disposed');
    }
  }

  /** Runs the pictures of a batch, each of so many pixels, one after the other, after the calls that were made before. */
  async #run(
    where: string,
    part: Part,
    pixelCount: number,
    jobs: readonly Job[],
    { signal, onProgress }: RunOptions,
  ): Promise<void> {
    const total = jobs.reduce((sum, { span }) => sum + span.end - span.first, 0);
    let done = 0;
    const sources = jobs.map(({ source }) => source);
    const { pacer, end } = await this.#begin(where, sources, signal);
    try {
      for (const { source, sink, span } of jobs) {
        // Asked for each picture: what ran the one before may have failed.
        const runner = await this.#engine.runner(part, pixelCount);
        for await (const batch of runner.batches(source, span, pacer)) {
          handOn(batch, sink);
          done += batch.count;
          onProgress?.({ done, total });
        }
      }
    } finally {
      await end();
    }
  }
}
