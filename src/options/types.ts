import type { Half } from '../model/layers.ts';
import type { ModelName } from '../model/variants.ts';
import type { Space } from '../tensor-like/types.ts';

/*
 * The public types of loading, calling and `info`, on one floor below all that use them. Those of
 * `taesd.steps` are in step.ts.
 */

/** The options of `Taesd.load`. */
export interface LoadOptions {
  /**
   * The model whose latents are spoken. Defaults to `taesd` (Stable Diffusion 1 and 2) if its
   * weights are found, otherwise to `nano`, which is in the package. `info.model` reports which it
   * is. `nano-sdxl`, `nano-sd3` and `nano-flux1`, also in the package, are decoders alone;
   * `nanoFor` names the one for the latents of a model.
   */
  readonly model?: ModelName | undefined;
  /**
   * A folder, a URL, a `.safetensors` or `.pth` file, or bytes. Defaults to a search: first the
   * folder that the environment variable TAESD_WEIGHTS names, then the cache that `taesd pull` and
   * `download` fill.
   */
  readonly weights?: WeightSource | undefined;
  /**
   * True downloads a model found nowhere else, about 5 MB, from the mirrors of
   * weights/manifest.json. Each file's SHA-256 is checked, and the file is kept in the cache: the
   * user's cache folder, or a browser's Cache API. A file that cannot be kept is used all the same.
   * Defaults to false.
   */
  readonly download?: boolean | undefined;
  /** Called as the bytes of a download arrive. */
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  /**
   * Cancels the loading, a download included: it ends in ABORTED. The bytes of an unfinished file
   * are kept, and the next download resumes there.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * `wasm`, `webgpu` (any WebGPU adapter, or WASM if there is none), `auto` (like `webgpu`, but
   * hardware adapters only) or `reference` (slow plain loops, to compare with). `info` reports
   * what was chosen, and why. Defaults to `wasm`.
   */
  readonly backend?: 'wasm' | 'reference' | 'webgpu' | 'auto' | undefined;
  /** A `GPUDevice` to run on; it stays the caller's. With it, `backend` defaults to `webgpu`. */
  readonly device?: GpuDevice | undefined;
  /**
   * False: if WebGPU cannot do the work, WASM does not take over, and the call fails with
   * UNSUPPORTED. Defaults to true.
   */
  readonly fallback?: boolean | undefined;
  /** See `Precision`. Defaults to `f32`. */
  readonly precision?: Precision | undefined;
  /**
   * The number of workers that share a picture, 0 to 64; 0 means this thread alone. For pictures of
   * 384×384 pixels and larger, it defaults to as many as each picture gains by, at most one a core
   * and at most 8. Each worker has kernels and weights of its own; no memory is shared.
   */
  readonly workers?: number | undefined;
  /** Loads this half alone. Defaults to both halves. */
  readonly only?: Half | undefined;
  /**
   * The kernels (`taesd-wasm/taesd.wasm`), compiled or as bytes, for runtimes that cannot load the
   * package's file. With `precision: 'relaxed'`, those of `taesd-wasm/taesd.relaxed.wasm`.
   */
  readonly wasm?: KernelSource | undefined;
  /**
   * The limit in bytes of each memory of the kernels, weights included: this thread's and each
   * worker's. Defaults to 4 GiB. With WebGPU, the limit of the feature maps on the device, which
   * defaults to 2 GiB: larger pictures are made in bands, to equal bytes.
   */
  readonly maxMemory?: number | undefined;
}

/** A `GPUDevice`, described so far that programs without WebGPU need no types of it. */
export interface GpuDevice {
  readonly queue: object;
  readonly features: object;
  readonly limits: object;
}

/**
 * Latents on the device the model runs on: f32 [N, C, h, w] in a `GPUBuffer` whose usage has
 * COPY_SRC.
 */
