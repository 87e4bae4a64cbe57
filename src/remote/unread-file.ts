import { ringAfter } from '../platform/timers.ts';
import type { KeptBytes } from './kept-bytes.ts';

/** A promise that code elsewhere resolves, again and again. One waits at a time. */
class Bell {
  #resolve: () => void = () => {};

  /** Resolves when the bell rings next. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  ring(): void {
    this.#resolve();
  }
}

interface UnreadFileOptions {
  /** The file is full from so many unread bytes on. */
  readonly maxBytes: number;
  /** Counts the unread bytes. */
  readonly kept: KeptBytes;
  /** Milliseconds in which a client must read something. */
  readonly stallMs: number;
  /** Called when it has read nothing for so long. */
  readonly onStalled: () => void;
  /** Called when the client wants no more. */
  readonly onCancel: (reason: unknown) => void;
}

/** A longer piece is handed on in parts, so that what a client has read no longer counts. */
const MAX_PIECE = 2 ** 18;

/**
 * The part of an answer that is made and that the client has not read. The maker pushes pieces as
 * long as there is room, so that a slow client does not hold the decoder. The client's host pulls
 * pieces from the stream.
 */
export class UnreadFile {
  /** The body of the answer. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Resolves with the first piece. Rejects if the file fails before it. */
  readonly begun: Promise<void>;
  /** Resolves when nothing of the file is kept any more. */
  readonly over: Promise<void>;
  readonly #options: UnreadFileOptions;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #begin!: () => void;
  #failToBegin!: (reason: unknown) => void;
  #finish!: () => void;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #isMade = false;
  #isOver = false;
  #isPulled = false;
  /** Keeps the client from being cut off; undefined if nothing of it is awaited. */
  #stopWatch: (() => void) | undefined;
  readonly #news = new Bell();
  readonly #room = new Bell();

  constructor(options: UnreadFileOptions) {
    this.#options = options;
    this.begun = new Promise((resolve, reject) => {
      this.#begin = resolve;
      this.#failToBegin = reject;
    });
    this.over = new Promise((resolve) => {
      this.#finish = resolve;
    });
    const source: UnderlyingDefaultSource<Uint8Array> = {
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: options.onCancel,
    };
    // The stream keeps nothing of its own: only what the client takes leaves the count.
    this.stream = new ReadableStream(source, { highWaterMark: 0 });
  }

  get isFull(): boolean {
    return this.#bytes >= this.#options.maxBytes;
  }

  /** Adds the next piece. */
  push(piece: Uint8Array): void {
    if (this.#isOver) return;
    for (let at = 0; at < piece.length; at += MAX_PIECE) {
      this.#pieces.push(piece.subarray(at, at + MAX_PIECE));
    }
    this.#bytes += piece.length;
    this.#begin();
    this.#watch();
    this.#news.ring();
  }

  /** Ends the file: no more pieces come. */
  end(): void {
    this.#isMade = true;
    this.#note();
    this.#news.ring();
  }

  /** Drops the file. Its client sees that it is not complete. */
  fail(reason: unknown): void {
    if (this.#isOver) return;
    this.#controller.error(reason);
    this.#failToBegin(reason);
    this.#drop();
  }

  /**
   * Resolves when at most half of the room is taken, or nothing is kept any more. A maker that went
   * on sooner would make few rows at a time, and the rows around them twice.
   */
  async room(): Promise<void> {
    while (!this.#isOver && 2 * this.#bytes > this.#options.maxBytes) await this.#room.wait();
  }

  async #pull(): Promise<void> {
    this.#stopWatch?.();
    this.#stopWatch = undefined;
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
  #watch(): void {
    if (this.#pieces.length === 0 || this.#isPulled || this.#stopWatch !== undefined) return;
    this.#stopWatch = ringAfter(this.#options.stallMs, this.#options.onStalled);
  }

  /** A file that is not made yet keeps all it may need. */
  #note(): void {
    if (!this.#isOver) this.#options.kept.note(this, this.#isMade ? this.#bytes : undefined);
  }

  #drop(): void {
    this.#isOver = true;
    this.#pieces = [];
    this.#bytes = 0;
    this.#stopWatch?.();
    this.#options.kept.free(this);
    this.#news.ring();
    this.#room.ring();
    this.#finish();
  }
}
