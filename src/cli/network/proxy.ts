import { expected, TaesdError, withHint, withSecondHint } from '../../errors.ts';
import { PROXY_VARIABLES } from '../../platform/proxy-variables.ts';
import { requestFailure } from '../../platform/request-failure.ts';
import { environmentVariable } from '../../platform/runtime.ts';
import { isExempt } from './no-proxy.ts';

/** Returns the name of the first of these variables that is set. */
const firstSet = (names: readonly string[]): string | undefined => names.find(environmentVariable);

/** Returns the name of the first variable that names a proxy; undefined for none. */
export const proxyVariable = (): string | undefined =>
  firstSet([...PROXY_VARIABLES['https:'], ...PROXY_VARIABLES['http:']]);

/**
 * Returns the proxy that the environment names for an address; undefined for none.
 *
 * @throws TaesdError ARG (a variable that names no proxy of HTTP). A request without the proxy
 *   would go where the user or the company does not want it.
 */
export function proxyFor(url: URL): URL | undefined {
  const name = firstSet(PROXY_VARIABLES[url.protocol] ?? []);
  if (name === undefined) return undefined;
  const exempt = firstSet(['no_proxy', 'NO_PROXY']);
  if (exempt !== undefined && isExempt(url, environmentVariable(exempt) ?? '')) return undefined;
  return proxyIn(name);
}

/** Returns the proxy that a variable names. Errors do not show the text: it has passwords. */
function proxyIn(name: string): URL {
  const text = (environmentVariable(name) ?? '').trim();
  // Many people write it without a scheme: host:port.
  const named = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(named) ? new URL(named) : undefined;
  if (url === undefined) throw noProxy(name, 'text that is no address');
  const { protocol, pathname, search, hash } = url;
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw noProxy(name, `an address with ${protocol}//`);
  }
  // Then the host that was read is the beginning of a name and password.
  if (`${pathname}${search}${hash}`.includes('@')) {
    throw noProxy(name, 'an address with @ after its host', 'a password with / ? or # unescaped?');
  }
  return url;
}

const noProxy = (name: string, got: string, hint?: string): TaesdError =>
  expected('ARG', name, 'http://HOST:PORT or https://HOST:PORT', got, { hint });

/** Returns the advice about proxies for an error of the network. */
export function proxyAdvice(): string {
  const name = proxyVariable();
  return name === undefined
    ? 'behind a proxy, set HTTPS_PROXY'
    : `through the proxy in ${name}; NO_PROXY exempts hosts`;
}

/** Words of `fetch` for failures without a code that a proxy would not help. */
const HOPELESS = /certificate|redirect|bad port|scheme/;

/** Returns true for the error of a request that did not reach its server. A proxy may help. */
export function isUnreached({ code, cause }: TaesdError): boolean {
  if ((code !== 'NETWORK' && code !== 'ARG') || !(cause instanceof Error && isOfFetch(cause))) {
    return false;
  }
  const { got, isReached } = requestFailure(cause);
  return !isReached && !HOPELESS.test(got);
}

/** `fetch` rejects with a TypeError. A server that stalls is left by an AbortError. */
const isOfFetch = ({ name }: Error): boolean => name === 'TypeError' || name === 'AbortError';

/** Adds the advice to an error of a request that got no answer. Returns any other unchanged. */
export function aboutRequest(error: TaesdError): TaesdError {
  const { code, sentence, cause, remedy } = error;
  if (!sentence.includes(' expected an answer, got ') || !isUnreached(error)) return error;
  const hint = requestFailure(cause).hint;
  const advised =
    hint === undefined
      ? withHint(sentence, proxyAdvice())
      : withSecondHint(sentence, proxyAdvice());
  return new TaesdError(code, advised, { cause, remedy });
}
