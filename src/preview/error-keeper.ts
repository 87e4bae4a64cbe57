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
  readonly #teller: string | undefined;
  #kept: { readonly reason: unknown } | undefined;

  /**
   * @param teller  the owner, in words: the console gets the first error if there is no `onError`.
   *   Undefined if nothing is to be said, because a promise rejects in any case
   */
  constructor(onError: OnError, teller?: string) {
    this.#onError = onError;
    this.#teller = teller;
  }

  report(reason: unknown): void {
    const keep = (error: unknown) => {
      this.#kept ??= { reason: error };
    };
    if (this.#onError === undefined) {
      if (this.#teller !== undefined && this.#kept === undefined) {
        globalThis.console?.warn(
          `taesd-wasm: ${this.#teller} without onError: ${messageOf(reason)}`,
        );
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
