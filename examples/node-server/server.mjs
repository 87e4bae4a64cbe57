// node examples/node-server/server.mjs [--port 8788] [--workers N]
// The edge worker's service on Node's HTTP server.
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Taesd } from 'taesd-wasm';
import { nano } from 'taesd-wasm/nano';
import { createDecodeService } from '../edge-worker/decode-service.mjs';
import { createHttpHost } from './http-host.mjs';

/**
 * @param {object} [options]
 * @param {number} [options.workers]  that share a picture; the package decides unless said
 * @param {Parameters<typeof createDecodeService>[0]['limits']} [options.limits]
 * @returns {import('node:http').Server}
 */
export function createDecodeServer({ workers, limits } = {}) {
  // Where there is more memory than on an edge, larger pictures, and more of them.
  const roomy = { width: 4096, pixels: 4096 * 4096, waiting: 32, turnMs: 60_000, ...limits };
  const load = () => Taesd.load({ ...nano(), only: 'decoder', workers });
  return createHttpHost(createDecodeService({ load, limits: roomy }));
}

function main() {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '8788' }, workers: { type: 'string' } },
  });
  const workers = values.workers === undefined ? undefined : Number(values.workers);
  const server = createDecodeServer({ workers });
  server.listen(Number(values.port), '127.0.0.1', () => {
    console.log(`listening on 127.0.0.1:${server.address().port}`);
  });
  for (const name of ['SIGINT', 'SIGTERM']) {
    process.once(name, () => {
      // What is being answered is answered; then nothing keeps the process.
      server.close();
      server.closeIdleConnections();
    });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) main();
