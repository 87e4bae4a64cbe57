import { describe } from '../checks.ts';
import { expected, messageOf } from '../errors.ts';

/** @throws TaesdError ARG (`onFrame` is no function, or `onError` is given and none) */
export function checkFrameCallbacks({
  onFrame,
  onError,
}: {
  readonly onFrame?: unknown;
  readonly onError?: unknown;
}): void {
  if (typeof onFrame !== 'function') {
    throw expected('ARG', 'onFrame', 'a function', describe(onFrame));
  }
  if (onError !== undefined && typeof onError !== 'function') {
    throw expected('ARG', 'onError', 'a function', describe(onError));
  }
}

type OnError = ((error: unknown) => unknown) | undefined;

/** Reports errors to `onError`, or keeps the first. They must not end the caller's loop. */
export class ErrorKeeper {
  readonly #onError: OnError;
  readonly #warns: boolean;
  #kept: { readonly reason: unknown } | undefined;

  /** @param warns  true prints the first error on the console if there is no `onError` */
  constructor(onError: OnError, warns = false) {
    this.#onError = onError;
    this.#warns = warns;
  }

  report(reason: unknown): void {
    const keep = (error: unknown) => {
      this.#kept ??= { reason: error };
    };
    if (this.#onError === undefined) {
      if (this.#warns && this.#kept === undefined) {
        const words = `an error of a previewer without onError: ${messageOf(reason)}`;
        globalThis.console?.warn(`taesd-wasm: ${words}`);
      }
      keep(reason);
      return;
    }
    try {
      Promise.resolve(this.#onError(reason)).catch(keep);
    } catch (error) {
      keep(error);
    }
  }

  /** Throws the error that was kept, once. */
  rethrow(): void {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept !== undefined) throw kept.reason;
  }
}
