import { toUtf8 } from '../builtins/text.ts';

/** An address without a name and password, and the headers that carry them. */
interface BareRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Returns what `fetch` takes in place of an address with a name and password. It refuses such an
 * address, and its error shows the password.
 */
export function bareRequest(url: URL): BareRequest {
  const { username, password } = url;
  if (!username && !password) return { url, headers: {} };
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  const bytes = toUtf8(`${unescaped(username)}:${unescaped(password)}`);
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return { url: bare, headers: { authorization: `Basic ${btoa(text)}` } };
}

/** Returns text without its escapes; unchanged if it has a % that begins none. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
