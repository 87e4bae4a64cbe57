import { constants } from 'node:os';

/** The signals that ask a program to end: Ctrl+C, and what `kill` sends. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Work that does not end when it is told to, such as a request for weights, is left behind after so long. */
const PATIENCE_MS = 1000;

/** What most commands leave when they are interrupted. */
const NOTHING_LEFT = 'nothing was written';

/** A signal ended the work. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  /** As shells count: 130 for SIGINT, 143 for SIGTERM. */
  readonly exitCode: number;

  constructor(command: string, signal: NodeJS.Signals, left = NOTHING_LEFT) {
    super(`${command}: interrupted by ${signal}, ${left}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/**
 * Does work that SIGINT and SIGTERM cancel through its AbortSignal.
 *
 * @param left  what that leaves, for the message
 * @throws Interruption where one of them came; whatever the work throws
 */
export async function interruptible(
  command: string,
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
  const interrupt = (name: NodeJS.Signals) =>
    controller.abort(new Interruption(command, name, left));
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
