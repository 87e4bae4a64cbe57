// Loaded before a server by load.mjs, which then requests its memory figures.

/** Two samples of memory that differ by less than this: the server is idle. */
const STILL_BYTES = 100_000;

process.on('message', async () => {
  // Collects garbage first, that of clients that have just disconnected included: the rest is what
  // the server keeps.
  for (let before = Number.POSITIVE_INFINITY, tries = 0; tries < 20; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    if (Math.abs(before - heapUsed - external) < STILL_BYTES) break;
    before = heapUsed + external;
  }
  process.send(process.memoryUsage());
});
// A server that has ended must not wait for requests of its figures.
process.channel?.unref();
process.on('disconnect', () => process.exit());
