import { millisecondsOfDate } from '../platform/timers.ts';

/**
 * A limit for the bytes of all open requests together, whether their clients send and read or not.
 * A request counts as a body while it is read, and as an answer from its turn on.
 */
export class KeptBytes {
  readonly #answers = new Map<object, { readonly bytes: number; readonly seen: number }>();
  readonly #maxBytes: number;
  readonly #deadMs: number;

  /**
   * @param deadMs  milliseconds without a sign of life after which an answer no longer counts. The
   *   code that frees a cancelled request's bytes may never run
   */
  constructor(maxBytes: number, deadMs: number) {
    this.#maxBytes = maxBytes;
    this.#deadMs = deadMs;
  }

  /**
   * Counts the bytes that an answer may need, instead of those it held. One alone always has room.
   *
   * @param answer  the answer or the body, only to tell it from others
   * @returns false if there is no room
   */
  hold(answer: object, bytes: number): boolean {
    const now = millisecondsOfDate();
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
   * @param bytes  the answer's from now on. Defaults to those of before
   */
  note(answer: object, bytes = this.#answers.get(answer)?.bytes ?? 0): void {
    this.#answers.set(answer, { bytes, seen: millisecondsOfDate() });
  }

  free(answer: object): void {
    this.#answers.delete(answer);
  }
}
