import { messageOf, TaesdError, withHint } from '../../errors.ts';
import { environmentVariable } from '../../platform/runtime.ts';

/** The variables that name a proxy for each scheme. The first one that is set counts. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'https:': ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'],
  'http:': ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'],
};

/** Returns the first of these variables that is set. */
const firstSet = (names: readonly string[]): string | undefined =>
  names.map(environmentVariable).find((text) => text !== undefined && text !== '');

/** Returns the proxy that the environment names for an address; undefined for none. */
export function proxyFor(url: URL): URL | undefined {
  const text = firstSet(VARIABLES[url.protocol] ?? []);
  if (text === undefined || isExempt(url)) return undefined;
  // Many people write it without a scheme: host:port.
  const named = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  return URL.canParse(named) ? new URL(named) : undefined;
}

/** Returns true for a host that NO_PROXY lists, or a host below one of its domains. */
function isExempt({ hostname, port }: URL): boolean {
  const list = firstSet(['no_proxy', 'NO_PROXY']) ?? '';
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '*') return true;
      const [, host, only] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry) ?? [];
      if (host === undefined || host === '' || (only !== undefined && only !== port)) return false;
      return hostname === host || hostname.endsWith(`.${host}`);
    });
}

/** Returns the advice about proxies for an error of the network. */
export function proxyAdvice(): string {
  const name = [...VARIABLES['https:'], ...VARIABLES['http:']].find((one) =>
    environmentVariable(one),
  );
  return name === undefined
    ? 'behind a proxy, set HTTPS_PROXY'
    : `through the proxy in ${name}; NO_PROXY exempts hosts`;
}

/**
 * Adds the reason of a request that got no answer, and the advice, to its error. Node's "fetch
 * failed" has the reason in its cause. Returns any other error unchanged.
 */
export function aboutRequest(error: unknown): unknown {
  if (!(error instanceof TaesdError && error.cause instanceof TypeError)) return error;
  const { code, sentence, cause, remedy } = error;
  if (!sentence.includes(cause.message)) return error;
  const reason = cause.cause instanceof Error ? messageOf(cause.cause) : '';
  const hint = [reason, proxyAdvice()].filter((words) => words !== '').join('; ');
  return new TaesdError(code, withHint(sentence.replace(/ \(no network\?\)$/, ''), hint), {
    cause,
    remedy,
  });
}
