// The server in a process of its own for load.mjs, which asks it for its memory.
import { createDecodeServer } from './server.mjs';

/** Two looks at the memory that differ by less than this: nothing goes on any more. */
const STILL_BYTES = 100_000;

const server = createDecodeServer();
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

process.on('message', async () => {
  // What is not in use any more goes first, that of clients which have just gone too: what is left is what the server keeps.
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
