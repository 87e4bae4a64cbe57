import { type EndedByUsing, endByUsing } from '../builtins/disposal.ts';
import { checkNames } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { isNano, type ModelName, nanoOf, VARIANTS, variantNamed } from '../model/variants.ts';
import type { Picture } from '../options/types.ts';
import { Doorbell } from '../platform/doorbell.ts';
import { bytesOfBase64 } from '../wire/base64.ts';
import { type LatentFrame, readFrame } from '../wire/frame.ts';
import { checkFrameCallbacks, ErrorKeeper } from './error-keeper.ts';
import { type FrameSource, type OpenSource, openSource } from './frame-source.ts';
import {
  createPreviewer,
  type Decoder,
  type FrameInfo,
  type Previewer,
  type PreviewOptions,
} from './previewer.ts';

/** Facts about a picture that `onFrame` takes. */
export interface StreamFrameInfo extends FrameInfo {
  /** The number of steps of the sender's loop; undefined if the frame does not say. */
  readonly steps: number | undefined;
  /** The model that the frame names; undefined if the frame does not say. */
  readonly model: ModelName | undefined;
}

/** The options of `previewFrom`. `resolution` and `maxFps` are those of `createPreviewer`. */
export interface PreviewFromOptions extends Pick<PreviewOptions, 'resolution' | 'maxFps'> {
  /**
   * Takes each picture, in the order of the frames. If it returns a promise, the instance that
   * decoded the picture begins its next one after that settles.
   */
  readonly onFrame: (picture: Picture, frame: StreamFrameInfo) => void | Promise<void>;
  /**
   * Takes errors of frames, of decoding, of the connection and of `onFrame`. Without it, `done`
   * rejects with the first error.
   */
  readonly onError?: ((error: unknown) => unknown) | undefined;
}

/** The pictures of a connection. */
export interface StreamPreview extends EndedByUsing {
  /**
   * Resolves when the connection has ended and its last picture is shown, and after `stop`.
   *
   * @throws the first error, if there is no `onError`: a TaesdError, or what `onFrame` threw; and
   *   what `onError` threw
   */
  readonly done: Promise<void>;
  /** Frames received but never decoded, because newer ones came or `stop` was called. */
  readonly dropped: number;
  /**
   * Closes the connection, drops the waiting frame and cancels decoding. The instance stays loaded.
   * A `using` declaration calls it at the end of its block.
   */
  stop(): void;
}

const NAMES = Object.keys({
  onFrame: true,
  onError: true,
  resolution: true,
  maxFps: true,
} satisfies Record<keyof PreviewFromOptions, true>);

/**
 * Shows the frames of latents that a connection brings, the latest first: while one is being
 * decoded, only the latest other waits. The connection is read on, so that old frames do not pile
 * up in the network's buffers. A sender on a WebSocket may ask to be told when a frame is done with
 * (docs/wire.md).
 *
 * @param source   a WebSocket, an EventSource, a Response of frames or of server-sent events, or a
 *   ReadableStream of bytes. The call reads it alone and, on `stop`, closes it. It sets a
 *   WebSocket's `binaryType`
 * @param taesd    an instance with a decoder for the frames' latents, or several instances of one
 *   model, as for `createPreviewer`
 * @param options  `onFrame` is required
 * @throws TaesdError ARG (not such a connection, one that is closed or being read, not an instance,
 *   wrong option), NETWORK (a response that is no success). Later errors go to `onError` or `done`
 */
export function previewFrom(
  source: FrameSource,
  taesd: Decoder | readonly Decoder[],
  options: PreviewFromOptions,
): StreamPreview {
  return inCall('previewFrom', () => {
    checkNames(options, NAMES, 'an object { onFrame, … }');
    const preview = new FramesShown(taesd, { ...options });
    preview.open(source);
    endByUsing(preview, () => preview.stop());
    return preview as Omit<StreamPreview, keyof EndedByUsing> as StreamPreview;
  });
}

/** Facts of a frame, kept until it is shown or dropped. */
type Facts = Pick<LatentFrame, 'step' | 'steps' | 'model'>;

/** Instances at work, a waiting frame and one to spare: older frames are done with. */
const MAX_FACTS = 66;

