import type { IncomingMessage } from 'node:http';
import { request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect as connectSecure } from 'node:tls';
import { proxyFor } from './proxy.ts';

/*
 * `fetch` through the proxy of the environment. Node's own does not look for one, or only if
 * NODE_USE_ENV_PROXY is set. Deno's and Bun's do.
 */

/** Servers redirect to their stores of files once or twice. */
const MAX_REDIRECTS = 10;

/** Responses of these statuses have no body, which `Response` insists on. */
const BODILESS: readonly number[] = [101, 204, 205, 304];

/** Makes `fetch` use the proxies that HTTPS_PROXY, HTTP_PROXY and NO_PROXY describe. */
export function useProxies(): void {
  if ('Deno' in globalThis || 'Bun' in globalThis) return;
  const direct = globalThis.fetch;
  globalThis.fetch = async (input, init = {}) => {
    let url = new URL(input instanceof Request ? input.url : input);
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const proxy = proxyFor(url);
      if (proxy === undefined) return direct(hops === 0 ? input : url, init);
      const response = await fetchOnce(url, proxy, init);
      const location = response.headers.get('location');
      if (location === null || response.status < 300 || response.status > 399) return response;
      await response.body?.cancel();
      url = new URL(location, url);
    }
    throw new TypeError('too many redirects');
  };
}

async function fetchOnce(url: URL, proxy: URL, init: RequestInit): Promise<Response> {
  const { method = 'GET', signal } = init;
  // Nothing here would undo a compression.
  const headers = {
    'accept-encoding': 'identity',
    ...Object.fromEntries(new Headers(init.headers)),
  };
  const options = { method, headers, ...(signal ? { signal } : {}) };
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    const send = (createConnection?: () => Socket) => {
      const request =
        createConnection === undefined
          ? sender(proxy)(proxy, {
              ...options,
              path: url.href,
              headers: { host: url.host, ...headers, ...credentials(proxy) },
            })
          : requestSecure(url, { ...options, createConnection });
      request.on('response', resolve).on('error', reject).end();
    };
    if (url.protocol === 'http:') send();
    else tunnel(url, proxy, signal ?? undefined).then((socket) => send(() => socket), reject);
  });
  const { statusCode = 0, headers: received, ...rest } = await answer.then(partsOf);
  const isBodiless = method === 'HEAD' || BODILESS.includes(statusCode);
  const body = isBodiless ? null : (Readable.toWeb(rest.stream) as ReadableStream<Uint8Array>);
  return new Response(body, { status: statusCode, headers: received });
}

function partsOf(stream: IncomingMessage) {
  const headers = new Headers();
  for (const [name, value] of Object.entries(stream.headers)) headers.set(name, `${value}`);
  return { stream, statusCode: stream.statusCode, headers };
}

const sender = ({ protocol }: URL) => (protocol === 'https:' ? requestSecure : requestPlain);

/** Returns the header for the name and password in a proxy's URL. */
function credentials({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}

/** Opens a secure connection through a tunnel of the proxy. */
function tunnel(url: URL, proxy: URL, signal: AbortSignal | undefined): Promise<Socket> {
  const host = `${url.hostname}:${url.port || 443}`;
  return new Promise((resolve, reject) => {
    const headers = { host, ...credentials(proxy) };
    sender(proxy)(proxy, { method: 'CONNECT', path: host, headers, ...(signal && { signal }) })
      .on('connect', ({ statusCode }: IncomingMessage, socket: Socket) => {
        if (statusCode === 200) {
          const servername = url.hostname;
          resolve(connectSecure({ socket, servername, ALPNProtocols: ['http/1.1'] }));
          return;
        }
        socket.destroy();
        const got = `status ${statusCode}`;
        reject(new Error(`${got} from the proxy ${proxy.host}`));
      })
      .on('error', ({ message }) => reject(new Error(`the proxy ${proxy.host}: ${message}`)))
      .end();
  });
}
