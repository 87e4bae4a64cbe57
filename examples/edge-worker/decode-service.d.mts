/** What is accepted, and how long it may take. */
export interface Limits {
  /** Of the picture: memory grows with its width. */
  readonly width: number;
  /** Of the picture. */
  readonly pixels: number;
  /** Requests that wait while one is decoded. */
  readonly waiting: number;
  /**
   * How long a picture may take from the beginning of its turn, its way to the client included: meanwhile others wait.
   * Loading the model is not counted.
   */
  readonly turnMs: number;
}

export declare const LIMITS: Limits;

/** What is used of a `Taesd`. */
export interface Decoder {
  decodeRows(
    latents: { readonly shape: readonly number[]; readonly data: Float32Array },
    options: { readonly width: number; readonly height: number; readonly signal: AbortSignal },
  ): AsyncIterable<{ readonly rows: number; readonly data: Uint8Array | Uint8ClampedArray }>;
  /** Of an instance that is given up; a call that hangs in it may never end. */
  dispose?(): void;
}

/**
 * @param host.load  called for the first picture, and again where it failed
 * @returns the handler, which never rejects; `waitUntil` is told of work that is to be finished even when the client has
 *   gone
 */
export declare function createDecodeService(host: {
  readonly load: () => Promise<Decoder>;
  readonly limits?: Partial<Limits> | undefined;
}): (request: Request, waitUntil?: (work: Promise<void>) => void) => Promise<Response>;
