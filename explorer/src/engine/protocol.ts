import type { Area, Half, Layer, ModelName, Picture, Position, Product, Tensor } from 'taesd-wasm';

/*
 * What the page and its workers say to each other. A worker has one model, and all that is heavy: the page's own thread
 * only draws.
 */

/** Where a model's weights are to come from. */
export type WeightsFrom =
  | { readonly kind: 'package' }
  /** Files beside the page, by their addresses: one of both halves, or the encoder's and the decoder's. */
  | { readonly kind: 'served'; readonly addresses: readonly string[] }
  /** What an earlier visit has downloaded. */
  | { readonly kind: 'cache' }
  | { readonly kind: 'download' }
  | { readonly kind: 'files'; readonly files: readonly File[] };

export interface LoadedInfo {
  readonly model: ModelName;
  /** In words. */
  readonly weights: string;
}

/** What may encode and decode. */
export type Backend = 'wasm' | 'webgpu';

/** What encodes and decodes, as `taesd.info` tells it. */
export interface Place {
  readonly backend: Backend;
  /** Where WebGPU was asked for: why it was taken, or why not. */
  readonly reason?: string | undefined;
  readonly adapter?: string | undefined;
  /** The adapter is the processor under another name. */
  readonly isSoftware?: boolean;
}

/** What is to be shown of the numbers of a map, or of all maps of a step. */
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

/** What the page knows of a step: all but its maps, which stay in the worker. */
export interface StepView {
  /** `decoder.3`, or inside a block `decoder.3.conv.0`. */
  readonly name: string;
  readonly part: Half;
  readonly index: number;
  /** The name of the block that it is inside of. */
  readonly block: string | undefined;
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
  /** What was summed: for a block, its last convolution. */
  readonly source: string;
  readonly sourceKind: string;
  readonly windows: readonly Window[];
  readonly sum: number;
  readonly bias: number;
  /** The value that a block's skip connection adds, or that the earlier of two frames adds to the later one. */
  readonly skip: number | undefined;
  /** Of a block: what its last ReLU gets. */
  readonly beforeRelu: number | undefined;
  /** What the ReLU that comes next makes of it, where one does. */
  readonly nextRelu: number | undefined;
  /** The receptive field on the input of this step, on the latents (for the decoder) and on the picture. */
  readonly onInput: Area;
  readonly onLatents: Area | undefined;
  readonly onPicture: Area;
  /** The last layer up to this number that needs the whole map before it, where there is one. */
  readonly wholeMap: string | undefined;
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

/** What a worker does when it is asked. */
export interface EngineMethods {
  load(model: ModelName, from: WeightsFrom): Promise<LoadedInfo>;
  /** What encodes and decodes from now on; the layers of a walk stay on WASM. The page is told what came of it. */
  use(backend: Backend): Promise<void>;
  encode(picture: Picture): Promise<{ latents: Tensor; elapsedMs: number }>;
  decode(
    latents: Tensor,
    width: number,
    height: number,
  ): Promise<{ picture: Picture; elapsedMs: number }>;
  /** Goes through both halves; steps come as events, named by `walk`. */
  walk(walk: number, picture: Picture, latents: Tensor): Promise<void>;
  /** The operations inside a block. */
  open(name: string): Promise<readonly StepView[]>;
  channel(name: string, channel: number): Promise<ChannelView>;
  pixel(name: string, position: Position): Promise<PixelView>;
  preview(
    channel: PreviewChannel,
    latents: Tensor,
    step: number,
    width: number,
    height: number,
  ): Promise<void>;
  stopPreview(channel: PreviewChannel): Promise<void>;
}

/** What a worker tells without being asked. */
export type EngineEvent =
  | { readonly type: 'step'; readonly walk: number; readonly step: StepView }
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
