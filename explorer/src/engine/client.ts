import type { EngineEvent, Message } from './protocol.ts';

/** What a worker could not do, in its own words. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

type Methods<M> = { [K in keyof M]: (...args: never[]) => Promise<unknown> };

/** The page's side of the protocol: a worker whose methods are called as if they were here. */
export class Client<M extends Methods<M>> {
  readonly #worker: Worker;
  readonly #waiting = new Map<
    number,
    { resolve: (value: never) => void; reject: (reason: unknown) => void }
  >();
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  #next = 0;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Message>) => this.#take(data);
    worker.onerror = ({ message }) => this.#failAll(message ?? 'the worker could not be started');
  }

  call<K extends keyof M & string>(method: K, ...args: Parameters<M[K]>): ReturnType<M[K]> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, method, args });
    }) as ReturnType<M[K]>;
  }

  /** @returns what stops it */
  listen(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  end(): void {
    this.#worker.terminate();
    this.#failAll('the model was put away');
  }

  #take(message: Message): void {
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
