// node examples/node-server/server.mjs [--port 8788] [--workers N]
// Runs the handler of taesd-wasm/remote on Node's HTTP server.
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Taesd } from 'taesd-wasm';
import { createRemote } from 'taesd-wasm/remote';
import { createHttpHost } from './http-host.mjs';

/**
 * @param {object} [options]
 * @param {number} [options.workers]  workers that share a picture; defaults to the package's choice
 * @param {Parameters<typeof createRemote>[0]['limits']} [options.limits]
 * @returns {import('node:http').Server}
 */
export function createDecodeServer({ workers, limits } = {}) {
  // A server has more memory than an edge function: it takes larger pictures, and more of them.
  const roomy = {
    width: 4096,
    pixels: 4096 * 4096,
    waiting: 32,
    turnMs: 60_000,
    keptBytes: 256_000_000,
    // Long enough for the largest body, 4 MB, at 200 kB/s.
    bodyMs: 30_000,
    ...limits,
  };
  const load = (model) => Taesd.load({ model, workers });
  const service = createRemote({ models: ['nano'], load, limits: roomy });
  return createHttpHost(service, { stallMs: roomy.turnMs, requestMs: roomy.bodyMs });
}

/** The package's own limit. */
const MAX_WORKERS = 64;

/** @param {string[]} args @returns {{ port: number, workers: number | undefined }} @throws Error */
function parseCommandLine(args) {
  const { values } = parseArgs({
    args,
    options: { port: { type: 'string', default: '8788' }, workers: { type: 'string' } },
  });
  const { port, workers } = values;
  return {
    port: wholeNumber('--port', port, 65_535),
    workers: workers === undefined ? undefined : wholeNumber('--workers', workers, MAX_WORKERS),
  };
}

/** Parses a whole number. `Number` alone would accept '' and '1e3'. */
function wholeNumber(option, text, max) {
  if (/^\d{1,9}$/.test(text) && Number(text) <= max) return Number(text);
  throw new Error(`"${option}" expected a whole number from 0 to ${max}, got ${text || 'nothing'}`);
}

/**
 * Prints one line without a stack, and exits: the fault is in the command line, not in the code.
 */
function fail(exitCode, { message }) {
  console.error(`server: ${message.split('\n', 1)[0]}`);
  process.exit(exitCode);
}

function main() {
  let command;
  try {
    command = parseCommandLine(process.argv.slice(2));
  } catch (error) {
    return fail(2, error);
  }
  const server = createDecodeServer({ workers: command.workers });
  server.once('error', (error) => fail(1, error));
  server.listen(command.port, '127.0.0.1', () => {
    console.log(`listening on 127.0.0.1:${server.address().port}`);
  });
  for (const name of ['SIGINT', 'SIGTERM']) {
    process.once(name, () => {
      // Requests that are running get their answers; then the process ends.
      server.close();
      server.closeIdleConnections();
    });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) main();
