import type { ModelName } from '../model/variants.ts';
import type { Picture } from '../options/types.ts';
import type { Taesd } from '../taesd.ts';

/** The part of a `Taesd` that a handler uses. */
export type RemoteModel = Pick<Taesd, 'info' | 'decode' | 'decodeRows' | 'encode' | 'dispose'>;

/** The limits of a handler. With the defaults, workerd stays under the 128 MB of an edge. */
export interface RemoteLimits {
  /** The largest width of a picture, in pixels. Memory grows with it. Defaults to 1024. */
  readonly width: number;
  /** The largest number of pixels of a request, its whole batch. Defaults to 1024 · 768. */
  readonly pixels: number;
  /** The largest batch. Defaults to 16. */
  readonly batch: number;
  /** Requests that may wait while one is worked on. Defaults to 4. */
  readonly waiting: number;
  /**
   * Milliseconds of a turn. Loading a model does not count. A load that takes twice as long is
   * given up if another request waits. Also the time in which a client must read something.
   * Defaults to 20,000.
   */
  readonly turnMs: number;
  /**
   * Bytes of an answer that are made while its client does not read. The turn ends then. Defaults
   * to 4,000,000.
   */
  readonly answerBytes: number;
  /**
   * Bytes that all open requests may keep together: bodies that are being read, what clients have
   * not read, and what unfinished answers are made of. Bodies that wait for their turn do not
   * count: `waiting` limits them. Bodies may have half of it. One request alone always has room.
   * Defaults to 8,000,000.
   */
  readonly keptBytes: number;
  /** Milliseconds in which a whole body must come. Defaults to 30,000. */
  readonly bodyMs: number;
}

/** Makes a JPEG file of a picture. Its alpha is 255, or without meaning for a JPEG. */
export type EncodeJpeg = (picture: Picture) => Promise<Uint8Array> | Uint8Array;

/** The options of `createRemote`. */
export interface RemoteOptions {
  /**
   * The served models: names, which `load` loads, or instances. A request chooses one by `?model=`,
   * otherwise by its scaling factor and its channels. The default is taken if it fits, otherwise
   * the first that fits.
   */
  readonly models: readonly (ModelName | RemoteModel)[];
  /** The model of requests that do not choose. Defaults to the first of `models`. */
  readonly defaultModel?: ModelName | undefined;
  /**
   * Loads a model, at the first request for it, and again after that has failed or its turn was
   * given up. Needed if `models` has names. The handler disposes of its instances.
   */
  readonly load?: ((model: ModelName) => Promise<RemoteModel>) | undefined;
  /** Defaults to those of `RemoteLimits`. */
  readonly limits?: { readonly [name in keyof RemoteLimits]?: number | undefined } | undefined;
  /** Makes JPEG files. Without it, requests for JPEG are answered with 501. */
  readonly encodeJpeg?: EncodeJpeg | undefined;
  /**
   * Called with errors that no request causes, whose messages may describe this machine: clients
   * get 500 alone. Defaults to `console.error`.
   */
  readonly onFault?: ((error: unknown) => void) | undefined;
}

/**
 * Answers a request. It never rejects.
 *
 * @param waitUntil  is given the work that must finish even if the client has gone, as workerd's
 *   `context.waitUntil`. The promise never rejects
 */
export type RemoteHandler = (
  request: Request,
  waitUntil?: (work: Promise<unknown>) => void,
) => Promise<Response>;
