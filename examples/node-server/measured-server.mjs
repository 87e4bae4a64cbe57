// Runs the server in a process of its own. load.mjs requests its memory figures.
import { createDecodeServer } from './server.mjs';

/** Two samples of memory that differ by less than this: the server is idle. */
const STILL_BYTES = 100_000;

const server = createDecodeServer();
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

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
process.on('disconnect', () => process.exit());
