import { constants } from 'node:os';

/**
 * The signals that ask a program to end: Ctrl+C, the default of `kill`, and a closed terminal.
 * SIGQUIT is not one of them: it asks for a core dump.
 */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Work that ignores its AbortSignal, such as a request, is abandoned after this time. */
const PATIENCE_MS = 1000;

/** The state that most commands leave behind. */
const NOTHING_LEFT = 'nothing was written';

/** The error for work that a signal ended. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  /** The code that shells use: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP. */
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals, left = NOTHING_LEFT) {
    super(`interrupted by ${signal}, ${left}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/**
 * Runs work that SIGINT, SIGTERM and SIGHUP cancel through an AbortSignal.
 *
 * @param left  the state the interrupted work leaves, for the message
 * @throws Interruption (one of the signals came); any error of the work
 */
export async function interruptible(
  work: (signal: AbortSignal) => Promise<void>,
  left = NOTHING_LEFT,
): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  let giveUp: NodeJS.Timeout | undefined;
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      giveUp = setTimeout(() => reject(signal.reason), PATIENCE_MS);
    });
  });
  const interrupt = (name: NodeJS.Signals) => controller.abort(new Interruption(name, left));
  for (const name of SIGNALS) process.on(name, interrupt);
  try {
    await Promise.race([work(signal), interrupted]);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(giveUp);
    for (const name of SIGNALS) process.off(name, interrupt);
  }
}

/**
 * Waits for one of the signals, then for the end of what is running. A second signal does not wait.
 *
 * @param end   called at the first signal. Returns a promise that resolves when nothing runs
 * @param left  returns the state for the message, once nothing runs or at the second signal
 * @throws Interruption always, or the error of `end`
 */
export async function untilSignal(end: () => Promise<void>, left: () => string): Promise<never> {
  let isEnding = false;
  let interrupt = (_: NodeJS.Signals): void => {};
  const ended = new Promise<never>((_, reject) => {
    interrupt = (name) => {
      const over = () => reject(new Interruption(name, left()));
      if (isEnding) {
        over();
        return;
      }
      isEnding = true;
      end().then(over, reject);
    };
  });
  for (const name of SIGNALS) process.on(name, interrupt);
  try {
    return await ended;
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt);
  }
}
