import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A handler from request to answer, as `createRemote` makes it. It should never reject. */
export type Handler = (request: Request) => Promise<Response>;

/** An answer that is over: sent, or cut off. */
export interface Answered {
  readonly method: string;
  /** The path without the query. */
  readonly path: string;
  /** Undefined if the connection closed before the handler had an answer. */
  readonly status: number | undefined;
  readonly headers: Headers | undefined;
  /** The first piece of the body; undefined without one. */
  readonly head: Uint8Array | undefined;
  /** Milliseconds from the request's head to the last byte of its answer. */
  readonly ms: number;
  /** False if the connection closed before the last byte was sent. */
  readonly isWhole: boolean;
}

export interface HttpHostOptions {
  /** Milliseconds after which a client that reads nothing is cut off. Defaults to a minute. */
  readonly stallMs?: number | undefined;
  /**
   * Milliseconds after which a client that has not sent all of its request is cut off, a sixth of
   * it later at most. Defaults to 30 seconds.
   */
  readonly requestMs?: number | undefined;
  /** Connections that are open at a time; more are closed unanswered. Defaults to 1000. */
  readonly maxConnections?: number | undefined;
  /** Called when an answer is over. */
  readonly onAnswered?: ((answered: Answered) => void) | undefined;
}

/** Node's HTTP server in front of a handler. */
export interface HttpHost {
  readonly server: Server;
  /** The number of requests that have no whole answer yet. */
  open(): number;
  /**
   * Accepts no more connections, and closes each connection once its requests are answered.
   *
   * @returns a promise that resolves when all connections are closed
   */
  end(): Promise<void>;
}

const MINUTE_MS = 60_000;
const DEFAULT_REQUEST_MS = 30_000;
/** Half of the files that a process may have open on most systems. */
const DEFAULT_CONNECTIONS = 1000;

/**
 * Returns Node's HTTP server in front of a handler. If the handler rejects, that connection is cut.
 * The handler's request has a signal that fires when its connection closes.
 */
export function createHttpHost(
  handler: Handler,
  {
    stallMs = MINUTE_MS,
    requestMs = DEFAULT_REQUEST_MS,
    maxConnections = DEFAULT_CONNECTIONS,
    onAnswered = () => {},
  }: HttpHostOptions = {},
): HttpHost {
  const connections = new Connections();
  // Node's own limits are five minutes, checked every 30 seconds.
  const times = {
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.ceil(requestMs / 6),
  };
  const server = createServer(times, (incoming, outgoing) => {
    const gone = connections.begin(incoming.socket, outgoing);
    // A failure ends this connection, not the server.
    answer(handler, { incoming, outgoing, signal: gone, stallMs, onAnswered }).catch(() =>
      outgoing.destroy(),
    );
  });
  server.maxConnections = maxConnections;
  server.on('connection', (socket) => connections.add(socket));
  return {
    server,
    open: () => connections.open(),
    end: () => connections.end(server),
  };
}

/** The connections of a server, each with its requests that have no whole answer. */
class Connections {
  readonly #requests = new Map<Socket, Set<AbortController>>();
  #isEnding = false;

  add(socket: Socket): void {
    const open = new Set<AbortController>();
    this.#requests.set(socket, open);
    socket.on('close', () => {
      this.#requests.delete(socket);
      for (const gone of open) gone.abort(new Error('the client has gone'));
    });
  }

