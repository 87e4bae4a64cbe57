import { effect, type ReadonlySignal, signal } from '@preact/signals';

/** The last result, and the request that it answers. */
export interface Latest<S, T> {
  /** Undefined until something has come. It stays while something newer is fetched. */
  readonly value: ReadonlySignal<{ readonly of: S; readonly is: T } | undefined>;
  readonly isPending: ReadonlySignal<boolean>;
  readonly end: () => void;
}

/**
 * Fetches whenever what it depends on changes. One fetch is under way and one waits, the newest:
 * those between are never begun.
 *
 * @param source  read as signals; undefined if there is nothing to be fetched
 * @param onError  called with what a fetch has thrown, if nothing newer has come since
 */
export function latest<S, T>(
  source: () => S | undefined,
  fetcher: (wanted: S) => Promise<T>,
  onError: (error: unknown) => void,
): Latest<S, T> {
  const value = signal<{ of: S; is: T } | undefined>(undefined);
  const isPending = signal(false);
  let newest: S | undefined;
  let isBusy = false;

  async function run(): Promise<void> {
    isBusy = true;
    while (newest !== undefined) {
      const wanted: S = newest;
      newest = undefined;
      try {
        const is = await fetcher(wanted);
        if (isPending.peek()) value.value = { of: wanted, is };
      } catch (error) {
        if (newest === undefined && isPending.peek()) onError(error);
      }
    }
    isBusy = false;
    isPending.value = false;
  }

  const end = effect(() => {
    newest = source();
    if (newest === undefined) {
      value.value = undefined;
      isPending.value = false;
    } else {
      isPending.value = true;
      if (!isBusy) void run();
    }
  });
  return { value, isPending, end };
}
