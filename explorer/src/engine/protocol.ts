import type { Area, Half, Layer, ModelName, Picture, Position, Product, Tensor } from 'taesd-wasm';

/*
 * The protocol between the page and its workers. A worker has one model, and all that is heavy: the
 * page's own thread only draws.
 */

/** The place that a model's weights are to come from. */
export type WeightsFrom =
  | { readonly kind: 'package' }
  /**
   * Files beside the page, by their addresses: one of both halves, or the encoder's and the
   * decoder's.
   */
  | { readonly kind: 'served'; readonly addresses: readonly string[] }
  /** A download of an earlier visit. */
  | { readonly kind: 'cache' }
  | { readonly kind: 'download' }
  | { readonly kind: 'files'; readonly files: readonly File[] };

export interface LoadedInfo {
  readonly model: ModelName;
  /** In words. */
  readonly weights: string;
}

/** A backend that may encode and decode. */
export type Backend = 'wasm' | 'webgpu';

/** The backend that encodes and decodes, as `taesd.info` tells it. */
export interface Place {
  readonly backend: Backend;
  /** The reason why WebGPU was taken, or why not, if it was asked for. */
  readonly reason?: string | undefined;
  readonly adapter?: string | undefined;
  /** The adapter is the processor under another name. */
  readonly isSoftware?: boolean;
}

/** The summary of the numbers of a map, or of all maps of a step. */
export interface Summary {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** The share of numbers that are 0, from 0 to 1. */
  readonly zeros: number;
  /** How many numbers lie in each of equal parts of min … max. */
  readonly histogram: Uint32Array;
}

/** One channel of many, without its histogram. */
export interface ChannelRange {
  readonly min: number;
  readonly max: number;
  readonly zeros: number;
}

/** All channels, small. */
export interface Thumbnails {
  readonly width: number;
  readonly height: number;
  /** [C, height, width] */
  readonly data: Float32Array;
}

/** A step as the page knows it: all but its maps, which stay in the worker. */
export interface StepView {
  /** `decoder.3`, or inside a block `decoder.3.conv.0`. */
  readonly name: string;
  readonly part: Half;
  readonly index: number;
  /** The name of the block that it is inside of. */
  readonly block: string | undefined;
  /**
   * Its place in that block: `conv.0` to `conv.4`, `pool.0`, `x+pool`, `skip`, `add`, `fuse`. In
   * layers on frames also `past`, `x+past`, `relu`, `0` and `1`. Undefined for a layer.
   */
  readonly place: string | undefined;
  /** The frame that it is for, 0 or 1, in layers on frames. */
  readonly frame: number | undefined;
  readonly module: string;
  readonly layer: Layer | { readonly kind: 'add' };
  /** [1, C, H, W] */
  readonly inputShape: readonly number[];
  readonly shape: readonly number[];
  readonly parameters: number;
  readonly multiplyAdds: number;
  readonly kernels: readonly string[];
  readonly elapsedMs: number;
  readonly summary: Summary;
  readonly channels: readonly ChannelRange[];
  readonly thumbnails: Thumbnails;
}

/** One channel, as it is. */
export interface ChannelView {
  readonly name: string;
  readonly channel: number;
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
  readonly summary: Summary;
}

/** A convolution's products of one input channel. */
export interface Window {
  readonly channel: number;
  readonly products: readonly Product[];
  readonly sum: number;
}

/** How one number came about. */
export interface PixelView {
  readonly name: string;
  readonly position: Position;
  /** The number itself, as the kernel gave it. */
  readonly kernelValue: number;
  /** The same by the arithmetic, in float64. */
  readonly value: number;
  /** The step that was summed. A block's is its last convolution. */
  readonly source: string;
  readonly sourceKind: string;
  readonly windows: readonly Window[];
  readonly sum: number;
  readonly bias: number;
  /**
   * The value that a block's skip connection adds, or that the earlier of two frames adds to the
   * later one.
   */
  readonly skip: number | undefined;
  /** The number that a block's last ReLU gets. */
  readonly beforeRelu: number | undefined;
  /** The number that the ReLU after it makes of it. Undefined if none comes next. */
  readonly nextRelu: number | undefined;
  /**
   * The receptive field on the input of this step, on the latents (for the decoder) and on the
   * picture.
   */
  readonly onInput: Area;
  readonly onLatents: Area | undefined;
  readonly onPicture: Area;
  /** The last layer up to this number that needs the whole map before it, where there is one. */
  readonly wholeMap: string | undefined;
}

