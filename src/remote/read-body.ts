import { ringAfter } from '../platform/timers.ts';
import { bodyTookTooLong, HttpProblem, says } from './problem.ts';

/** Bytes read of a body that is too large; nothing is read of one that announces more. */
const MAX_DISCARDED = 2 ** 25;

/** Counts the bytes kept of a body that is being read. */
export interface Room {
  /** Sets the bytes. Returns the problem if there is no room for them. */
  hold(bytes: number): HttpProblem | undefined;
  /** Called when nothing is kept any more. */
  free(): void;
}

export interface BodyLimits {
  readonly maxBytes: number;
  /** Makes the problem of a longer body. */
  readonly tooLong: (got: string) => HttpProblem;
  /** Milliseconds in which the whole body must come. */
  readonly bodyMs: number;
  readonly room: Room;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * Reads the body and counts its bytes: a client may announce any length, or none.
 *
 * @returns the bytes at the beginning of their buffer, which may be longer
 * @throws HttpProblem
 */
export async function readBody(
  request: Request,
  limits: BodyLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  const announced = Number(request.headers.get('content-length') ?? 0);
  let isLate = false;
  const stopTimer = ringAfter(limits.bodyMs, () => {
    isLate = true;
    // Ends a read that waits for a client which sends nothing.
    reader.cancel().catch(() => undefined);
  });
  try {
    const bytes = await readWhole(reader, announced, limits);
    if (isLate) throw bodyTookTooLong(limits.bodyMs);
    return bytes;
  } catch (problem) {
    // In workerd the read that waits fails; elsewhere it ends.
    const isCut = problem instanceof HttpProblem && problem.code === 'TRUNCATED';
    throw isLate && isCut ? bodyTookTooLong(limits.bodyMs) : problem;
  } finally {
    stopTimer();
    limits.room.free();
  }
}

/**
 * Reads a body whose length is known.
 *
 * @param length  its bytes
 * @param kind  the kind of their numbers, for messages: `f32 [4,64,64]`
 * @throws HttpProblem SHAPE (more bytes), TRUNCATED (fewer), and those of `readBody`
 */
export async function readBodyOf(
  request: Request,
  { length, kind }: { readonly length: number; readonly kind: string },
  limits: Pick<BodyLimits, 'bodyMs' | 'room'>,
): Promise<Uint8Array<ArrayBuffer>> {
  const rule = `${length} bytes, ${kind}`;
  const tooLong = (got: string) => new HttpProblem(400, 'SHAPE', says('body', rule, got));
  const bytes = await readBody(request, { ...limits, maxBytes: length, tooLong });
  if (bytes.length === length) return bytes;
  throw new HttpProblem(400, 'TRUNCATED', says('body', rule, `${bytes.length}`));
}

async function readWhole(
  reader: Reader,
  announced: number,
  { maxBytes, tooLong, room }: BodyLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  if (announced > maxBytes) {
    await discard(reader, announced);
    throw tooLong(`${announced}`);
  }
  const bytes = new GrowingBytes(maxBytes);
  for (;;) {
    const { done, value } = await readPiece(reader);
    if (done) return bytes.taken();
    const length = bytes.length + value.length;
    const problem = length > maxBytes ? tooLong('more') : room.hold(bytes.sizeFor(length));
    if (problem !== undefined) {
      bytes.taken();
      room.free();
      await discard(reader, length);
      throw problem;
    }
    bytes.add(value);
  }
}

/**
 * Copies all pieces into one buffer, which grows. Kept as they come, pieces of a byte each would
 * need a hundred times the memory. A buffer in a variable of an async function may live on until
 * the function ends.
 */
class GrowingBytes {
  length = 0;
  #bytes = new Uint8Array(0);
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Returns the size of the buffer for so many bytes. */
  sizeFor(length: number): number {
    const size = this.#bytes.length;
    return length <= size ? size : Math.min(this.#maxBytes, Math.max(length, 2 * size));
  }

  add(piece: Uint8Array): void {
    const length = this.length + piece.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(this.sizeFor(length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.length);
    this.length = length;
  }

  /** Gives the bytes away, and keeps nothing. */
  taken(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.subarray(0, this.length);
    this.#bytes = new Uint8Array(0);
    this.length = 0;
    return bytes;
  }
}

async function readPiece(reader: Reader) {
  try {
    return await reader.read();
  } catch {
    throw new HttpProblem(400, 'TRUNCATED', says('body', 'the whole', 'a connection that broke'));
  }
}

/**
 * Reads on and keeps nothing. Many clients report a broken connection instead of the answer if it
 * comes while they still send.
 */
async function discard(reader: Reader, length: number): Promise<void> {
  let left = MAX_DISCARDED - length;
  while (left > 0) {
    // A connection that breaks now does not change the problem.
    const piece = await reader.read().catch(() => undefined);
    if (piece === undefined || piece.done) return;
    left -= piece.value.length;
  }
  await reader.cancel().catch(() => undefined);
}
