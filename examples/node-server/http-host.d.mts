import type { Server } from 'node:http';

/**
 * Returns Node's HTTP server in front of a handler. The handler should never reject; if it does,
 * the connection is cut.
 *
 * @param options.stallMs  milliseconds after which a client that reads nothing is cut off. Defaults
 *   to a minute
 * @param options.requestMs  milliseconds after which a client that has not sent all of its request
 *   is cut off, a sixth of it later at most. Defaults to 30 seconds
 */
export declare function createHttpHost(
  handler: (request: Request) => Promise<Response>,
  options?: { readonly stallMs?: number | undefined; readonly requestMs?: number | undefined },
): Server;