/** The weights of a convolution. */
export interface FiltersView {
  /** The convolution: `encoder.0`, or inside a block `decoder.3.conv.4`. */
  readonly name: string;
  readonly cin: number;
  readonly cout: number;
  /** The side of a kernel: 1 or 3. */
  readonly kernel: number;
  /** 1 or 2. */
  readonly stride: number;
  /** f32 [cout, cin, kernel, kernel] */
  readonly weight: Float32Array;
  /** f32 [cout]; undefined for a convolution without one. */
  readonly bias: Float32Array | undefined;
}

/** The picture that is left when a block is switched off. */
export interface WithoutView {
  /** The name of the block. */
  readonly name: string;
  /** RGBA, of the size of the walk's picture. */
  readonly picture: Picture;
  /** f32 [1, C, h, w] for a block of the encoder; undefined for one of the decoder. */
  readonly latents: Tensor | undefined;
  readonly elapsedMs: number;
}

/** Which numbers of a step are meant: those it reads or those it makes. */
export type Side = 'input' | 'output';

/** A small part of one channel, for the loupe. */
export interface NumbersAsked {
  /** The step, as in `StepView.name`. */
  readonly name: string;
  readonly channel: number;
  /** In numbers of that map. It is cut where it goes past an edge. */
  readonly area: Area;
  readonly side: Side;
}

/** Numbers of one channel. */
export interface NumbersView {
  /** The area that was asked for, cut at the map's edges. */
  readonly area: Area;
  /** f32 [area.height, area.width] */
  readonly data: Float32Array;
}

/** A picture of a preview. */
export interface FrameView {
  readonly channel: PreviewChannel;
  readonly picture: Picture;
  readonly step: number | undefined;
  readonly elapsedMs: number;
  readonly dropped: number;
}

/** Previews of different loops in one worker. */
export type PreviewChannel = 'edited' | 'quantised' | 'generation';

/** The methods of a model's worker. */
export interface EngineMethods {
  load(model: ModelName, from: WeightsFrom): Promise<LoadedInfo>;
  /**
   * Changes the backend that encodes and decodes; the layers of a walk stay on WASM. The page is
   * told what came of it.
   */
  use(backend: Backend): Promise<void>;
  encode(picture: Picture): Promise<{ latents: Tensor; elapsedMs: number }>;
  decode(
    latents: Tensor,
    width: number,
    height: number,
  ): Promise<{ picture: Picture; elapsedMs: number }>;
  /**
   * Goes through both halves; steps come as events, named by `walk`. A newer walk ends an older
   * one, whose promise rejects with the code ABORTED.
   *
   * @param latents  those that the decoder's layers start from. Defaults to the encoder's, which
   *   equal those of `encode` on WASM to the bit: the event `latents` brings them, and `encode`
   *   need not be called
   * @returns the latents that the decoder's layers started from
   */
  walk(walk: number, picture: Picture, latents?: Tensor): Promise<Tensor>;
  /** The operations inside a block. */
  open(name: string): Promise<readonly StepView[]>;
  channel(name: string, channel: number): Promise<ChannelView>;
  pixel(name: string, position: Position): Promise<PixelView>;
  /**
   * Computes the inside of a block ahead, so that a pixel of it takes no more than its sum. A pixel
   * that comes meanwhile shares the work. The block asked for last is kept: a newer call for
   * another block ends this with the code ABORTED.
   *
   * @param name  any step; nothing is done for layers that are no block
   */
  prepare(name: string): Promise<void>;
  /** A few numbers of a channel. */
  numbers(asked: NumbersAsked): Promise<NumbersView>;
  /**
   * A convolution's weights, also before any walk.
   *
   * @param name  a convolution, one inside a block, or a block, whose last convolution is meant
   * @returns undefined for other layers
   */
  filters(name: string): Promise<FiltersView | undefined>;
  /**
   * Decodes with one block switched off. Its last convolution's weights and bias count as 0: the
   * ReLU of the skip connection is left. Waits for the walk, and for what the pointer asks for. A
   * newer walk ends it with the code ABORTED.
   *
   * @param name  a block of either half
   */
  without(name: string): Promise<WithoutView>;
  preview(
    channel: PreviewChannel,
    latents: Tensor,
    step: number,
    width: number,
    height: number,
  ): Promise<void>;
  stopPreview(channel: PreviewChannel): Promise<void>;
}

/** A file that was opened, by what is in it. */
export type Opened = OpenedPicture | OpenedLatents | OpenedWeights;

