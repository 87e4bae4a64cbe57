import type { Server } from 'node:http';

/**
 * Returns Node's HTTP server in front of a handler. The handler should never reject; if it does,
 * the connection is cut.
 */
export declare function createHttpHost(handler: (request: Request) => Promise<Response>): Server;
