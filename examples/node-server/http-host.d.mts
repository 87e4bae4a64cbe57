import type { Server } from 'node:http';

/** Node's HTTP server in front of a handler, which should never reject: a connection where it does is cut. */
export declare function createHttpHost(handler: (request: Request) => Promise<Response>): Server;
