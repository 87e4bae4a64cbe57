/** Limits of a request. */
export interface Limits {
  /** The picture's largest width. Memory grows with it. */
  readonly width: number;
  /** The picture's largest number of pixels. */
  readonly pixels: number;
  /** Requests that may wait while one is decoded. */
  readonly waiting: number;
  /**
   * Milliseconds of a turn, while others wait. Loading the model does not count. Also the time in
   * which a client must read something.
   */
  readonly turnMs: number;
  /** Bytes of a file that are made while its client does not read. */
  readonly answerBytes: number;
  /** Bytes that all open requests may keep together, half of it in bodies that are being read. */
  readonly keptBytes: number;
  /** Milliseconds in which a whole body must come. */
  readonly bodyMs: number;
}

export declare const LIMITS: Limits;

/** The part of a `Taesd` that the service uses. */
export interface Decoder {
  decodeRows(
    latents: { readonly shape: readonly number[]; readonly data: Float32Array },
    options: {
      readonly width: number;
      readonly height: number;
      readonly firstRow: number;
      readonly signal: AbortSignal;
    },
  ): AsyncIterable<{
    readonly y: number;
    readonly rows: number;
    readonly data: Uint8Array | Uint8ClampedArray;
  }>;
  /** Called on an instance that is given up; a call that hangs in it may never end. */
  dispose?(): void;
}

/**
 * @param host.load  called for the first picture, and again after it has failed
 * @returns the handler. It never rejects. It passes `waitUntil` the work that must finish even if
 *   the client has gone
 */
export declare function createDecodeService(host: {
  readonly load: () => Promise<Decoder>;
  readonly limits?: Partial<Limits> | undefined;
}): (request: Request, waitUntil?: (work: Promise<void>) => void) => Promise<Response>;
