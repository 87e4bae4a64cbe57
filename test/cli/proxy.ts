import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, beforeEach } from 'vitest';

/** A certificate of this test alone, for the host weights.test, and its key. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBnTCCAUSgAwIBAgIUcMYgZNIbmr07kM50VRyhUSZnM7kwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMd2VpZ2h0cy50ZXN0MCAXDTI2MTEyOTA5MzcwOFoYDzIxMjYx
MTA1MDkzNzA4WjAXMRUwEwYDVQQDDAx3ZWlnaHRzLnRlc3QwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAARieY5tJiK5Pz7Yoj5ltP4kID0jkcip5o1QbV+1pzM7hEKq
l9GwzIE76mj/Ydz3gHSeEPu7H4ftUsP3lPlwpE1ao2wwajAdBgNVHQ4EFgQU1nu+
wsz5JG3SSkdl3tPdUJUEhIQwHwYDVR0jBBgwFoAU1nu+wsz5JG3SSkdl3tPdUJUE
hIQwDwYDVR0TAQH/BAUwAwEB/zAXBgNVHREEEDAOggx3ZWlnaHRzLnRlc3QwCgYI
KoZIzj0EAwIDRwAwRAIgAealeYEtXooGoPKFFENJShkpp/306WUJUv/HoqikVYgC
IBAJekETAl1yjD+TUeHVyDf3STv8AReVN5jyfnxe3rx5
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/Lnt4a76YOOwTRdJ
QlugbwdY67yJyWxNLvpuokLNmLOhRANCAARieY5tJiK5Pz7Yoj5ltP4kID0jkcip
5o1QbV+1pzM7hEKql9GwzIE76mj/Ydz3gHSeEPu7H4ftUsP3lPlwpE1a
-----END PRIVATE KEY-----
`;

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/**
 * Starts a proxy and a secure server. The proxy sends every tunnel to that server, whatever host is
 * named, and answers requests for plain addresses itself.
 *
 * @param answer  the status and text of either server for a path
 */
export function proxyAndServer(answer: (path: string) => readonly [number, string]) {
  /** The requests that the proxy got: `CONNECT weights.test:443 Basic …`. */
  const seen: string[] = [];
  const note = ({ method, url, headers }: IncomingMessage) =>
    seen.push([method, url, headers['proxy-authorization']].filter(Boolean).join(' '));
  const secure = createSecureServer({ key: KEY, cert: CERTIFICATE }, (request, response) => {
    const [status, text] = answer(request.url ?? '');
    if (status === 302) response.writeHead(302, { location: text }).end();
    else response.writeHead(status).end(text);
  });
  const proxy = createServer((request, response) => {
    note(request);
    const [status, text] = answer(new URL(request.url ?? '').pathname);
    response.writeHead(status).end(text);
  });
  proxy.on('connect', (request, socket) => {
    note(request);
    if (request.url?.startsWith('refused')) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const target = connect(portOf(secure), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    for (const end of [target, socket]) end.on('error', () => undefined);
  });
  beforeAll(async () => {
    for (const server of [secure, proxy]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
  });
  beforeEach(() => {
    seen.length = 0;
  });
  afterAll(() => {
    for (const server of [secure, proxy]) {
      server.closeAllConnections();
      server.close();
    }
  });
  return { seen, address: () => `127.0.0.1:${portOf(proxy)}` };
}
