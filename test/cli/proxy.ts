import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, beforeEach } from 'vitest';

/** A certificate and its key. */
export interface Identity {
  readonly key: string;
  readonly certificate: string;
}

/** Why tests are skipped without it, as the last line of a run says it. */
export const OPENSSL_ABSENT = 'openssl, which makes certificates, is absent';

/**
 * Makes a certificate that signs itself, for the hosts weights.test and localhost. Returns
 * undefined without openssl.
 *
 * @param at  the path of a file in a temporary folder
 */
export function makeIdentity(at: (name: string) => string): Identity | undefined {
  const files = ['-keyout', at('key.pem'), '-out', at('ca.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const host = [
    '-subj',
    '/CN=weights.test',
    '-addext',
    'subjectAltName=DNS:weights.test,DNS:localhost',
  ];
  const args = ['req', '-x509', ...kind, '-days', '2', ...host, ...files];
  const { status, error, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
  if (status !== 0) throw new Error(`openssl failed: ${error?.message ?? stderr}`);
  return {
    key: readFileSync(at('key.pem'), 'utf8'),
    certificate: readFileSync(at('ca.pem'), 'utf8'),
  };
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** Returns the path of a request, which a proxy gets a whole address of. */
const pathOf = ({ url = '' }: IncomingMessage) => new URL(url, 'http://proxy').pathname;

/** Returns a request in words: `CONNECT weights.test:443 Basic …`, `GET /x authorization …`. */
function inWords({ method, url, headers }: IncomingMessage): string {
  const { authorization } = headers;
  const last = authorization === undefined ? '' : `authorization ${authorization}`;
  return [method, url, headers['proxy-authorization'], last].filter(Boolean).join(' ');
}

/**
 * Starts a proxy and a secure server. The proxy sends every tunnel to that server, whatever host is
 * named, and answers requests for plain addresses itself.
 *
 * @param answer    the status and text, or new place, of either server for a path
 * @param identity  the certificate of the secure server, which no client accepts without one
 */
export function proxyAndServer(
  answer: (path: string) => readonly [number, string],
  identity: Identity | undefined,
) {
  /** The requests that the proxy got. */
  const seen: string[] = [];
  /** The requests that came to the secure server. */
  const arrived: string[] = [];
  const respond = (path: string, response: ServerResponse) => {
    const [status, text] = answer(path);
    if (status === 302) response.writeHead(302, { location: text }).end();
    else response.writeHead(status).end(text);
  };
  const { key, certificate: cert } = identity ?? {};
  const secure = createSecureServer({ key, cert }, (request, response) => {
    arrived.push(inWords(request));
    respond(pathOf(request), response);
  });
  const proxy = createServer((request, response) => {
    seen.push(inWords(request));
    respond(pathOf(request), response);
  });
  proxy.on('connect', (request, socket) => {
    seen.push(inWords(request));
    if (request.url?.startsWith('refused')) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const target = connect(portOf(secure), '127.0.0.1', () => {
      // Any status of success opens a tunnel.
      const status = request.url?.endsWith(':443') ? '200 OK' : '201 Created';
      socket.write(`HTTP/1.1 ${status}\r\n\r\n`);
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
    arrived.length = 0;
  });
  afterAll(() => {
    for (const server of [secure, proxy]) {
      server.closeAllConnections();
      server.close();
    }
  });
  const address = () => `127.0.0.1:${portOf(proxy)}`;
  return { seen, arrived, address, secureAddress: () => `https://localhost:${portOf(secure)}` };
}
