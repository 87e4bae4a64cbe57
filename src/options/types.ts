import type { Precision } from '../backend/backend.ts';
import type { KernelSource } from '../backend/wasm/wasm-backend.ts';
import type { AlphaOptions } from '../image.ts';
import type { Half } from '../model/layers.ts';
import type { ModelName } from '../model/variants.ts';
import type { WeightSource } from '../weights/from-bytes.ts';

/** What `Taesd.load` takes. */
export interface LoadOptions {
  /**
   * Which diffusion model's latents are spoken. Unless said, those of Stable Diffusion 1 and 2: by `taesd` where its weights
   * are found, else by `nano`, which is in the package; `info.model` says which.
   */
  readonly model?: ModelName | undefined;
  /**
   * A folder, a URL, a `.safetensors` file, or bytes. Unless said, the model is looked for in the folder that the
   * environment variable TAESD_WEIGHTS names, then in the cache that `taesd pull` and `download` fill.
   */
  readonly weights?: WeightSource | undefined;
  /**
   * Fetch what is in none of these places from the public ones of weights/manifest.json, 5 MB a model, check its SHA-256
   * and keep it in the cache: the user's cache folder, or a browser's Cache API. Unless said, nothing is fetched.
   */
  readonly download?: boolean | undefined;
  /** Called as the bytes of a download come. */
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  /** Cancels the loading, a download included: it ends in ABORTED. What came of a file is left for the next time. */
  readonly signal?: AbortSignal | undefined;
  /**
   * `wasm` unless said; `reference` is plain loops, slow, to compare with. `webgpu`: on any WebGPU adapter, on WASM where
   * there is none; `auto`: on a real one alone. `info` tells which was taken, and why.
   */
  readonly backend?: 'wasm' | 'reference' | 'webgpu' | 'auto' | undefined;
  /** A `GPUDevice` to run on, which stays the caller's; `backend` is `webgpu` then, unless said. */
  readonly device?: GpuDevice | undefined;
  /** False: where WebGPU does not do the work, WASM does not take over; the call fails with UNSUPPORTED. */
  readonly fallback?: boolean | undefined;
  /**
   * `f32` (default): within 1e-4 of PyTorch. `fast`: 16-bit products, faster, within 62 dB of the f32 picture and
   * one step of its 8-bit latents; with WebGPU 16-bit maps where the adapter has `shader-f16`, within 55 dB.
   */
  readonly precision?: Precision | undefined;
  /**
   * How many workers share a picture; 0 for this thread alone. Unless said, as many as there are processor cores, at
   * most 4, for pictures from 384×384 on. Each has kernels and weights of its own; no memory is shared.
   */
  readonly workers?: number | undefined;
  /** Load this half alone; both unless said. */
  readonly only?: Half | undefined;
  /** The kernels (`taesd-wasm/taesd.wasm`), compiled or as bytes, where the package's file cannot be loaded. */
  readonly wasm?: KernelSource | undefined;
  /**
   * The most bytes that a memory of the kernels, weights included, may grow to: this thread's, each worker's; 4 GiB unless
   * said. With WebGPU, the most that feature maps take on the device, 2 GiB unless said: larger pictures are made in bands,
   * to the same bytes.
   */
  readonly maxMemory?: number | undefined;
}

/** A `GPUDevice`, as far as these types say: programs that know nothing of WebGPU need no types of it. */
export interface GpuDevice {
  readonly queue: object;
  readonly features: object;
  readonly limits: object;
}

/** Latents on the device that the model runs on: f32 [N, C, h, w] in a `GPUBuffer` whose usage has COPY_SRC. */
export interface GpuLatents {
  readonly shape: readonly number[];
  /** The `GPUBuffer`. What is in it when the call is made is decoded; it is not looked through for NaN. */
  readonly buffer: { readonly size: number; readonly usage: number };
  /** Bytes before the first number; a multiple of 4. */
  readonly offset?: number | undefined;
}

/** An HTMLCanvasElement or OffscreenCanvas. */
export interface CanvasLike {
  width: number;
  height: number;
  getContext(kind: string): unknown;
}

/** What a picture can be drawn on: a canvas, or a `GPUCanvasContext` or `GPUTexture` of the model's device. */
export type DrawTarget =
  | CanvasLike
  | { getCurrentTexture(): unknown }
  | { createView(): unknown; readonly width: number; readonly height: number };

/** How far a download has come: bytes of all files that are fetched, those of earlier attempts included. */
export interface DownloadProgress {
  /** The file that is on its way. */
  readonly file: string;
  /** Falls where a file has to be begun again. */
  readonly done: number;
  readonly total: number;
}

/** How far a call has come: rows of its output. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** What encoding and decoding have in common. */
export interface RunOptions {
  /** Called some 80 times a second at most while the work goes on, and once at its end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Cancels the call: it ends in ABORTED within a few milliseconds (some 10 at 512 pixels of width). */
  readonly signal?: AbortSignal | undefined;
  /** Let NaN and infinity in the input pass into the network instead of refusing them. */
  readonly allowNonFinite?: boolean | undefined;
}

/** What `encode` takes beside the picture. */
export type EncodeOptions = RunOptions & AlphaOptions;

/** The picture's true size, where the latent was rounded up: the rest is cropped. 8 times the latent unless said. */
export interface SizeOptions {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** What `decode` takes beside the latents. */
export interface DecodeOptions extends RunOptions, SizeOptions {
  /** `image` (default): one picture. `images`: one for each latent of the batch. `tensor`: f32, not clamped. */
  readonly output?: 'image' | 'images' | 'tensor' | undefined;
}

/** What `decodeRows` takes beside the latents. */
export type DecodeRowsOptions = RunOptions & SizeOptions;

/** What `decodeToCanvas` takes beside the latents and the canvas. */
export type DrawOptions = Pick<RunOptions, 'signal' | 'allowNonFinite'> & SizeOptions;

/** Some rows of a picture that is being decoded. */
export interface PixelRows {
  /** The picture's size. */
  readonly width: number;
  readonly height: number;
  /** The first of these rows, and how many they are. */
  readonly y: number;
  readonly rows: number;
  /** RGBA, [rows][width][4], alpha 255; the caller's to keep. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** What `taesd.info` tells. */
export interface Info {
  readonly model: ModelName;
  /**
   * Where the weights came from, in words: the folder or URL that was given, `given bytes`, `TAESD_WEIGHTS /folder`, or
   * `cache /folder`, with the addresses that they were fetched from just now.
   */
  readonly weights: string;
  /** What does the work now. */
  readonly backend: 'wasm' | 'reference' | 'webgpu';
  /** Where WebGPU was asked for: why it was taken, or why not. */
  readonly backendReason?: string;
  /** With WebGPU: the adapter, as far as it says what it is. */
  readonly adapter?: string;
  /** With WebGPU `fast` where maps are 16-bit, else `f32`. */
  readonly precision: Precision;
  /** The halves that are loaded. */
  readonly parts: readonly Half[];
  /** Workers that are running: 0 before the first picture that is worth them, and where there are none. */
  readonly workers: number;
  /** Why there are no workers, where some were wanted and could not start: this thread does the work. */
  readonly workersReason?: string;
  /** Bytes of WebAssembly memory and of WebGPU buffers in use, weights included, workers' as of their last run. */
  readonly memoryBytes: number;
}

/** What the WebGPU backend tells of itself. */
export type GpuInfo = Pick<Info, 'backend' | 'precision' | 'backendReason' | 'adapter'>;
