import { messageOf } from '../errors.ts';
import { NOT_ALLOWED, systemCode, systemReason } from './system-errors.ts';

/**
 * The causes that the codes of Node and Bun stand for, and for those of a request that reached a
 * server: true.
 */
const CAUSES: readonly (readonly [RegExp, string, true?])[] = [
  [/ENOTFOUND|EAI_AGAIN/, 'a host name that is not known, or no network'],
  [/REFUSED/i, 'nothing listens there'],
  [/UNREACH|NETDOWN/, 'no network leads there'],
  [/TIME/, 'the server does not answer'],
  [/RESET|EPIPE|SOCKET/, 'the connection was cut', true],
  [/ALTNAME/, "the certificate is another server's", true],
  [/EXPIRED/, 'the certificate has expired, or the clock here is wrong', true],
  [/CERT|VERIFY/, 'the certificate is not trusted; NODE_EXTRA_CA_CERTS names more to trust', true],
  [/WRONG_VERSION|PACKET_LENGTH/, 'no TLS at that port', true],
];

/** The words for a request that got no answer, or not all of one. */
export interface RequestFailure {
  readonly got: string;
  /** The cause, if the system's code or the browser tells it. No other is guessed. */
  readonly hint?: string | undefined;
  /** True if the system's code tells that the request reached a server; undefined otherwise. */
  readonly isReached?: true | undefined;
}

/**
 * Describes the error of a `fetch` or of reading its body. Node's "fetch failed" has the reason in
 * its cause, which lists several if a host has several addresses.
 */
export function requestFailure(error: unknown): RequestFailure {
  let got: string | undefined;
  let code = '';
  let one = error;
  for (let depth = 0; one && depth < 8; depth++) {
    const { cause, errors, message } = one as AggregateError;
    const own = systemCode(one);
    if (typeof own === 'string') code ||= own;
    if (code === NOT_ALLOWED) return { got: systemReason(one) };
    // The error of several addresses has no message.
    if (depth > 0 && message) got ??= messageOf(one);
    one = errors?.[0] ?? cause;
  }
  // Browsers hide the reason from pages, but know if they are offline.
  const isOffline = code === '' && globalThis.navigator?.onLine === false;
  const [, known, isReached] = CAUSES.find(([codes]) => codes.test(code)) ?? [];
  return { got: got ?? messageOf(error), hint: isOffline ? 'no network' : known, isReached };
}
