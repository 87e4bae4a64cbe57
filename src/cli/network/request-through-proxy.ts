import type { IncomingMessage } from 'node:http';
import { request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect as connectSecure } from 'node:tls';
import { withoutBrackets } from './no-proxy.ts';

/** A request without a body. */
export interface PlainRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly signal: AbortSignal | undefined;
}

/** Responses of these statuses have no body, which `Response` insists on. */
const BODILESS: readonly number[] = [101, 204, 205, 304];

/**
 * Sends one request through a proxy, and follows no redirect.
 *
 * @throws TypeError "fetch failed" with the reason as its cause, as `fetch` does; the signal's
 *   reason
 */
export async function requestThroughProxy(
  url: URL,
  proxy: URL,
  request: PlainRequest,
): Promise<Response> {
  try {
    const send = url.protocol === 'http:' ? sendPlain : sendSecure;
    return responseOf(await send(url, proxy, request), request.method);
  } catch (cause) {
    request.signal?.throwIfAborted();
    throw new TypeError('fetch failed', { cause });
  }
}

function responseOf(stream: IncomingMessage, method: string): Response {
  const { statusCode: status = 0 } = stream;
  const headers = new Headers();
  for (const [name, value] of Object.entries(stream.headers)) headers.set(name, `${value}`);
  if (method === 'HEAD' || BODILESS.includes(status)) {
    stream.resume();
    return new Response(null, { status, headers });
  }
  return new Response(Readable.toWeb(stream) as ReadableStream<Uint8Array>, { status, headers });
}

/** Asks the proxy for the whole address. */
function sendPlain(url: URL, proxy: URL, request: PlainRequest): Promise<IncomingMessage> {
  const { headers, ...options } = optionsOf(request);
  return new Promise((resolve, reject) => {
    requestOf(proxy, {
      ...options,
      path: url.href,
      headers: { host: url.host, ...headers, ...credentials(proxy) },
    })
      .on('response', resolve)
      .on('error', (cause) => reject(aboutProxy(proxy, cause)))
      .end();
  });
}

/** Asks the server through a tunnel. */
async function sendSecure(url: URL, proxy: URL, request: PlainRequest): Promise<IncomingMessage> {
  const socket = await tunnel(url, proxy, request.signal);
  const options = { ...optionsOf(request), createConnection: () => socket };
  return new Promise((resolve, reject) => {
    requestSecure(url, options).on('response', resolve).on('error', reject).end();
  });
}

function optionsOf({ method, headers, signal }: PlainRequest) {
  return {
    method,
    // Nothing here would undo a compression.
    headers: { 'accept-encoding': 'identity', ...Object.fromEntries(headers) },
    ...(signal && { signal }),
  };
}

/** Opens a secure connection to the server of an address through a tunnel of the proxy. */
function tunnel(url: URL, proxy: URL, signal: AbortSignal | undefined): Promise<Socket> {
  const path = `${url.hostname}:${url.port || 443}`;
  const headers = { host: path, ...credentials(proxy) };
  return new Promise((resolve, reject) => {
    requestOf(proxy, { method: 'CONNECT', path, headers, ...(signal && { signal }) })
      .on('connect', ({ statusCode = 0 }: IncomingMessage, socket: Socket) => {
        if (statusCode >= 200 && statusCode < 300) {
          resolve(connectSecure({ socket, ...nameOf(url), ALPNProtocols: ['http/1.1'] }));
          return;
        }
        socket.destroy();
        reject(new Error(`status ${statusCode} from the proxy ${proxy.host}`));
      })
      .on('error', (cause) => reject(aboutProxy(proxy, cause)))
      .end();
  });
}

/**
 * Begins a request to the proxy itself. Node makes a header `authorization` of the name and
 * password in a URL, which proxies pass on to the server.
 */
function requestOf(proxy: URL, options: object) {
  const bare = new URL(proxy);
  bare.username = '';
  bare.password = '';
  if (proxy.protocol === 'http:') return requestPlain(bare, options);
  // Node would expect the certificate to name the host of the header.
  return requestSecure(bare, { ...options, ...nameOf(proxy) });
}

/** Returns the host that a certificate must name. TLS sends names only, not addresses. */
function nameOf({ hostname }: URL): { readonly host: string; readonly servername: string } {
  const host = withoutBrackets(hostname);
  return { host, servername: isIP(host) === 0 ? host : '' };
}

/** Returns the header for the name and password in a proxy's URL. */
function credentials({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const text = `${unescaped(username)}:${unescaped(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}

/** Returns text without its escapes; unchanged if it has a % that begins none. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Makes the error of a proxy that cannot be reached. Node's may have a code and no message. */
function aboutProxy({ host }: URL, cause: NodeJS.ErrnoException): Error {
  return new Error(`the proxy ${host}: ${cause.message || cause.code}`, { cause });
}
