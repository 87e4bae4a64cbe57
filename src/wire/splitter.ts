import { allocateBytes } from '../allocate.ts';
import { checkMagic, FIXED_BYTES, frameLength, truncated } from './header.ts';

/** Cuts frames from a stream of bytes, wherever its pieces end. */
export class FrameSplitter {
  /** The bytes of a frame that has not ended. */
  #kept = new Uint8Array(FIXED_BYTES);
  #length = 0;
  /** The frame's length, as far as its head has come. */
  #wanted: number | undefined;

  /**
   * Yields the frames that a piece ends. They are views of memory of their own, which later pieces
   * do not change. The memory grows with the bytes that came, not with the length that the head
   * claims.
   *
   * @throws TaesdError FORMAT, UNSUPPORTED, LIMIT, OOM. The stream has no more frames then
   */
  *take(piece: Uint8Array): Generator<Uint8Array, void, void> {
    let rest = piece;
    while (rest.length > 0) {
      const missing = (this.#wanted ?? FIXED_BYTES) - this.#length;
      this.#keep(rest.subarray(0, missing));
      rest = rest.subarray(missing);
      if (this.#wanted === undefined) checkMagicSoFar(this.#kept.subarray(0, this.#length));
      if (this.#length < (this.#wanted ?? FIXED_BYTES)) return;
      this.#wanted ??= frameLength(this.#kept);
      if (this.#length < this.#wanted) continue;
      const frame = this.#kept.subarray(0, this.#length);
      this.#kept = new Uint8Array(FIXED_BYTES);
      this.#length = 0;
      this.#wanted = undefined;
      yield frame;
    }
  }

  /** @throws TaesdError TRUNCATED (the stream ended inside a frame) */
  end(): void {
    if (this.#length === 0) return;
    throw truncated(`${this.#wanted ?? `at least ${FIXED_BYTES}`} bytes`, this.#length);
  }

  #keep(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#kept.length) {
      const room = Math.min(this.#wanted ?? FIXED_BYTES, Math.max(length, 2 * this.#kept.length));
      const larger = allocateBytes('frame', room);
      larger.set(this.#kept.subarray(0, this.#length));
      this.#kept = larger;
    }
    this.#kept.set(bytes, this.#length);
    this.#length = length;
  }
}

/** A page of an error may be shorter than the head of a frame. */
function checkMagicSoFar(bytes: Uint8Array): void {
  if (bytes.length >= 4) checkMagic(bytes);
}
