// The part of an answer's file that is made and that the client has not read.

/** A promise that code elsewhere resolves, again and again. One waits at a time. */
class Bell {
  #resolve = () => {};

  /** Resolves when the bell rings next. @returns {Promise<void>} */
  wait() {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  ring() {
    this.#resolve();
  }
}

/**
 * A file between its maker and its client. The maker pushes pieces as long as there is room, so
 * that a slow client does not hold the decoder. The client's host pulls pieces from the stream.
 */
export class UnreadFile {
  /** The body of the answer. */
  stream;
  /** Resolves with the first piece. Rejects if the file fails before it. @type {Promise<void>} */
  begun;
  /** Resolves when nothing of the file is kept any more. @type {Promise<void>} */
  over;
  #maxBytes;
  #kept;
  #stallMs;
  #onStalled;
  #controller;
  #begin;
  #failToBegin;
  #finish;
  #pieces = [];
  #bytes = 0;
  #isMade = false;
  #isOver = false;
  #isPulled = false;
  #stalled;
  #news = new Bell();
  #room = new Bell();

  /**
   * @param {object} options
   * @param {number} options.maxBytes  the file is full from so many unread bytes on
   * @param {import('./kept-bytes.mjs').KeptBytes} options.kept  counts the unread bytes
   * @param {number} options.stallMs  milliseconds in which a client must read something
   * @param {() => void} options.onStalled  called when it has read nothing for so long
   * @param {(reason: unknown) => void} options.onCancel  called when the client wants no more
   */
  constructor({ maxBytes, kept, stallMs, onStalled, onCancel }) {
    this.#maxBytes = maxBytes;
    this.#kept = kept;
    this.#stallMs = stallMs;
    this.#onStalled = onStalled;
    this.begun = new Promise((resolve, reject) => {
      this.#begin = resolve;
      this.#failToBegin = reject;
    });
    this.over = new Promise((resolve) => {
      this.#finish = resolve;
    });
    const start = (controller) => {
      this.#controller = controller;
    };
    const source = { start, pull: () => this.#pull(), cancel: onCancel };
    // The stream keeps nothing of its own: only what the client takes leaves the count.
    this.stream = new ReadableStream(source, { highWaterMark: 0 });
  }

  get isFull() {
    return this.#bytes >= this.#maxBytes;
  }

  /** Adds the next piece. @param {Uint8Array} piece */
  push(piece) {
    if (this.#isOver) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.#begin();
    this.#watch();
    this.#news.ring();
  }

  /** Ends the file: no more pieces come. */
  end() {
    this.#isMade = true;
    this.#note();
    this.#news.ring();
  }

  /** Drops the file. Its client sees that it is not complete. @param {unknown} reason */
  fail(reason) {
    if (this.#isOver) return;
    this.#controller.error(reason);
    this.#failToBegin(reason);
    this.#drop();
  }

  /**
   * Resolves when at most half of the room is taken, or nothing is kept any more. A maker that went
   * on sooner would make few rows at a time, and the rows around them twice.
   */
  async room() {
    while (!this.#isOver && 2 * this.#bytes > this.#maxBytes) await this.#room.wait();
  }

  async #pull() {
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    this.#isPulled = true;
    while (this.#pieces.length === 0 && !this.#isMade && !this.#isOver) await this.#news.wait();
    this.#isPulled = false;
    if (this.#isOver) return;
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#bytes -= piece.length;
      this.#controller.enqueue(piece);
    }
    if (this.#isMade && this.#pieces.length === 0) {
      this.#controller.close();
      this.#drop();
      return;
    }
    this.#note();
    this.#watch();
    this.#room.ring();
  }

  /** Begins to wait for the client, if there is something to read and it is not reading. */
  #watch() {
    if (this.#pieces.length === 0 || this.#isPulled || this.#stalled !== undefined) return;
    this.#stalled = setTimeout(this.#onStalled, this.#stallMs);
  }

  /** A file that is not made yet keeps all it may need. */
  #note() {
    if (!this.#isOver) this.#kept.note(this, this.#isMade ? this.#bytes : undefined);
  }

  #drop() {
    this.#isOver = true;
    this.#pieces = [];
    this.#bytes = 0;
    clearTimeout(this.#stalled);
    this.#kept.free(this);
    this.#news.ring();
    this.#room.ring();
    this.#finish();
  }
}
