import type { Server } from 'node:http';

/**
 * Returns Node's HTTP server in front of a handler. The handler should never reject; if it does,
 * the connection is cut.
 *
 * @param options.stallMs  milliseconds after which a client that reads nothing is cut off. Defaults
 *   to a minute
 */
export declare function createHttpHost(
  handler: (request: Request) => Promise<Response>,
  options?: { readonly stallMs?: number | undefined },
): Server;
