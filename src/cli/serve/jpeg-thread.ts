import { Worker } from 'node:worker_threads';
import { messageOf, TaesdError } from '../../errors.ts';
import type { JpegInput } from './jpeg.ts';
import type { JpegAnswer } from './jpeg-worker.ts';

/** A path that is right from src/ and from dist/. */
const WORKER = '../../../dist/cli/serve/jpeg-worker.js';

/** A picture that the thread has. */
interface Asked {
  resolve(bytes: Uint8Array<ArrayBuffer>): void;
  reject(error: TaesdError): void;
}

/**
 * Encodes JPEG pictures in a thread of its own: 2048×2048 takes a second, in which a server would
 * not send or read a byte. The thread starts with the first picture, and anew after it has ended.
 */
export class JpegThread {
  #worker: Worker | undefined;
  /** The pictures under way, in order: the thread answers in that order. */
  #asked: Asked[] = [];

  /**
   * Returns the JPEG file of RGBA bytes.
   *
   * @throws TaesdError LIMIT (a side above 65,500 pixels), UNSUPPORTED (`@jsquash/jpeg` is not
   *   installed), OOM
   */
  encode({ width, height, data }: JpegInput): Promise<Uint8Array<ArrayBuffer>> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      worker.postMessage({ width, height, data });
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL(WORKER, import.meta.url));
    // It must not keep the process from ending: the requests that wait for it do.
    worker.unref();
    worker.on('message', (answer: JpegAnswer) => {
      const asked = this.#asked.shift();
      if ('bytes' in answer) asked?.resolve(answer.bytes);
      else asked?.reject(new TaesdError(answer.code, answer.sentence));
    });
    const ended = (reason: string) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      const lost = this.#asked;
      this.#asked = [];
      for (const { reject } of lost) reject(new TaesdError('OOM', `JPEG: ${reason}`));
    };
    worker.on('error', (error) => ended(messageOf(error)));
    worker.on('exit', (code) => ended(`the encoder's thread ended with code ${code}`));
    return worker;
  }
}
