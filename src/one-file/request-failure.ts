import { messageOf } from '../errors.ts';
import type { RequestFailure } from '../platform/request-failure.ts';

/*
 * Stands in for `platform/request-failure.ts` in the files that hold the whole package. They are
 * for pages, whose browser tells no codes of the system.
 */

/** Describes the error of a `fetch` or of reading its body. */
export const requestFailure = (error: unknown): RequestFailure => ({
  got: messageOf(error),
  hint: globalThis.navigator?.onLine === false ? 'no network' : undefined,
});
