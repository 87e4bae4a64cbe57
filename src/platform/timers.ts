import { isNodeLike } from './runtime.ts';

/*
 * The clock and the timers, taken once, when the package is loaded: a program that replaces them
 * later, as the fake timers of vitest and jest do, must not stop a call. They are called plainly,
 * because browsers refuse timers that are called as methods of another object.
 */

const {
  clearTimeout: clear,
  performance: clock,
  setImmediate: immediate,
  setTimeout: timeout,
} = globalThis;
const { now } = clock;
const { now: date } = Date;

/** Returns milliseconds since some moment. */
export const milliseconds = (): number => now.call(clock);

/** Returns milliseconds since 1970. */
export const millisecondsOfDate = (): number => date();

/** Calls `ring` after a time. @returns a function that keeps it from being called */
export function ringAfter(ms: number, ring: () => void): () => void {
  const timer = timeout(ring, ms);
  return () => clear(timer);
}

/**
 * Returns true for a timer that fires by itself: present, and not replaced before the package was
 * loaded. Fake timers have the clock that a test advances.
 */
const isReal = (timer: unknown): boolean => typeof timer === 'function' && !('clock' in timer);

/**
 * Resolves in a new task. Browsers have no `setImmediate` and delay nested timers by 4 ms, so they
 * get a message channel, which would cost Node 0.3 ms. Next's edge runtime has a `setImmediate`
 * that throws. Edge functions do not delay timers. They get one because some have no channels, and
 * in workerd the messages of a channel keep timers from firing.
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (isNodeLike() && isReal(immediate)) {
      immediate(resolve);
      return;
    }
    const Channel = channelClass();
    if (Channel === undefined || (typeof Worker === 'undefined' && isReal(timeout))) {
      timeout(resolve, 0);
    } else {
      const { port1, port2 } = new Channel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(undefined);
    }
  });
}

/** Returns the class of message channels. jsdom hides that of Node. */
function channelClass(): typeof MessageChannel | undefined {
  if (typeof MessageChannel !== 'undefined') return MessageChannel;
  if (!isNodeLike()) return undefined;
  return process.getBuiltinModule('node:worker_threads').MessageChannel as typeof MessageChannel;
}
