// The bytes that all open requests keep.

/**
 * A limit for the bytes of all open requests together, whether their clients send and read or not.
 * A request counts as a body while it is read, and as an answer from its turn on.
 */
export class KeptBytes {
  /** @type {Map<object, { bytes: number, seen: number }>} */
  #answers = new Map();
  #maxBytes;
  #deadMs;

  /**
   * @param {number} maxBytes
   * @param {number} deadMs  milliseconds without a sign of life after which an answer no longer
   *   counts. The code that frees a cancelled request's bytes may never run
   */
  constructor(maxBytes, deadMs) {
    this.#maxBytes = maxBytes;
    this.#deadMs = deadMs;
  }

  /**
   * Counts the bytes that an answer may need, instead of those it held. One alone always has room.
   *
   * @param {object} answer  the answer or the body, only to tell it from others
   * @param {number} bytes
   * @returns {boolean} false if there is no room
   */
  hold(answer, bytes) {
    const now = Date.now();
    let held = 0;
    for (const [other, kept] of this.#answers) {
      if (other === answer) continue;
      if (now - kept.seen > this.#deadMs) this.#answers.delete(other);
      else held += kept.bytes;
    }
    if (held > 0 && held + bytes > this.#maxBytes) return false;
    this.#answers.set(answer, { bytes, seen: now });
    return true;
  }

  /**
   * Notes a sign of life.
   *
   * @param {object} answer
   * @param {number} [bytes]  the answer's from now on. Defaults to those of before
   */
  note(answer, bytes = this.#answers.get(answer)?.bytes ?? 0) {
    this.#answers.set(answer, { bytes, seen: Date.now() });
  }

  /** @param {object} answer */
  free(answer) {
    this.#answers.delete(answer);
  }
}
