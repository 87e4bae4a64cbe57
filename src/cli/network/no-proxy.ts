import { isIPv6 } from 'node:net';

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80' };

/**
 * Returns true for a host that the list names, or a host below one of its domains.
 *
 * @param list  the text of NO_PROXY: hosts, each with a port or without, and `*` for all
 */
export function isExempt(url: URL, list: string): boolean {
  const port = url.port || DEFAULT_PORTS[url.protocol];
  const hostname = withoutBrackets(url.hostname);
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '*') return true;
      const { host, only } = partsOf(entry);
      if (host === '' || (only !== undefined && only !== port)) return false;
      return hostname === host || hostname.endsWith(`.${host}`);
    });
}

/** Returns a URL's host, an address of IPv6 without its brackets. */
export const withoutBrackets = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

/** Returns the host and the port of `a.test:8`, `[::1]:8` or `::1`. */
function partsOf(entry: string): { readonly host: string; readonly only: string | undefined } {
  // More than one colon without brackets is an address of IPv6, which has no port.
  const [, bracketed, named = entry, only] = /^(?:\[(.+)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  const host = bracketed ?? named.replace(/^\*?\.?/, '');
  return { host: isIPv6(host) ? shortest(host) : host, only };
}

/** Returns an address of IPv6 as a URL writes it. */
function shortest(address: string): string {
  const url = `http://[${address}]`;
  return URL.canParse(url) ? withoutBrackets(new URL(url).hostname) : address;
}