export interface GpuLatents {
  readonly shape: readonly number[];
  /** The `GPUBuffer`. Its content at the time of the call is decoded; NaN is not looked for. */
  readonly buffer: { readonly size: number; readonly usage: number };
  /** Bytes before the first number, a multiple of 4. Defaults to 0. */
  readonly offset?: number | undefined;
}

/** An HTMLCanvasElement or OffscreenCanvas. */
export interface CanvasLike {
  width: number;
  height: number;
  getContext(kind: string): unknown;
}

/** A canvas, or a `GPUCanvasContext` or `GPUTexture` of the model's device. */
export type DrawTarget =
  | CanvasLike
  | { getCurrentTexture(): unknown }
  | { createView(): unknown; readonly width: number; readonly height: number };

/** The state of a download: bytes of all its files, earlier attempts included. */
export interface DownloadProgress {
  /** The file that is arriving. */
  readonly file: string;
  /** Falls if a file has to be started again. */
  readonly done: number;
  /** Undefined if the size of a file is not known before it has arrived. */
  readonly total: number | undefined;
}

/** The state of a call: rows of its output. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** The options that encoding and decoding share. */
export interface RunOptions {
  /** Called at most about 80 times a second during the work, and once at its end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Cancels the call: it ends in ABORTED within a few milliseconds (about 10 at 512 pixels of
   * width).
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * True lets NaN and infinity in the input pass into the network. Defaults to false. NaN becomes
   * byte 0 of a picture and stays NaN in a tensor. On WASM one number reaches two to three times
   * as far as in the reference: with taesd, one latent changes 353 pixels to each side.
   * docs/models.md has the distances.
   */
  readonly allowNonFinite?: boolean | undefined;
}

/** The options of `encode`. */
export type EncodeOptions = RunOptions & AlphaOptions & RangeOptions & ScaleOptions;

/** The size of the pictures that are encoded. */
export interface ScaleOptions {
  /**
   * Scales larger pictures down before they are encoded: the longer side has this many pixels then,
   * and `sizeWithin` of `taesd-wasm/picture` returns both. Each pixel becomes the mean light of the
   * area it covers. Defaults to the picture's own size.
   */
  readonly maxSize?: number | undefined;
}

/** The range of a picture tensor's values. It is refused for pictures, whose bytes are 0 to 255. */
export interface RangeOptions {
  /**
   * `[-1,1]`, the range of diffusers, is converted by (x + 1) / 2. `[0,1]` lets all finite values
   * pass. Defaults to [0, 1], and tensors clearly outside of it are refused: those with more than
   * 2 % of their values below −0.25 or above 2.
   */
  readonly range?: '[0,1]' | '[-1,1]' | undefined;
}

/** The space of latents that a call decodes. */
export interface SpaceOptions {
  /**
   * `diffusion` for latents that diffusion models work on, `vae` for latents of the model's full
   * VAE, which are converted as by `fromVaeLatents`. Defaults to the space that the latents name,
   * or to `diffusion`.
   */
  readonly space?: Space | undefined;
}

/**
 * The picture's size in pixels before the latent was rounded up; the rest is cropped. Defaults to
 * the latent's size times the model's downscale, which is 8 for most models.
 */
export interface SizeOptions {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /**
   * 1, 1/2, 1/4 or 1/8. Decodes to ⌈width · resolution⌉ × ⌈height · resolution⌉ pixels, in less
   * time. `width` and `height` remain those of the whole picture. The result is close to the whole
   * picture scaled down; docs/previews.md has the figures. The first call with a resolution makes a
   * network for it, which takes its own memory until `dispose`. Defaults to 1.
   */
  readonly resolution?: number | undefined;
}

/** The options of `decode`. */
export interface DecodeOptions extends RunOptions, SizeOptions, SpaceOptions {
  /**
   * `image`: one picture. `images`: one for each latent of the batch. `tensor`: f32, not clamped.
   * Defaults to `image`.
   */
  readonly output?: 'image' | 'images' | 'tensor' | undefined;
}

