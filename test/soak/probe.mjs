// Counts the memory, workers, listeners and handles that live in this process.
import { getEventListeners } from 'node:events';
import { readdirSync } from 'node:fs';
import { BroadcastChannel } from 'node:worker_threads';

const ANSWER_MS = 20_000;
/** Workers that were told to end do so within this time. */
const END_MS = 5000;
/** The pipes to the parent process, and the timer of a sample itself. */
const OWN = new Set(['PipeWrap', 'TTYWrap']);

const workers = new Set();
process.on('worker', (worker) => {
  workers.add(worker);
  worker.once('exit', () => workers.delete(worker));
});

/**
 * Measures what is kept once garbage is collected, in this thread and in all workers.
 *
 * @param {object} options
 * @param {AbortSignal} options.signal  the signal whose listeners are counted
 * @param {number} options.workers      the number of workers that should run
 */
export async function sample({ signal, workers: expected }) {
  const end = performance.now() + END_MS;
  while (workers.size !== expected && performance.now() < end) await pause(20);
  const [here, there] = [await globalThis.soakKept(), await keptInWorkers()];
  const sum = (of) => there.reduce((all, one) => all + of(one), 0);
  return {
    heap: here.heap,
    buffers: here.buffers,
    'heap of workers': sum(({ heap }) => heap),
    'buffers of workers': sum(({ buffers }) => buffers),
    'WASM memory': here.wasm.bytes + sum(({ wasm }) => wasm.bytes),
    'WASM memories': here.wasm.count + sum(({ wasm }) => wasm.count),
    workers: workers.size,
    'listeners on a signal': getEventListeners(signal, 'abort').length,
    'listeners on the process': process
      .eventNames()
      .reduce((all, name) => all + process.listenerCount(name), 0),
    handles: handles().join(', '),
    ...ofLinux(),
    process: process.memoryUsage.rss(),
  };
}

/** Returns what keeps the process from ending. */
export const handles = () =>
  process
    .getActiveResourcesInfo()
    .filter((name) => !OWN.has(name))
    .sort();

async function keptInWorkers() {
  if (workers.size === 0) return [];
  const channel = new BroadcastChannel('soak');
  const ask = Math.random();
  const answers = [];
  await new Promise((resolve, reject) => {
    const late = () => reject(new Error(`${answers.length} of ${workers.size} workers answer`));
    const timer = setTimeout(late, ANSWER_MS);
    channel.onmessage = ({ data }) => {
      if (data.answer !== ask) return;
      answers.push(data);
      if (answers.length < workers.size) return;
      clearTimeout(timer);
      resolve();
    };
    channel.postMessage({ ask });
  }).finally(() => channel.close());
  return answers;
}

/** Open files and threads; nothing where the system does not list them. */
function ofLinux() {
  try {
    const [files, threads] = ['fd', 'task'].map((name) => readdirSync(`/proc/self/${name}`).length);
    return { 'open files': files, threads };
  } catch {
    return {};
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
