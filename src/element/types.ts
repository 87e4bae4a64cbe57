import type { TaesdError } from '../errors.ts';
import type { ModelName } from '../model/variants.ts';
import type { DownloadProgress, Info } from '../options/types.ts';
import type { PredictionStep } from '../preview/predict-original.ts';
import type { FrameInfo } from '../preview/previewer.ts';
import type { Taesd } from '../taesd.ts';
import type { LatentsWithOrigin, Space, TensorLike } from '../tensor-like/types.ts';

/** HTMLElement, if the project has types of the DOM. A project for Node may lack them. */
type PageElement = typeof globalThis extends { HTMLElement: { prototype: infer Element } }
  ? Element
  : object;

/**
 * The latents that an element shows: a tensor of any library, the result of `readLatents`, or the
 * numbers alone. A Float32Array is [1, C, ⌈height/d⌉, ⌈width/d⌉] with the channels and the
 * downscale d of the model, and the element's `width` and `height`. Without them it is a square.
 */
export type PreviewLatents = TensorLike | LatentsWithOrigin | Float32Array;

/**
 * A source of latents: the address of a file of latents of any format that `readLatents` reads, of
 * frames in an HTTP body or as server-sent events, or of a WebSocket (`ws:`, `wss:`); or a Blob, a
 * Response, a ReadableStream, an ArrayBuffer or a view of one, a WebSocket or an EventSource.
 */
export type PreviewSource = string | object;

/** CustomEvent, if the project has types of the DOM or of Node. */
type PageEvent = typeof globalThis extends { CustomEvent: { prototype: infer PlatformEvent } }
  ? Omit<PlatformEvent, 'detail'>
  : object;

/** The `detail` of each event, by its name. */
export interface PreviewEvents {
  /** The model is ready. */
  readonly load: Info;
  /** Weights arrive. */
  readonly progress: DownloadProgress;
  /** A picture is on the canvas. */
  readonly frame: FrameDetail;
  /** Something was wrong with the latents, the model, the source or the attributes. */
  readonly error: TaesdError;
}

/** `addEventListener` and `removeEventListener` for the element's own events. */
export type PreviewListeners = <Name extends keyof PreviewEvents>(
  type: Name,
  listener: (event: PageEvent & { readonly detail: PreviewEvents[Name] }) => unknown,
  options?:
    | boolean
    | { capture?: boolean; once?: boolean; passive?: boolean; signal?: AbortSignal },
) => void;

/** The method of an HTMLElement of that name, if there is one. */
type Inherited<Name extends string> =
  PageElement extends Record<Name, infer Method> ? Method : unknown;

/** The `detail` of the event `frame`. */
export interface FrameDetail extends FrameInfo {
  /** The number of steps, if it is known. */
  readonly steps: number | undefined;
  /** The size of the picture on the canvas, in pixels. */
  readonly width: number;
  readonly height: number;
}

/**
 * `<taesd-preview>`: shows the picture of latents, the latest first.
 *
 * Its properties reflect its attributes, except `latents`, `taesd`, and a `src` that is no address.
 * A wrong value is reported when it is used: the element dispatches `error`.
 *
 * Its events are those of `PreviewEvents`. None bubbles.
 */
export interface TaesdPreviewElement extends PageElement {
  addEventListener: PreviewListeners & Inherited<'addEventListener'>;
  removeEventListener: PreviewListeners & Inherited<'removeEventListener'>;
  /**
   * The model that decodes. With it, loading begins when the element is on the page. Defaults to
   * the small model for the latents, if they name their model; otherwise to `nano`. With `weights`
   * or `download` it defaults to the model that the latents name; otherwise to `taesd`.
   */
  model: ModelName | undefined;
  /** The address of the weights, a folder or a file, as in `Taesd.load`. Defaults to a search. */
  weights: string | undefined;
  /** True downloads weights that are found nowhere else, as in `Taesd.load`. Defaults to false. */
  download: boolean;
  /** The picture's size in pixels. Defaults to that of the latents. */
  width: number | undefined;
  height: number | undefined;
  /** 1, 1/2, 1/4 or 1/8, as in `decode`; the attribute may be written `1/4`. Defaults to 1. */
  resolution: number | undefined;
  /** The space of the latents. Defaults to the space that they name, or to `diffusion`. */
  space: Space | undefined;
  /** The number of steps of the loop, for the element's name. */
  steps: number | undefined;
  /**
   * The beginning of the picture's name for screen readers, which the step and the size follow. An
   * empty text hides the picture from them. Defaults to `Preview`.
   */
  alt: string | undefined;
  /** The source of the latents. Setting it closes the source before. */
  src: PreviewSource | undefined;
  /**
   * The instance that decodes. It stays the caller's: several elements may share it. Without one
   * the element loads a model itself, and disposes of it when it is removed from the page.
   */
  taesd: Pick<Taesd, 'decode' | 'info'> | undefined;
  /**
   * The latents set last. Setting them shows them, like `push`, and closes `src`. The element keeps
   * latents that it gets before it is on the page, and reads them then.
   */
  latents: PreviewLatents | undefined;
  /**
   * Shows latents, as `push` of a previewer does: it copies them and returns, and never throws.
   *
   * @param latents  a value that the property `latents` takes
   * @param step     the number of the step; or the model's output, to show the picture it predicts
   * @returns true if they were taken
   */
  push(latents: PreviewLatents, step?: number | PredictionStep): boolean;
}

declare global {
  interface HTMLElementTagNameMap {
    'taesd-preview': TaesdPreviewElement;
  }
}
