// Loaded into every thread of the soak before all else. It keeps a list of the memories of
// WebAssembly, and a worker answers when it is asked what it keeps: see probe.mjs.
const { BroadcastChannel, isMainThread, threadId } = require('node:worker_threads');

const memories = new Set();
WebAssembly.Memory = class Memory extends WebAssembly.Memory {
  constructor(description) {
    super(description);
    memories.add(new WeakRef(this));
  }
};

/** Counts the memories that were not collected, and their bytes. */
globalThis.soakMemories = () => {
  let [count, bytes] = [0, 0];
  for (const reference of memories) {
    const memory = reference.deref();
    if (memory === undefined) memories.delete(reference);
    else [count, bytes] = [count + 1, bytes + memory.buffer.byteLength];
  }
  return { count, bytes };
};

const MIN_ROUNDS = 4;
const MAX_ROUNDS = 30;

/**
 * Returns what is kept once garbage is collected, until less is kept no more: a cancelled call's
 * last rows may still be under way, and a WeakRef that was read lives to the next task.
 */
globalThis.soakKept = async () => {
  let least = Infinity;
  for (let round = 0, calm = 0; (calm < 2 || round < MIN_ROUNDS) && round < MAX_ROUNDS; round++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const kept = heapUsed + arrayBuffers;
    calm = kept < least - 20_000 ? 0 : calm + 1;
    least = Math.min(least, kept);
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers, wasm: globalThis.soakMemories() };
};

if (!isMainThread) {
  const channel = new BroadcastChannel('soak');
  channel.unref();
  channel.onmessage = async ({ data }) => {
    if (data.ask === undefined) return;
    channel.postMessage({ answer: data.ask, threadId, ...(await globalThis.soakKept()) });
  };
}