  /**
   * Counts a request until its answer is over.
   *
   * @returns a signal that fires when the answer is over or the connection closes. An answer that
   *   waits for those of earlier requests of its connection has no `close` of its own
   */
  begin(socket: Socket, outgoing: ServerResponse): AbortSignal {
    const gone = new AbortController();
    const open = this.#requests.get(socket);
    open?.add(gone);
    if (this.#isEnding) outgoing.shouldKeepAlive = false;
    outgoing.on('close', () => {
      open?.delete(gone);
      gone.abort(new Error('the client has gone'));
      // The answer may have begun before the end, with a promise to keep the connection.
      if (this.#isEnding && open?.size === 0) socket.end();
    });
    return gone.signal;
  }

  open(): number {
    return [...this.#requests.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Ends the server. Node's own `close` cuts off answers whose last bytes wait for a slow client,
   * and keeps a connection whose answer had begun for another five seconds.
   */
  end(server: Server): Promise<void> {
    this.#isEnding = true;
    // Node's `close` calls it.
    server.closeIdleConnections = () => {};
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const [socket, open] of this.#requests) if (open.size === 0) socket.destroy();
    return closed;
  }
}

/** A request, and what its answer goes to. */
interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly signal: AbortSignal;
  readonly stallMs: number;
  readonly onAnswered: (answered: Answered) => void;
}

async function answer(handler: Handler, exchange: Exchange): Promise<void> {
  const { incoming, outgoing, signal } = exchange;
  const began = performance.now();
  const request = requestOf(incoming, signal);
  if (request === undefined) {
    outgoing.writeHead(400).end();
    return;
  }
  const { method } = request;
  const path = new URL(request.url).pathname;
  let response: Response | undefined;
  let head: Uint8Array | undefined;
  outgoing.on('close', () => {
    const { status, headers } = response ?? {};
    const ms = performance.now() - began;
    const isWhole = outgoing.writableFinished;
    exchange.onAnswered({ method, path, status, headers, head, ms, isWhole });
  });
  response = await handler(request);
  // The headers in turn, names and values, as several may bear one name.
  outgoing.writeHead(response.status, [...response.headers].flat());
  await send(response, exchange, (piece) => {
    head ??= piece;
  });
}

/** @returns undefined if no Request can be made of it, as of TRACE */
function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = 'GET', headers, url = '/' } = incoming;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const texts = Object.entries(headers).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const body = hasBody ? { body: bodyOf(incoming), duplex: 'half' } : {};
  try {
    // The client's name for this server is not used, and may be nonsense.
    const address = `http://server${url.startsWith('/') ? '' : '/'}${url}`;
    return new Request(address, { method, headers: texts, signal, ...body });
  } catch {
    return undefined;
  }
}

/**
 * Makes a stream of the request's body. `Readable.toWeb` would not do: cancelling its stream closes
 * the connection before the answer can be sent.
 */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      start(controller) {
        incoming.pause();
        incoming.on('data', (piece: Uint8Array) => {
          incoming.pause();
          controller.enqueue(new Uint8Array(piece));
        });
        incoming.on('end', () => controller.close());
        incoming.on('error', (error) => controller.error(error));
      },
      pull() {
        incoming.resume();
      },
      cancel() {
        incoming.removeAllListeners('data').removeAllListeners('end').resume();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Sends the body in pieces, each after the client has taken the one before. */
async function send(
  { body }: Response,
  { outgoing, signal, stallMs }: Exchange,
  onPiece: (piece: Uint8Array) => void,
): Promise<void> {
  const reader = body?.getReader();
  // While the client does not read, no other call notices that the answer has failed.
  reader?.closed.catch(() => outgoing.destroy());
  const cancelled = () => reader?.cancel(signal.reason).catch(() => undefined);
  if (signal.aborted) await cancelled();
  signal.addEventListener('abort', cancelled);
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || value === undefined) break;
    onPiece(value);
    if (outgoing.write(value)) continue;
    outgoing.setTimeout(stallMs);
    await drained(outgoing, signal);
    // The next piece may take its time.
    outgoing.setTimeout(0);
  }
  signal.removeEventListener('abort', cancelled);
  // Until the system has the last bytes; then the server sets a timeout of its own.
  outgoing.setTimeout(stallMs);
  outgoing.end();
}

const drained = (outgoing: ServerResponse, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const ready = () => {
      outgoing.off('drain', ready);
      signal.removeEventListener('abort', ready);
      resolve();
    };
    if (signal.aborted) {
      resolve();
      return;
    }
    outgoing.on('drain', ready);
    signal.addEventListener('abort', ready);
  });
