// Reads a request's body within limits of bytes and time.
import { bodyTookTooLong, HttpProblem } from './http-problem.mjs';

/** Bytes read of a body that is too large; nothing is read of one that announces more. */
const MAX_DISCARDED = 2 ** 25;

/**
 * @typedef {object} Room  counts the bytes kept of a body that is being read
 * @property {(bytes: number) => HttpProblem | undefined} hold  sets the bytes; returns the problem
 *   if there is no room for them
 * @property {() => void} free  called when nothing is kept any more
 *
 * @typedef {object} BodyLimits
 * @property {number} maxBytes
 * @property {(got: string) => HttpProblem} tooLong  makes the problem of a longer body
 * @property {number} bodyMs  milliseconds in which the whole body must come
 * @property {Room} room
 */

/**
 * Reads the body and counts its bytes: a client may announce any length, or none.
 *
 * @param {Request} request
 * @param {BodyLimits} limits
 * @returns {Promise<Uint8Array<ArrayBuffer>>} at the beginning of its buffer, which may be longer
 * @throws HttpProblem
 */
export async function readBody(request, limits) {
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  const announced = Number(request.headers.get('content-length') ?? 0);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // Ends a read that waits for a client which sends nothing.
    reader.cancel().catch(() => undefined);
  }, limits.bodyMs);
  try {
    const bytes = await readWhole(reader, announced, limits);
    if (isLate) throw bodyTookTooLong(limits.bodyMs);
    return bytes;
  } catch (problem) {
    // In workerd the read that waits fails; elsewhere it ends.
    throw isLate && problem.code === 'TRUNCATED' ? bodyTookTooLong(limits.bodyMs) : problem;
  } finally {
    clearTimeout(timer);
    limits.room.free();
  }
}

async function readWhole(reader, announced, { maxBytes, tooLong, room }) {
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
  #maxBytes;

  constructor(maxBytes) {
    this.#maxBytes = maxBytes;
  }

  /** Returns the size of the buffer for so many bytes. */
  sizeFor(length) {
    const size = this.#bytes.length;
    return length <= size ? size : Math.min(this.#maxBytes, Math.max(length, 2 * size));
  }

  add(piece) {
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
  taken() {
    const bytes = this.#bytes.subarray(0, this.length);
    this.#bytes = new Uint8Array(0);
    this.length = 0;
    return bytes;
  }
}

/** Reads the next piece. */
async function readPiece(reader) {
  try {
    return await reader.read();
  } catch {
    const message = 'decode: "body" expected the whole, got a connection that broke';
    throw new HttpProblem(400, 'TRUNCATED', message);
  }
}

/**
 * Reads on and keeps nothing. Many clients report a broken connection instead of the answer if it
 * comes while they still send.
 */
async function discard(reader, length) {
  let left = MAX_DISCARDED - length;
  while (left > 0) {
    // A connection that breaks now does not change the problem.
    const { done, value } = await reader.read().catch(() => ({ done: true }));
    if (done) return;
    left -= value.length;
  }
  await reader.cancel().catch(() => undefined);
}
