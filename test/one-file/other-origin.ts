import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/*
 * A server like a CDN: it serves dist/ to pages of any origin.
 */

const DIST = new URL('../../dist/', import.meta.url);

/** A running server. */
export interface OtherOrigin {
  /** The address of dist/, with a slash at its end. */
  readonly url: string;
  /** Returns the paths in dist/ that were requested since the last call, in order. */
  requests(): string[];
  close(): void;
}

/** Starts a server on a port of its own. It forbids caches, so that each use is a request. */
export async function serveDist(): Promise<OtherOrigin> {
  let requested: string[] = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://host').pathname.replace('/dist/', '');
    requested.push(path);
    response.setHeader('access-control-allow-origin', '*').setHeader('cache-control', 'no-store');
    try {
      const bytes = readFileSync(new URL(path, DIST));
      const type = path.endsWith('.js') ? 'text/javascript' : 'application/wasm';
      response.setHeader('content-type', type).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/dist/`,
    requests() {
      const paths = requested;
      requested = [];
      return paths;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