class FramesShown {
  readonly done: Promise<void>;
  readonly #options: PreviewFromOptions;
  readonly #previewer: Previewer;
  readonly #model: string;
  #source: OpenSource | undefined;
  readonly #ended = new Doorbell();
  #hasEnded = false;
  /** Frames received, readable or not. */
  #received = 0;
  /** By the number of the frame, from 1. */
  readonly #facts = new Map<number, Facts>();
  /** True once a frame has asked for it. */
  #acknowledges = false;
  /** The number of the last frame that was acknowledged. */
  #acknowledged = 0;
  readonly #errors: ErrorKeeper;

  constructor(taesd: Decoder | readonly Decoder[], options: PreviewFromOptions) {
    const { onError, resolution, maxFps } = options;
    checkFrameCallbacks(options);
    this.#options = options;
    this.#errors = new ErrorKeeper(onError);
    this.#previewer = createPreviewer(taesd, {
      resolution,
      maxFps,
      onFrame: (picture, frame) => this.#show(picture, frame),
      onError: (error) => this.#fail(error),
    });
    const [first] = (Array.isArray(taesd) ? taesd : [taesd]) as Decoder[];
    this.#model = first.info.model;
    this.done = this.#ended.wait().then(() => this.#finish());
  }

  /** @throws TaesdError ARG, NETWORK */
  open(source: unknown): void {
    this.#source = openSource(source, {
      take: (frame) => this.#take(frame),
      fault: (error) => this.#refuse(error),
      end: (error) => {
        if (this.#hasEnded) return;
        if (error !== undefined) this.#failInCall(error);
        this.#end();
      },
    });
  }

  get dropped(): number {
    return this.#previewer.dropped;
  }

  stop(): void {
    this.#previewer.stop();
    if (!this.#hasEnded) this.#source?.close();
    this.#end();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#ended.ring();
  }

  async #finish(): Promise<void> {
    await this.#previewer.idle();
    this.#errors.rethrow();
  }

  #take(bytes: Uint8Array | string): void {
    if (this.#hasEnded) return;
    this.#received++;
    try {
      const frame = readFrame(typeof bytes === 'string' ? bytesOfBase64(bytes) : bytes);
      const { step, steps, model, acknowledge } = frame;
      if (acknowledge) this.#acknowledges = true;
      this.#checkModel(model);
      this.#facts.set(this.#received, { step, steps, model });
      if (this.#facts.size > MAX_FACTS) this.#facts.delete([...this.#facts.keys()][0]);
      // The previewer's step is the number of the frame: steps may be missing, or come again.
      this.#previewer.push(frame, this.#received);
    } catch (error) {
      this.#failInCall(error);
    }
  }

  /** Takes the error of a message that is no frame. */
  #refuse(error: unknown): void {
    if (this.#hasEnded) return;
    this.#received++;
    this.#failInCall(error);
  }

  /** @throws TaesdError ARG (latents of another space than the instance's) */
  #checkModel(model: ModelName | undefined): void {
    if (model === undefined) return;
    const own = variantNamed(this.#model);
    const other = VARIANTS[model];
    if (other.space === own.space) return;
    // The instance for these latents of the size that the caller chose.
    const name = (isNano(own.name) ? nanoOf(other) : undefined) ?? other.name;
    const rule = `latents of ${own.space} for model ${own.name}`;
    const remedy = { api: `load({ model: '${name}' })` };
    throw expected('ARG', 'frame', rule, `latents of ${model}`, { remedy });
  }

  async #show(picture: Picture, { step: number = 0, ...info }: FrameInfo): Promise<void> {
    const { step, steps, model } = this.#facts.get(number) ?? NO_FACTS;
    for (const older of this.#facts.keys()) {
      if (older <= number) this.#facts.delete(older);
    }
    try {
      await this.#options.onFrame(picture, { ...info, step, steps, model });
    } finally {
      this.#acknowledge(number, step);
    }
  }

  /** Tells the sender that a frame is done with, and all before it. */
  #acknowledge(number: number, step?: number): void {
    if (!this.#acknowledges || number <= this.#acknowledged) return;
    this.#acknowledged = number;
    this.#source?.answer?.(JSON.stringify({ done: number, step }));
  }

  #failInCall(reason: unknown): void {
    try {
      inCall('previewFrom', () => {
        throw reason;
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Reports an error to `onError`, or keeps it for `done`. Later frames are still shown. */
  #fail(reason: unknown): void {
    // A sender that waits for an answer must not wait for ever. Once the previewer is idle, all
    // frames received are done with.
    void this.#previewer.idle().then(() => this.#acknowledge(this.#received));
    this.#errors.report(reason);
  }
}

const NO_FACTS: Facts = { step: undefined, steps: undefined, model: undefined };
