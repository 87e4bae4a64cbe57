/** The longest that work holds the thread before the event loop gets a turn. */
const TURN_MS = 12;

/** What `onProgress` gets: work done and the whole of it, in multiply-adds. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/**
 * Runs work that yields the multiply-adds it has done, giving the event loop a turn every few milliseconds.
 * Where it fails or the callback throws, the work's own clean-up runs.
 */
export async function drive<T>(
  work: Generator<number, T, void>,
  total: number,
  onProgress?: (progress: Progress) => void,
): Promise<T> {
  let done = 0;
  let turnStarted = performance.now();
  try {
    for (;;) {
      const step = work.next();
      if (step.done) {
        onProgress?.({ done: total, total });
        return step.value;
      }
      done += step.value;
      if (performance.now() - turnStarted >= TURN_MS) {
        onProgress?.({ done: Math.min(done, total), total });
        await nextTask();
        turnStarted = performance.now();
      }
    }
  } finally {
    work.return(undefined as T);
  }
}

/** Resolves in a task of its own. `setTimeout` would do, but browsers delay nested ones by 4 ms. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
