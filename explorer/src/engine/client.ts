import type { EngineEvent, Message } from './protocol.ts';

/** A failure of a worker, in its own words. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

type Methods<M> = { [K in keyof M]: (...args: never[]) => Promise<unknown> };

/** The parts of a worker that a client uses. */
export interface WorkerLike {
  onmessage: ((event: MessageEvent) => unknown) | null;
  onerror: ((event: ErrorEvent) => unknown) | null;
  postMessage(message: unknown): void;
  terminate(): void;
}

/** A call that waits until another with its key has ended. */
interface Late {
  readonly start: () => void;
  readonly reject: (reason: EngineError) => void;
}

/** The page's side of the protocol: a worker whose methods are called as if they were here. */
export class Client<M extends Methods<M>> {
  readonly #worker: WorkerLike;
  readonly #waiting = new Map<
    number,
    { resolve: (value: never) => void; reject: (reason: unknown) => void }
  >();
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  /** The keys of `latest` with a call on its way, and the call that waits behind it. */
  readonly #late = new Map<string, Late | undefined>();
  #next = 0;
  /** The reason why no answer will come any more. */
  #ended: string | undefined;
  #hasAnswered = false;

  constructor(worker: WorkerLike) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Message>) => this.#take(data);
    worker.onerror = ({ message }) => {
      const words = message ?? 'the worker could not be started';
      if (!this.#hasAnswered) this.#ended = words;
      this.#failAll(words);
    };
  }

  call<K extends keyof M & string>(method: K, ...args: Parameters<M[K]>): ReturnType<M[K]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) throw new EngineError(this.#ended, 'ENDED');
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, method, args });
    }) as ReturnType<M[K]>;
  }

  /**
   * Calls a method whose newest result alone counts. Among the calls with one key, one is on its
   * way and one waits. A newer call takes the place of the one that waits, which rejects with an
   * `EngineError` of the code ABORTED.
   *
   * @param key  calls of different methods may share one
   */
  latest<K extends keyof M & string>(
    method: K,
    key: string,
    ...args: Parameters<M[K]>
  ): ReturnType<M[K]> {
    return new Promise<unknown>((resolve, reject) => {
      const start = () => {
        this.#late.set(key, undefined);
        const goOn = () => {
          const next = this.#late.get(key);
          this.#late.delete(key);
          next?.start();
        };
        const call: Promise<unknown> = this.call(method, ...args);
        call.then(resolve, reject).then(goOn);
      };
      if (!this.#late.has(key)) {
        start();
        return;
      }
      this.#late.get(key)?.reject(new EngineError('a newer call has taken its place', 'ABORTED'));
      this.#late.set(key, { start, reject });
    }) as ReturnType<M[K]>;
  }

  /** @returns the function that stops it */
  listen(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  end(): void {
    this.#worker.terminate();
    this.#ended = 'the model was put away';
    this.#failAll(this.#ended);
  }

  #take(message: Message): void {
    this.#hasAnswered = true;
    if (message.id === undefined) {
      for (const listener of this.#listeners) listener(message.event);
      return;
    }
    const call = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) {
      call?.reject(new EngineError(message.error.message, message.error.code));
    } else {
      call?.resolve(message.result as never);
    }
  }

  #failAll(message: string): void {
    for (const { reject } of this.#waiting.values()) reject(new EngineError(message, 'ENDED'));
    this.#waiting.clear();
  }
}