/** The options of `decodeRows`. */
export interface DecodeRowsOptions extends RunOptions, SizeOptions, SpaceOptions {
  /**
   * The first row of the result to decode, 0 to its height − 1: the rows from there on are those of
   * the whole result, so a loop that was left can go on. `onProgress` counts the rows above as
   * done. Defaults to 0.
   */
  readonly firstRow?: number | undefined;
}

/** The options of `decodeToCanvas`. */
export type DrawOptions = Pick<RunOptions, 'signal' | 'allowNonFinite'> &
  SizeOptions &
  SpaceOptions;

/** Finished rows of a picture that is being decoded. */
export interface PixelRows {
  /** The picture's size. */
  readonly width: number;
  readonly height: number;
  /** The first of these rows, and their number. */
  readonly y: number;
  readonly rows: number;
  /** RGBA, [rows][width][4], as in `Picture`; the caller's to keep. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** The state of an instance: `taesd.info`. */
export interface Info {
  readonly model: ModelName;
  /**
   * The source of the weights in words: the given folder or URL, `given bytes`,
   * `TAESD_WEIGHTS /folder`, or `cache /folder` with the addresses of this download.
   */
  readonly weights: string;
  /**
   * The facts about the weights that a user may want to know: spare tensors, channels last, a cache
   * that cannot be read, a download that could not be kept.
   */
  readonly weightsNote?: string;
  /** The backend that runs the networks now. */
  readonly backend: 'wasm' | 'reference' | 'webgpu';
  /** If WebGPU was requested: why it was chosen, or why not. */
  readonly backendReason?: string;
  /** With WebGPU: the adapter, as far as it describes itself. */
  readonly adapter?: string;
  /** With WebGPU: `fast` if feature maps are 16-bit, otherwise `f32`. */
  readonly precision: Precision;
  /** The loaded halves. */
  readonly parts: readonly Half[];
  /** Running workers. 0 after `load`, until the first picture large enough for them. */
  readonly workers: number;
  /** Why wanted workers could not start; this thread does the work. */
  readonly workersReason?: string;
  /**
   * Bytes of WebAssembly memory and WebGPU buffers in use, weights included. Those of workers are
   * as of their last run.
   */
  readonly memoryBytes: number;
  /**
   * Bytes that a call keeps for each latent of its picture, beside `memoryBytes`. They are 0 for a
   * model that streams. Layers of taef2 need the whole map before them, and two such maps are kept:
   * 512 bytes, so 2 MB for 512×512 pixels and 34 MB for 2048×2048.
   */
  readonly bytesPerLatent: number;
}

/** The part of `Info` that the WebGPU backend decides. */
export type GpuInfo = Pick<Info, 'backend' | 'precision' | 'backendReason' | 'adapter'>;

/** A picture as bytes, shaped like the browser's ImageData; RGB or RGBA, by the data's length. */
export interface ImageLike {
  readonly width: number;
  readonly height: number;
  /** Row-major, 3 or 4 bytes a pixel, alpha not premultiplied. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /**
   * The colour space, as ImageData names it: `srgb`, `srgb-linear`, `display-p3` or
   * `display-p3-linear`. `encode` and `steps` convert others to sRGB; colours outside of sRGB get
   * its nearest value in each channel. Defaults to `srgb`.
   */
  readonly colorSpace?: string | undefined;
}

/**
 * A picture as 16-bit floats: ImageData whose `pixelFormat` is `rgba-float16`. Its values are
 * rounded to bytes: below 0 to 0, above 1 to 255.
 */
export interface FloatImageLike {
  readonly width: number;
  readonly height: number;
  /** Row-major, 4 numbers a pixel, alpha not premultiplied: a Float16Array. */
  readonly data: FloatData;
  readonly pixelFormat: string;
  /** As in `ImageLike`. */
  readonly colorSpace?: string | undefined;
}

/** A Float16Array, described so far that programs need no types of it. */
export interface FloatData {
  readonly [index: number]: number;
  readonly length: number;
  readonly BYTES_PER_ELEMENT: number;
  slice(): FloatData;
}

/** The pictures that `encode` takes. */
export type PictureSource = ImageLike | FloatImageLike | BrowserPicture;

/**
 * The pictures of browsers: a Blob or File, an ImageBitmap, an `<img>`, a canvas, a VideoFrame, and
 * a `<video>`. They are described so far that programs for Node need no types of the DOM.
 *
 * The browser decodes a Blob, turns it as its EXIF orientation says, and converts its colours to
 * sRGB. A `<video>` gives its present frame. A canvas of WebGL or WebGPU has its pixels only in the
 * task that drew them, without `preserveDrawingBuffer`. Pixels pass through a canvas of 2d, which
 * multiplies colours by alpha: the colours of translucent pixels lose bits, those of transparent
 * ones are lost. Opaque pixels lose nothing.
 */
export type BrowserPicture =
  | { readonly size: number; readonly type: string; arrayBuffer(): Promise<unknown> }
  | { readonly width: number; readonly height: number; close(): void }
  | { readonly naturalWidth: number; readonly naturalHeight: number }
  | CanvasLike
  | { readonly displayWidth: number; readonly displayHeight: number; close(): void }
  | { readonly videoWidth: number; readonly videoHeight: number };

/**
 * A decoded picture: RGBA, alpha 255 if the model knows none, otherwise straight.
 * `new ImageData(data, width, height)` takes it as it is.
 */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** The treatment of translucent pixels. The networks know no alpha, except those of `taeqi2_1`. */
export interface AlphaOptions {
  /**
   * `composite` lays the picture over `background`; `drop` forgets alpha, as the reference does.
   * Defaults to `composite`. A model with alpha keeps it if neither option is given.
   */
  readonly alpha?: 'composite' | 'drop' | undefined;
  /** Defaults to white. */
  readonly background?: Rgb | undefined;
}

/**
 * `f32`: within 1e-4 of PyTorch. `fast`: 16-bit products, about 0.7 of the time, at least 62 dB
 * from the f32 picture (nano: 55 dB) and within one step of its 8-bit latents. With WebGPU, `fast`
 * means 16-bit feature maps if the adapter has `shader-f16`, at least 55 dB. `relaxed`: f32 with
 * the relaxed multiply-add of WebAssembly, about a tenth faster; within 1e-4 of PyTorch, latents of
 * taesdxl within 2e-4. Its last bits depend on the processor and the engine. In a runtime without
 * relaxed SIMD, `load` throws UNSUPPORTED. With WebGPU it is `f32`.
 */
export type Precision = 'f32' | 'fast' | 'relaxed';

/**
 * The kernels as a compiled module, or as the bytes of `taesd-wasm/taesd.wasm` or
 * `taesd-wasm/taesd.relaxed.wasm`.
 */
export type KernelSource = KernelModule | Uint8Array;

/**
 * `WebAssembly.Module`, if the project has types of WebAssembly. They come with the types of the
 * DOM, which a project for Node may lack.
 */
export type KernelModule = typeof globalThis extends {
  WebAssembly: { Module: { prototype: infer M } };
}
  ? M
  : object;

/** A source of weights. Bytes must stay as they are until `load` has settled. */
export type WeightSource =
  /**
   * A folder (path or `file:` URL) or web address that holds MODEL_encoder.safetensors and
   * MODEL_decoder.safetensors, or .pth in place of .safetensors, or MODEL.safetensors or MODEL.pth
   * for both; or, ending in `.safetensors` or `.pth`, one file with both halves or one.
   */
  | string
  | URL
  /** The bytes of one file, safetensors or `.pth`: both halves, or one. */
  | Uint8Array
  /** The bytes of a file for each wanted half. */
  | Halves<Uint8Array>;

/** One thing for each half, or for one of them. */
export interface Halves<T> {
  readonly encoder?: T | undefined;
  readonly decoder?: T | undefined;
}
