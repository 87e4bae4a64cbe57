import { Pacer } from '../backend/pacer.ts';

/**
 * Passes a read input on, at once or when its device has given it. A call whose input is in memory
 * copies it before it returns, because nothing is awaited.
 *
 * @throws TaesdError ABORTED
 */
export const whenRead = <Read, Result>(
  read: Read | Promise<Read>,
  signal: AbortSignal | undefined,
  ready: (read: Read) => Result | Promise<Result>,
): Result | Promise<Result> =>
  read instanceof Promise ? new Pacer(signal).unlessAborted(read).then(ready) : ready(read);
