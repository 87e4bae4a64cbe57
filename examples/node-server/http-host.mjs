// Puts Node's HTTP server in front of a handler from Request to Response.
import { createServer } from 'node:http';

/**
 * @param {(request: Request) => Promise<Response>} handler  never rejects
 * @param {object} [options]
 * @param {number} [options.stallMs]  milliseconds after which a client that reads nothing is cut
 *   off. Defaults to a minute
 * @param {number} [options.requestMs]  milliseconds after which a client that has not sent all of
 *   its request is cut off, a sixth of it later at most. Defaults to 30 seconds
 * @returns {import('node:http').Server}
 */
export function createHttpHost(handler, { stallMs = 60_000, requestMs = 30_000 } = {}) {
  // Node's own limits are five minutes, checked every 30 seconds.
  const times = {
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.ceil(requestMs / 6),
  };
  const server = createServer(times, (incoming, outgoing) => {
    const signal = signalOf(incoming, outgoing);
    // A failure ends this connection, not the server.
    answer(handler, incoming, outgoing, { signal, stallMs }).catch(() => outgoing.destroy());
  });
  server.on('connection', abortOnClose);
  return server;
}

/**
 * The controllers that abort each connection's requests without a whole answer.
 *
 * @type {WeakMap<import('node:net').Socket, Set<AbortController>>}
 */
const openRequests = new WeakMap();

/** Aborts the open requests of a connection when it closes. */
function abortOnClose(socket) {
  const open = new Set();
  openRequests.set(socket, open);
  socket.on('close', () => {
    for (const gone of open) gone.abort(new Error('the client has gone'));
  });
}

/**
 * Returns a signal that fires when the answer is over or the connection closes. An answer that
 * waits for those of earlier requests of its connection has no `close` of its own.
 */
function signalOf(incoming, outgoing) {
  const gone = new AbortController();
  const open = openRequests.get(incoming.socket);
  open.add(gone);
  outgoing.on('close', () => {
    open.delete(gone);
    gone.abort(new Error('the client has gone'));
  });
  return gone.signal;
}

async function answer(handler, incoming, outgoing, { signal, stallMs }) {
  const request = requestOf(incoming, signal);
  if (request === undefined) {
    outgoing.writeHead(400).end();
    return;
  }
  const response = await handler(request);
  outgoing.writeHead(response.status, [...response.headers].flat());
  await send(response, outgoing, signal, stallMs);
}

/**
 * @param {import('node:http').IncomingMessage} incoming
 * @param {AbortSignal} signal
 * @returns {Request | undefined} undefined if no Request can be made of it, as of TRACE
 */
function requestOf(incoming, signal) {
  const { method, headers, url } = incoming;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  try {
    // The client's name for this server is not used, and may be nonsense.
    return new Request(`http://server${url.startsWith('/') ? '' : '/'}${url}`, {
      method,
      headers: Object.entries(headers).filter(([, value]) => typeof value === 'string'),
      signal,
      ...(hasBody ? { body: bodyOf(incoming), duplex: 'half' } : {}),
    });
  } catch {
    return undefined;
  }
}

/**
 * Makes a stream of the request's body. `Readable.toWeb` would not do: cancelling its stream closes
 * the connection before the answer can be sent.
 */
function bodyOf(incoming) {
  return new ReadableStream(
    {
      start(controller) {
        incoming.pause();
        incoming.on('data', (piece) => {
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
async function send({ body }, outgoing, signal, stallMs) {
  const reader = body?.getReader();
  // While the client does not read, no other call notices that the answer has failed.
  reader?.closed.catch(() => outgoing.destroy());
  const cancelled = () => reader?.cancel(signal.reason).catch(() => undefined);
  if (signal.aborted) await cancelled();
  signal.addEventListener('abort', cancelled);
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) break;
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

const drained = (outgoing, signal) =>
  new Promise((resolve) => {
    const ready = () => {
      outgoing.off('drain', ready);
      signal.removeEventListener('abort', ready);
      resolve();
    };
    if (signal.aborted) return resolve();
    outgoing.on('drain', ready);
    signal.addEventListener('abort', ready);
  });
