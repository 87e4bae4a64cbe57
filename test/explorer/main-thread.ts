import type { Page } from 'playwright-core';

/*
 * How long the page's own thread stands still: tasks of more than 50 ms, as the browser itself
 * counts them, the longest gap between two turns of its event loop, and, of the longest task, the
 * time the processor worked on it. The first two are printed and not judged: other programs
 * lengthen them.
 */

/**
 * 100 ms, and half as much again. Beside other tests, which use the caches too, a task takes more
 * of the processor's time than alone. Alone the longest takes 67 ms.
 */
const LONGEST_MS = 150;
const TRIES = 3;

declare global {
  var blocked: { task: number; gap: number };
}

/** Runs on the page before its own code. */
export function watchMainThread(): void {
  globalThis.blocked = { task: 0, gap: 0 };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      globalThis.blocked.task = Math.max(globalThis.blocked.task, duration);
    }
  }).observe({ type: 'longtask', buffered: true });
  let last = performance.now();
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    const now = performance.now();
    globalThis.blocked.gap = Math.max(globalThis.blocked.gap, now - last);
    last = now;
    setTimeout(() => port2.postMessage(undefined), 4);
  };
  port2.postMessage(undefined);
}

/**
 * Does something at the page, up to three times, until nothing has kept the processor for too long.
 *
 * @param open  a page with `watchMainThread`
 * @returns whether the processor worked less than `LONGEST_MS` on the longest task
 */
export async function longestBlock(
  name: string,
  open: () => Promise<Page>,
  work: (page: Page) => Promise<void>,
): Promise<boolean> {
  for (let n = 0; n < TRIES; n++) {
    const page = await open();
    const browser = page.context().browser();
    await browser?.startTracing(page, { categories: ['toplevel'] });
    await work(page);
    const { task, gap } = await page.evaluate(() => {
      const { blocked } = globalThis;
      globalThis.blocked = { task: 0, gap: 0 };
      return blocked;
    });
    const processor = longestTask((await browser?.stopTracing()) ?? Buffer.from('{}'));
    console.log(
      `page's thread, ${name}: longest task ${task.toFixed(0)} ms (0: none above 50), longest gap ${gap.toFixed(0)} ms, ` +
        `of the processor's time ${processor.toFixed(0)} ms`,
    );
    if (processor < LONGEST_MS) return true;
  }
  return false;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** The processor's time, in microseconds. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** Of the pages' threads. */
function longestTask(trace: Buffer): number {
  const { traceEvents = [] } = JSON.parse(trace.toString()) as { traceEvents?: TraceEvent[] };
  const key = ({ pid, tid }: TraceEvent) => `${pid}.${tid}`;
  const threads = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(key),
  );
  const tasks = traceEvents.filter((event) => event.ph === 'X' && threads.has(key(event)));
  return tasks.reduce((longest, { tdur = 0 }) => Math.max(longest, tdur / 1000), 0);
}