interface OpenedFile {
  /** Sentences for people on what was assumed, or not converted. Usually none. */
  readonly notes: readonly string[];
}

export interface OpenedPicture extends OpenedFile {
  readonly kind: 'picture';
  /** RGBA; its longer side is at most `most`. */
  readonly picture: Picture;
  readonly originalWidth: number;
  readonly originalHeight: number;
}

export interface OpenedLatents extends OpenedFile {
  readonly kind: 'latents';
  /** f32 [1, C, h, w], in diffusion space. A file of several gives the first. */
  readonly latents: Tensor;
  /** The picture's size in pixels. */
  readonly width: number;
  readonly height: number;
  /** The space of the numbers in the file; `latents` are converted. */
  readonly space: 'diffusion' | 'vae';
  /**
   * As the file or its name says, or else `model` of the call if its latents have so many channels.
   */
  readonly model: ModelName | undefined;
  /** One sentence on what the file is. */
  readonly text: string;
}

/** Weights of a model: the file is for `load`. */
export interface OpenedWeights extends OpenedFile {
  readonly kind: 'weights';
}

/** The methods of the worker for files. */
export interface FilesMethods {
  /**
   * Opens a picture of any kind that the package or the browser reads, or latents of any format
   * that the package reads. The content decides, not the name.
   *
   * @param options  `maxSide`: the longer side at most, a larger picture is made smaller. `model`:
   *   the page's model
   */
  open(file: File, options: { maxSide: number; model: ModelName }): Promise<Opened>;
  /**
   * Makes a safetensors file of latents. With a size it records that too.
   *
   * @param latents  f32 [1, C, h, w], in diffusion space
   */
  saveLatents(
    latents: Tensor,
    model: ModelName,
    size?: { width: number; height: number },
  ): Promise<Uint8Array>;
  /** Makes a PNG file. */
  savePicture(picture: Picture): Promise<Uint8Array>;
  /**
   * False if this browser changes what a page reads from a canvas, as a protection against
   * fingerprinting.
   */
  canvasIsTrue(): Promise<boolean>;
}

/** A landscape that is asked for. A label that is left out is left open. */
export interface DreamRequest {
  readonly time?: string | undefined;
  readonly place?: string | undefined;
  readonly weather?: string | undefined;
  readonly season?: string | undefined;
  /** A whole number from 0 to 2³² − 1. Defaults to 0. */
  readonly seed?: number | undefined;
  /** Defaults to 20. */
  readonly steps?: number | undefined;
  /** The weight of the labels. Defaults to 2. */
  readonly guidance?: number | undefined;
}

/** One step from noise to a picture. Tensors are latents of `taesd`, f32 [1, 4, 32, 32]. */
export interface DreamView {
  /** From 0. */
  readonly step: number;
  readonly steps: number;
  /** The part of noise: 1 at the first step. */
  readonly sigma: number;
  /** The noisy latents before this step. */
  readonly sample: Tensor;
  /** The latents without noise, as the network predicts them now. */
  readonly predicted: Tensor;
}

/** The methods of the worker of `dream`. */
export interface DreamMethods {
  /**
   * The labels and their values, such as `time`: `dawn`, `day`, `dusk`, `night`. Fetches the
   * weights, 1.6 MB.
   */
  labels(): Promise<Readonly<Record<string, readonly string[]>>>;
  /**
   * Makes latents of a landscape; each step is told by an event. A newer call ends an older one.
   *
   * @returns f32 [1, 4, 32, 32], those of examples/dream/generate.mjs to the bit
   * @throws ABORTED (stopped)
   */
  generate(request: DreamRequest): Promise<{ latents: Tensor; elapsedMs: number }>;
  stop(): Promise<void>;
}

/** The events that a worker tells without being asked. */
export type EngineEvent =
  | { readonly type: 'step'; readonly walk: number; readonly step: StepView }
  /** Those that the encoder's layers have made, for walks that were given none. f32 [1, C, h, w] */
  | { readonly type: 'latents'; readonly walk: number; readonly latents: Tensor }
  | ({ readonly type: 'dream' } & DreamView)
  | { readonly type: 'frame'; readonly frame: FrameView }
  /** Not told of WASM at the start, which needs no words. */
  | { readonly type: 'place'; readonly place: Place }
  | { readonly type: 'download'; readonly done: number; readonly total: number | undefined }
  | { readonly type: 'preview-error'; readonly message: string };

export interface Request {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type Message =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { message: string; code: string | undefined } }
  | { readonly id: undefined; readonly event: EngineEvent };
