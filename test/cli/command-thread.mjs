// Runs command lines one after the other in this thread. `command-line.ts` starts it and waits for
// each outcome.
import { workerData } from 'node:worker_threads';
import { run } from '../../dist/cli/run.js';
import { sayError } from '../../dist/cli/terminal/say.js';

const { port, done } = workerData;
const written = { stdout: '', stderr: '' };
for (const name of ['stdout', 'stderr']) {
  process[name].write = (text) => {
    written[name] += text;
    return true;
  };
}

port.on('message', async ({ args, env }) => {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  written.stdout = '';
  written.stderr = '';
  let code = 0;
  try {
    await run(args);
  } catch (error) {
    code = sayError(error);
  }
  port.postMessage({ code, ...written });
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
});
