// Puts Node's HTTP server in front of a handler from Request to Response.
import { createServer } from 'node:http';

/**
 * @param {(request: Request) => Promise<Response>} handler  never rejects
 * @param {object} [options]
 * @param {number} [options.stallMs]  milliseconds after which a client that reads nothing is cut
 *   off. Defaults to a minute
 * @returns {import('node:http').Server}
 */
export function createHttpHost(handler, { stallMs = 60_000 } = {}) {
  return createServer((incoming, outgoing) => {
    // A failure ends this connection, not the server.
    answer(handler, incoming, outgoing, stallMs).catch(() => outgoing.destroy());
  });
}

async function answer(handler, incoming, outgoing, stallMs) {
  const gone = new AbortController();
  outgoing.on('close', () => gone.abort(new Error('the client has gone')));
  const request = requestOf(incoming, gone.signal);
  if (request === undefined) {
    outgoing.writeHead(400).end();
    return;
  }
  const response = await handler(request);
  outgoing.writeHead(response.status, [...response.headers].flat());
  await send(response, outgoing, gone.signal, stallMs);
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
