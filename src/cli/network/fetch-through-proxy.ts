import { proxyFor, proxyVariable } from './proxy.ts';
import { requestThroughProxy } from './request-through-proxy.ts';

/*
 * `fetch` through the proxy of the environment. Node's own does not look for one, or only if
 * NODE_USE_ENV_PROXY is set. Deno's and Bun's do.
 */

/** Servers redirect to their stores of files once or twice. */
const MAX_REDIRECTS = 10;

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** The methods that redirects do not change. The command sends no others. */
const METHODS: readonly string[] = ['GET', 'HEAD'];

/** Headers for one server, which a redirect to another one must not take along. */
const OF_ONE_SERVER: readonly string[] = ['authorization', 'cookie', 'host', 'proxy-authorization'];

const isWeb = ({ protocol }: URL): boolean => protocol === 'http:' || protocol === 'https:';

/**
 * Makes `fetch` use the proxies that HTTPS_PROXY, HTTP_PROXY and NO_PROXY describe. It stays as it
 * is if no variable names one.
 */
export function useProxies(): void {
  if ('Deno' in globalThis || 'Bun' in globalThis || proxyVariable() === undefined) return;
  const direct = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    if (!isWeb(url)) return direct(request);
    if (!METHODS.includes(request.method)) {
      if (proxyFor(url) === undefined) return direct(request);
      throw failed(`${request.method} cannot go through a proxy`);
    }
    // The signal of `request` only follows the caller's.
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    return follow(url, request, (to, headers) => {
      const { method } = request;
      const proxy = proxyFor(to);
      if (proxy !== undefined) return requestThroughProxy(to, proxy, { method, headers, signal });
      // Each redirect comes back here, since the next host may need the proxy.
      return direct(to, { ...init, method, headers, signal: signal ?? null, redirect: 'manual' });
    });
  };
}

/** Follows redirects as `fetch` does. @param send  sends one request */
async function follow(
  from: URL,
  request: Request,
  send: (url: URL, headers: Headers) => Promise<Response>,
): Promise<Response> {
  const headers = new Headers(request.headers);
  let url = from;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await send(url, headers);
    const location = response.headers.get('location');
    const isRedirect = location !== null && REDIRECTS.includes(response.status);
    if (!isRedirect || request.redirect === 'manual') return response;
    await response.body?.cancel();
    if (request.redirect === 'error') throw failed('unexpected redirect');
    const next = new URL(location, url);
    if (!isWeb(next)) throw failed(`a redirect to ${next.protocol}`);
    if (next.origin !== url.origin) for (const name of OF_ONE_SERVER) headers.delete(name);
    url = next;
  }
  throw failed('too many redirects');
}

/** Makes the error of a request as `fetch` does. */
const failed = (reason: string): TypeError =>
  new TypeError('fetch failed', { cause: new Error(reason) });
