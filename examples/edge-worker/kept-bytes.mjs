// The bytes that all open answers keep.

/** A limit for the bytes of all open answers together, whether their clients read or not. */
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
   * Counts the bytes that an answer may need. One alone always has room.
   *
   * @param {object} answer
   * @param {number} bytes
   * @returns {boolean} false if there is no room
   */
  hold(answer, bytes) {
    const now = Date.now();
    let held = 0;
    for (const [other, kept] of this.#answers) {
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
