// Runs command lines one after the other in this thread. `command-line.ts` starts it and waits for
// each outcome.
import { Readable } from 'node:stream';
import { workerData } from 'node:worker_threads';
import { useProxies } from '../../dist/cli/network/fetch-through-proxy.js';
import { run } from '../../dist/cli/run.js';
import { sayError } from '../../dist/cli/terminal/say.js';

const { port, done } = workerData;
const { fetch } = globalThis;
const written = { stdout: [], stderr: [] };
for (const name of ['stdout', 'stderr']) {
  process[name].write = (piece, whenDone) => {
    written[name].push(Buffer.from(piece));
    if (whenDone !== undefined) queueMicrotask(whenDone);
    return true;
  };
}

port.on('message', async ({ args, env, input }) => {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  const stdin = Readable.from(input === undefined ? [] : [input]);
  Object.defineProperty(process, 'stdin', { value: stdin, configurable: true });
  written.stdout = [];
  written.stderr = [];
  let code = 0;
  try {
    // As main.js does, by the environment of this command line.
    globalThis.fetch = fetch;
    useProxies();
    await run(args);
  } catch (error) {
    code = sayError(error);
  }
  const [stdout, stderr] = [Buffer.concat(written.stdout), Buffer.concat(written.stderr)];
  port.postMessage({ code, stdout: new Uint8Array(stdout), stderr: `${stderr}` });
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
});
