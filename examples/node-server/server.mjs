// node examples/node-server/server.mjs [PORT]
// Pictures from Node's HTTP server, in a few lines. `npx taesd serve` is a whole server.
import { pathToFileURL } from 'node:url';
import { Taesd } from 'taesd-wasm';
import { createRemote } from 'taesd-wasm/remote';
import { createHttpHost } from '../../dist/cli/serve/http-host.js';

/**
 * @param {object} [options]
 * @param {number} [options.workers]  workers that share a picture; defaults to the package's choice
 * @param {import('taesd-wasm/remote').RemoteOptions['limits']} [options.limits]
 */
export function createDecodeServer({ workers, limits } = {}) {
  // A server has more memory than an edge function: it takes larger pictures, and more of them.
  const roomy = {
    width: 4096,
    pixels: 4096 * 4096,
    waiting: 32,
    turnMs: 60_000,
    keptBytes: 256_000_000,
    ...limits,
  };
  const load = (model) => Taesd.load({ model, workers });
  const handler = createRemote({ models: ['nano'], load, limits: roomy });
  return createHttpHost(handler, { stallMs: roomy.turnMs });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { server, end } = createDecodeServer();
  server.listen(Number(process.argv[2] ?? 8788), '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}`);
  });
  // Requests that are running get their answers; then the process ends.
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, end);
}
