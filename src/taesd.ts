import { allocateClamped } from './allocate.ts';
import { handOn } from './backend/batches.ts';
import type { LatentsOnDevice } from './backend/gpu-networks.ts';
import { Pacer } from './backend/pacer.ts';
import { type EndedByUsing, endByUsing } from './builtins/disposal.ts';
import { isPromise } from './builtins/tags.ts';
import { allocatePixels, checkOptions, ownImage } from './calls/arguments.ts';
import { type Latents, type LatentsOfCall, latentsOfCall } from './calls/latents.ts';
import { OpenLoops } from './calls/open-loops.ts';
import { picturesOfCall } from './calls/pictures.ts';
import { whenRead } from './calls/when-read.ts';
import { checkSize, describe } from './checks.ts';
import { Engine, type Work } from './engine.ts';
import { callersOwn, expected, inCall, inLoop, TaesdError } from './errors.ts';
import { pictureSink } from './image.ts';
import type { Half } from './model/layers.ts';
import { encodingRemedy, isModelName, repeatsEdges, type Variant } from './model/variants.ts';
import { checkLoadOptions } from './options/load.ts';
import type { Step, StepsOptions } from './options/step.ts';
import type {
  DecodeOptions,
  DecodeRowsOptions,
  DownloadProgress,
  DrawOptions,
  DrawTarget,
  EncodeOptions,
  ImageLike,
  Info,
  LoadOptions,
  Picture,
  PictureSource,
  PixelRows,
  RunOptions,
  SizeOptions,
  SpaceOptions,
} from './options/types.ts';
import { lazily } from './platform/lazily.ts';
import { type RowSource, tensorSink } from './rows.ts';
import { picturesOf, type Tensor, zeros } from './tensor.ts';
import { type ReadLatents, readLatentsLike } from './tensor-like/read-latents-like.ts';
import { isTensorLike } from './tensor-like/read-tensor.ts';
import type { LatentsWithOrigin, TensorLike } from './tensor-like/types.ts';
import { Turns } from './turns.ts';
import { bindWeights } from './weights/bind-weights.ts';
import { loadWeights } from './weights/load.ts';

/** The remedy for a batch if a call takes one latent. */
const ONE_EACH = 'one call for each';

