import { Pacer } from '../backend/pacer.ts';
import { isPromise } from '../builtins/tags.ts';

/**
 * Passes a read input on, at once or when its device has given it. A call whose input is in memory
 * copies it before it returns, because nothing is awaited.
 *
 * @throws TaesdError ABORTED
 */
export function whenRead<Read, Result>(
  read: Read | Promise<Read>,
  signal: AbortSignal | undefined,
  ready: (read: Read) => Result | Promise<Result>,
): Result | Promise<Result> {
  if (!isPromise(read)) return ready(read);
  // If the signal has fired before, nothing awaits `read`: its rejection must not go unhandled.
  read.catch(() => undefined);
  return new Pacer(signal).unlessAborted(read).then(ready);
}