/**
 * TAESD: pictures to latents and back.
 *
 * Calls may overlap. Each waits for its turn and works on its input as it was at the time of the
 * call; for `decodeRows` and `steps` that is when their loop begins. The event loop gets a turn
 * every few milliseconds. The instance stays usable after an error.
 *
 * Parts that few programs need are loaded on first use. If one cannot be loaded, calls fail with
 * UNSUPPORTED (a service worker, which has no `import()`) or NETWORK (the server does not answer).
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor adds the method
export class Taesd {
  readonly #variant: Variant;
  readonly #parts: readonly Half[];
  readonly #options: Pick<Info, 'weights' | 'weightsNote' | 'backend' | 'precision'>;
  readonly #engine: Engine;
  readonly #turns = new Turns();
  readonly #loops = new OpenLoops();
  #disposed = false;

  /** For `load` alone. */
  protected constructor(
    variant: Variant,
    parts: readonly Half[],
    options: Pick<Info, 'weights' | 'weightsNote' | 'backend' | 'precision'>,
    engine: Engine,
  ) {
    this.#variant = variant;
    this.#parts = parts;
    this.#options = options;
    this.#engine = engine;
    endByUsing(this, () => this.dispose());
  }

  /** The model, its backend, workers and memory, as of now. */
  get info(): Info {
    return {
      model: this.#variant.name,
      ...this.#options,
      ...this.#engine.gpuInfo,
      parts: this.#parts,
      ...this.#engine.workersInfo,
      memoryBytes: this.#engine.memoryBytes,
      bytesPerLatent: this.#engine.bytesPerLatent,
    };
  }

  /**
   * Finds and reads the weights, checks them against the model's layers, and makes the networks
   * ready. Weights of another model are never taken instead.
   *
   * @throws TaesdError ARG (an unknown option, files not found, a full disk), FORMAT, TRUNCATED,
   *   LIMIT, UNSUPPORTED (unreadable weights, those of a model that is not supported, a runtime
   *   without WASM SIMD), UNSAFE (a hostile `.pth`), SHAPE (weights of another model, every fault
   *   listed), NONFINITE (damaged weights), INTEGRITY (a cached or downloaded file with another
   *   SHA-256), NETWORK, OOM, ABORTED
   */
  static load(options: LoadOptions = {}): Promise<Taesd> {
    return inCall('Taesd.load', async () => {
      const { variant, halves, info, engine } = await loadEngine(options);
      return new this(variant, halves, info, engine);
    });
  }

  /**
   * Encodes pictures to latents in the space diffusion works in (scale 1; see `toVaeLatents`).
   *
   * The picture is taken when `encode` is called: the caller may change it, close it or draw on it
   * once the call has returned its promise. A file behind a File must stay as it is until the
   * promise has settled.
   *
   * @param image  `{ width, height, data }` with RGB or RGBA bytes, such as ImageData, or a tensor
   *   [N, 3, H, W] with values in [0, 1], or [N, 4, H, W] for a model with alpha; any size from
   *   1×1. In browsers also ImageData of every kind, a Blob or File, an ImageBitmap, an `<img>`, a
   *   canvas, a VideoFrame or a `<video>`; see `BrowserPicture`
   * @returns f32 [N, C, ⌈H/d⌉, ⌈W/d⌉], where d is the model's downscale; values mostly in [−3, 3]
   * @throws TaesdError ARG (not a picture, one of another site that the browser does not let pages
   *   read, a wrong option, no encoder loaded, disposed), FORMAT (a Blob that the browser cannot
   *   read), SHAPE, NONFINITE (a tensor or ImageData with NaN or infinity), LIMIT, OOM, ABORTED,
   *   UNSUPPORTED (a colour space that is not known; with `fallback: false`, a device that failed)
   */
  encode(image: PictureSource | TensorLike, options: EncodeOptions = {}): Promise<Tensor> {
    return inCall('encode', () => this.#encode(image, options));
  }

  async #encode(image: PictureSource | TensorLike, options: EncodeOptions): Promise<Tensor> {
    this.#checkLoaded('encoder');
    checkOptions('encode', options);
    const read = picturesOfCall(image, options, this.#variant);
    let sources = isPromise(read) ? await read : read;
    const { maxSize, signal } = options;
    if (maxSize !== undefined) {
      // Imported on first use: most pictures have the right size.
      const { scaledRows } = await lazily(() => import('./picture/scale.ts'));
      sources = await scaledRows(sources, maxSize, new Pacer(signal));
    }
    if (repeatsEdges(this.#variant, sources[0])) {
      const { extendedRows } = await lazily(() => import('./calls/extended-rows.ts'));
      sources = sources.map((source) => extendedRows(source, this.#variant));
    }
    const [{ height, width, channels }] = sources;
    const { latentChannels, pictureChannels, downscale } = this.#variant;
    if (channels < pictureChannels) {
      // Imported on first use: most models know no alpha.
      const { withAlpha } = await lazily(() => import('./calls/with-alpha.ts'));
      sources = sources.map(withAlpha);
    }
    const [latentHeight, latentWidth] = [height, width].map((size) => Math.ceil(size / downscale));
    const latents = zeros([sources.length, latentChannels, latentHeight, latentWidth]);
    const sinks = picturesOf(latents).map(tensorSink);
    const work = { network: 'encoder', pixels: width * height, rows: latentHeight, sinks } as const;
    await this.#run(work, sources, options);
    return latents;
  }

  /**
   * Decodes latents to pictures. The network's output is not clamped: bytes are clamped and rounded
   * to the nearest, `output: 'tensor'` gives the raw values.
   *
   * @param latents  f32 [N, C, h, w] with the model's channels, any size from 1×1; not written to.
   *   The packed forms of FLUX.1 and FLUX.2 are taken too; see `TensorLike`
   * @returns the picture (RGBA, alpha 255 if the model knows none); with `output: 'images'` one for
   *   each latent of the batch; with `output: 'tensor'` f32 [N, C, H, W], where C is 3, or 4 for a
   *   model with alpha
   * @throws TaesdError ARG (not a tensor, a wrong option, no decoder loaded, disposed), SHAPE
   *   (another model's latents, a batch for one picture), NONFINITE, LIMIT, OOM, ABORTED,
   *   UNSUPPORTED (latents lost with their device; with `fallback: false`, a device that failed;
   *   VAE space for `taef2`, whose scale is not known)
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
    const checked = this.#latentsOf(latents, options, one);
    const { own, width, height, resolution } = isPromise(checked) ? await checked : checked;
    const [batch] = own.shape;
    const { pictureChannels } = this.#variant;
    const work = { network: 'decoder', resolution, pixels: width * height, rows: height } as const;
    if (output === 'tensor') {
      const decoded = zeros([batch, pictureChannels, height, width]);
      await this.#run({ ...work, sinks: picturesOf(decoded).map(tensorSink) }, own, options);
      return decoded;
    }
    const data = () => allocatePixels(width, height);
    const pictures = Array.from({ length: batch }, () => ({ width, height, data: data() }));
    const sinks = pictures.map((picture) => pictureSink(picture, pictureChannels));
    await this.#run({ ...work, sinks, asBytes: true }, own, options);
    return output === 'image' ? pictures[0] : pictures;
  }

  /**
   * Decodes latents to rows of pixels, from top to bottom, so that a picture is never in memory
   * whole. Work is done only when rows are requested. Other calls of this instance wait until the
   * loop has ended. Do not await another call of the same instance in the body of the loop: it
   * would wait for the loop, and the loop for it. The loop is ended by `break`, `return()`, a fired
   * `signal` and `dispose`, the last two even if the caller never asks for more.
   *
   * @param latents  f32 [1, C, h, w], as for `decode`
   * @throws TaesdError as `decode`; ARG (`firstRow` is not a row of the picture)
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
    const work = this.#rowsOf(latents, options);
    yield* this.#loops.run(work, options.signal, () => this.#checkAlive());
  }

  async *#rowsOf(
    latents: Latents,
    options: DecodeRowsOptions,
  ): AsyncGenerator<PixelRows, void, void> {
    const { signal, onProgress, firstRow: from = 0 } = options;
    const checked = this.#latentsOf(latents, options, ONE_EACH);
    const { own, width, height, resolution } = isPromise(checked) ? await checked : checked;
    checkSize('firstRow', from, 0, height - 1);
    const { sources, pacer, end } = await this.#begin(own, signal);
    try {
      const runner = await this.#engine.runner('decoder', width * height, sources[0], resolution);
      const wanted = { first: from, end: height, asBytes: true };
      for await (const batch of runner.batches(sources[0], wanted, pacer)) {
        const { first, count, done = first + count } = batch;
        callersOwn(() => onProgress?.({ done, total: height }));
        // A layer that needs the whole map reports its progress without rows.
        if (count === 0) continue;
        const data = allocateClamped('rows', 4 * width * count);
        const sink = pictureSink({ width, height: count, data }, this.#variant.pictureChannels);
        handOn(batch, sink, 0);
        yield { width, height, y: first, rows: count, data };
      }
    } finally {
      await end();
    }
  }

  /**
   * Decodes onto a canvas, which is resized to the picture, or onto a texture of its size. On the
   * device the model runs on, the picture never comes to memory, unless it is made in bands.
   *
   * Browsers limit canvases: to 65,535 pixels a side or less, and to 4096² pixels in all on some
   * phones. Larger ones stay empty. If a side is longer than 4096, a second canvas of the picture's
   * size is tried before the decode begins, and freed. On LIMIT the canvas is as it was.
   *
   * @param latents  f32 [1, C, h, w], as for `decode`
   * @throws TaesdError as `decode`; ARG (not a canvas; an unconfigured context; a texture of
   *   another size, or one that cannot be painted on), UNSUPPORTED (a canvas that draws neither in
   *   2d nor with WebGPU; a texture if the model runs on no device, or on a lost one), LIMIT (a
   *   canvas that the browser or its device does not draw at this size)
   */
  decodeToCanvas(latents: Latents, target: DrawTarget, options: DrawOptions = {}): Promise<void> {
    return inCall('decodeToCanvas', () => this.#decodeToCanvas(latents, target, options));
  }

  async #decodeToCanvas(latents: Latents, target: DrawTarget, options: DrawOptions): Promise<void> {
    checkOptions('decodeToCanvas', options);
    const checked = this.#latentsOf(latents, options, ONE_EACH);
    const { own, width, height, resolution } = isPromise(checked) ? await checked : checked;
    const { sources, pacer, end } = await this.#begin(own, options.signal);
    try {
      // Imported on first use: most programs never draw.
      const { drawDecoded } = await lazily(() => import('./draw/decode-to-canvas.ts'));
      const runner = await this.#engine.runner('decoder', width * height, sources[0], resolution);
      const { pictureChannels: channels } = this.#variant;
      const drawing = { target, width, height, channels, source: sources[0] };
      await drawDecoded(drawing, runner, pacer);
    } finally {
      await end();
    }
  }

  /**
   * Runs a half layer by layer and yields each layer's name, shape, weights, kernels, time and
   * output, from the first to the last. A block opens into its operations, and a number of an
   * output into the products it is the sum of. Each layer runs by itself, on this thread and in
   * f32, regardless of `workers` and `precision`, while `decode` and `encode` fuse layers. The last
   * output is within 1e-4 of theirs in f32, and was measured equal to the bit. It takes about twice
   * their time, and whole feature maps: 67 MB for 64 channels of 512×512. Each layer waits for its
   * turn among the other calls of this instance; leaving the loop ends the work.
   *
   * @param input  a picture, as for `encode`, goes through the encoder. A tensor goes by its
   *   channels: [1, 3, H, W] through the encoder, latents [1, C, h, w] through the decoder
   * @throws TaesdError ARG (not a picture or tensor, a wrong option, the half not loaded,
   *   disposed), SHAPE (a batch, another model's latents), FORMAT, UNSUPPORTED (pictures, as for
   *   `encode`), NONFINITE, LIMIT, OOM, ABORTED
   */
  steps(
    input: PictureSource | TensorLike | LatentsWithOrigin,
    options: StepsOptions = {},
  ): AsyncGenerator<Step, void, void> {
    return inLoop('steps', this.#steps(input, options));
  }

  async *#steps(
    input: PictureSource | TensorLike | LatentsWithOrigin,
    options: StepsOptions,
  ): AsyncGenerator<Step, void, void> {
    this.#checkAlive();
    checkOptions('steps', options);
    const { latentChannels, pictureChannels } = this.#variant;
    const channels = [latentChannels, 3, pictureChannels];
    const read = isTensorLike(input)
      ? readLatentsLike(input, { ...options, what: 'input', channels }, this.#variant)
      : ownImage(input, options);
    const own = await whenRead(read, options.signal, (copy: ImageLike | ReadLatents) => copy);
    // Imported on first use: most programs never step.
    const { walkSteps } = await lazily(() => import('./steps/walk.ts'));
    yield* walkSteps(own, options, {
      variant: this.#variant,
      checkPart: (half) => this.#checkLoaded(half),
      layers: (half) => this.#engine.layers(half),
      turn: (pacer) => this.#turns.take(pacer),
    });
  }

  /**
   * Frees the networks and their memory once no call runs any more. Waiting and later calls fail
   * with ARG, and so do loops over `decodeRows` and `steps` that ask for more. Calling it twice is
   * fine. `using taesd = await Taesd.load()` calls it at the end of the block.
   */
  dispose(): void {
    this.#disposed = true;
    this.#loops.end();
    // A running call keeps what it needs until it has ended.
    void this.#turns.done().then(() => this.#engine.dispose());
  }

  /** Copies and checks the latents of a call that decodes; see `latentsOfCall`. */
  #latentsOf(
    latents: Latents,
    options: RunOptions & SizeOptions & SpaceOptions,
    one?: string,
  ): LatentsOfCall | Promise<LatentsOfCall> {
    this.#checkLoaded('decoder');
    const onDevice = this.#engine.checkOnDevice(latents);
    return latentsOfCall(latents, options, { onDevice, variant: this.#variant, one });
  }

  /**
   * Begins a call's work: copies latents that lie on a device, then waits for the call's turn.
   *
   * @param input  rows, or latents that were checked
   * @returns the rows, the pacer of the work, and the function that ends the turn and frees the
   *   rows
   * @throws TaesdError ABORTED; ARG if the instance was disposed while the call waited
   */
  async #begin(
    input: readonly RowSource[] | Tensor | LatentsOnDevice,
    signal: AbortSignal | undefined,
  ) {
    const pacer = new Pacer(signal);
    // The last step before the `try`: if anything threw in between, copies on a device would leak.
    const copies = 'shape' in input ? this.#engine.rowsOf(input) : input;
    const free = () => {
      for (const source of copies) source.release?.();
    };
    try {
      const release = await this.#turns.take(pacer);
      if (this.#disposed) release();
      this.#checkAlive();
      const end = () => {
        free();
        return this.#engine.settle().finally(release);
      };
      if (!('isVae' in input)) return { sources: copies, pacer, end };
      // Imported on first use: most latents are in the space of diffusion.
      const { vaeRows } = await lazily(() => import('./calls/vae-rows.ts'));
      const inMemory = (copy: RowSource) => this.#engine.inMemory(copy);
      const sources = await vaeRows(copies, inMemory, this.#variant).catch(async (error) => {
        await end();
        throw error;
      });
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
    const remedy = half === 'encoder' ? encodingRemedy(this.#variant) : undefined;
    const hint = remedy === undefined ? `load the weights of the ${half} too` : undefined;
    throw expected('ARG', half, rule, got, { hint, remedy });
  }

  #checkAlive(): void {
    if (this.#disposed) throw new TaesdError('ARG', 'this instance was disposed');
  }

  /** Runs the pictures of a batch one after the other, once the calls made before are done. */
  async #run(
    work: Work,
    input: readonly RowSource[] | Tensor | LatentsOnDevice,
    { signal, onProgress }: RunOptions,
  ): Promise<void> {
    const { sources, pacer, end } = await this.#begin(input, signal);
    try {
      await this.#engine.run(work, sources, pacer, onProgress);
    } finally {
      await end();
    }
  }
}

export interface Taesd extends EndedByUsing {}

/** Returns a hint for a name that is none of the models': that of one that is not supported. */
async function hintFor(name: string): Promise<string | undefined> {
  // Without `import()` the error has no hint.
  const found = await lazily(() => import('./weights/other-models.ts')).catch(() => undefined);
  return found?.otherModelHint(name);
}

/** Finds the weights, checks them, and makes the networks ready; see `Taesd.load`. */
async function loadEngine(options: LoadOptions) {
  const name: unknown = options?.model;
  // Awaited for an unknown name alone: what the caller gives is read before the call returns.
  const isUnknown = typeof name === 'string' && !isModelName(name);
  const modelHint = isUnknown ? await hintFor(name) : undefined;
  const { named, parts, backend, precision, ...rest } = checkLoadOptions(options, modelHint);
  const { weights, download, signal, onDownload } = rest;
  const pacer = new Pacer(signal);
  const notify = (progress: DownloadProgress) => callersOwn(() => onDownload?.(progress));
  const looking = loadWeights(named, parts, {
    weights,
    download,
    signal,
    onDownload: onDownload && notify,
  });
  const { variant, tensors, from, note: ofSearch } = await pacer.unlessAborted(looking);
  if (tensors.vaeScale !== undefined || tensors.vaeShift !== undefined) {
    // Imported when needed: most files of weights carry neither.
    const { checkVaeScale } = await lazily(() => import('./weights/vae-scale.ts'));
    checkVaeScale(variant, tensors);
  }
  const { networks, note: ofFile } = await bindWeights(variant, parts, tensors);
  const engine = await Engine.start(networks, { ...rest, backend, precision });
  if (signal?.aborted) engine.dispose();
  pacer.check();
  const note = [ofSearch, ofFile].filter((one) => one !== undefined).join('; ');
  // The reference has only one precision. With WebGPU the engine reports more.
  const info = {
    weights: from,
    ...(note === '' ? {} : { weightsNote: note }),
    backend: backend === 'reference' ? backend : 'wasm',
    precision: backend === 'reference' ? 'f32' : precision,
  } as const;
  return { variant, halves: [...networks.keys()], info, engine };
}
