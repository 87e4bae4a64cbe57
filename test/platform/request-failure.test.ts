import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readUrl } from '../../src/platform/read-url.ts';
import { requestFailure } from '../../src/platform/request-failure.ts';
import { temporaryFolder } from '../cli/command-line.ts';
import { makeIdentity, OPENSSL_ABSENT } from '../cli/proxy.ts';

/*
 * The words for requests that fail: each cause as the system tells it, and none that is guessed.
 */

const identity = makeIdentity(temporaryFolder());
const plain = createServer((request, response) => {
  const [, way] = (request.url ?? '').split('/');
  if (way === 'hang-up') request.socket.destroy();
  else if (way === 'circle') response.writeHead(302, { location: request.url }).end();
  else if (way === 'no-gzip') response.writeHead(200, { 'content-encoding': 'gzip' }).end('text');
  else if (way === 'cut') {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => request.socket.destroy());
  } else response.writeHead(Number(way)).end();
});
const secure =
  identity &&
  createSecureServer({ key: identity.key, cert: identity.certificate }, (_, response) =>
    response.end('x'),
  );
const servers: readonly Server[] = secure ? [plain, secure] : [plain];
const at = (server: Server): string =>
  `127.0.0.1:${(server.address() as AddressInfo | null)?.port}`;

beforeAll(async () => {
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
});
afterAll(() => {
  for (const server of servers) server.close().closeAllConnections();
});

const TRUST = 'the certificate is not trusted; NODE_EXTRA_CA_CERTS names more to trust';

const sentence = async (url: string): Promise<string> => {
  const error = await readUrl(new URL(url)).catch((thrown) => thrown);
  expect(error).toMatchObject({ name: 'TaesdError', code: 'ARG' });
  return (error.message as string).replace(`"${url}" `, '');
};

test('nothing listens → the code of the system, and that', async () => {
  expect(await sentence('http://127.0.0.1:2/x')).toBe(
    'expected an answer, got connect ECONNREFUSED 127.0.0.1:2 (nothing listens there)',
  );
});

test('a host with two addresses, at none of which anything listens → the first one’s reason', async () => {
  expect(await sentence('http://localhost:2/x')).toMatch(
    /^expected an answer, got connect ECONNREFUSED \S+:2 \(nothing listens there\)$/,
  );
});

test('a name that does not exist → the name, or no network', async () => {
  expect(await sentence('http://name.invalid/x')).toMatch(
    /^expected an answer, got getaddrinfo E\w+ name.invalid \(a host name that is not known, or no network\)$/,
  );
});

test('a server that hangs up, or in the middle → the connection was cut', async () => {
  const cut = 'got other side closed (the connection was cut)';
  expect(await sentence(`http://${at(plain)}/hang-up`)).toBe(`expected an answer, ${cut}`);
  expect(await sentence(`http://${at(plain)}/cut`)).toBe(`expected the whole answer, ${cut}`);
});

test('a circle of redirects, a forbidden port, data that is not gzip → the reason alone', async () => {
  const circle = await sentence(`http://${at(plain)}/circle`);
  expect(circle).toBe('expected an answer, got redirect count exceeded');
  expect(await sentence('http://127.0.0.1:9/x')).toBe('expected an answer, got bad port');
  const body = await sentence(`http://${at(plain)}/no-gzip`);
  expect(body).toBe('expected the whole answer, got incorrect header check');
});

test('a status → the status alone', async () => {
  for (const status of [400, 403, 500, 503]) {
    const rule = 'expected HTTP status 200 to 299';
    expect(await sentence(`http://${at(plain)}/${status}`)).toBe(`${rule}, got ${status}`);
  }
});

test('https: where the server does not speak TLS → that', async () => {
  expect(await sentence(`https://${at(plain)}/200`)).toMatch(
    /^expected an answer, got .+ \(no TLS at that port\)$/,
  );
});

test('a certificate that nobody signed → not trusted, and the variable', async ({ skip }) => {
  if (secure === undefined) return skip(OPENSSL_ABSENT);
  expect(await sentence(`https://${at(secure)}/x`)).toMatch(
    /^expected an answer, got .*self-signed certificate.* \(the certificate is not trusted; NODE_EXTRA_CA_CERTS names more to trust\)$/,
  );
});

test('a browser → no cause, unless it is offline', () => {
  const error = new TypeError('Failed to fetch');
  for (const [onLine, hint] of [
    [true, undefined],
    [undefined, undefined],
    [false, 'no network'],
  ] as const) {
    vi.stubGlobal('navigator', { onLine });
    try {
      expect(requestFailure(error)).toEqual({ got: 'Failed to fetch', hint });
    } finally {
      vi.unstubAllGlobals();
    }
  }
});

test.each([
  ['EAI_AGAIN', 'a host name that is not known, or no network', undefined],
  ['ConnectionRefused', 'nothing listens there', undefined],
  ['ENETUNREACH', 'no network leads there', undefined],
  ['EHOSTUNREACH', 'no network leads there', undefined],
  ['ETIMEDOUT', 'the server does not answer', undefined],
  ['UND_ERR_CONNECT_TIMEOUT', 'the server does not answer', undefined],
  ['ECONNRESET', 'the connection was cut', true],
  ['CERT_HAS_EXPIRED', 'the certificate has expired, or the clock here is wrong', true],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', TRUST, true],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', TRUST, true],
  ['ERR_TLS_CERT_ALTNAME_INVALID', "the certificate is another server's", true],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'no TLS at that port', true],
  ['EWHATEVER', undefined, undefined],
])('requestFailure: code %s → %s, reached a server: %s', (code, hint, isReached) => {
  const cause = Object.assign(new Error('why'), { code });
  const error = new TypeError('fetch failed', { cause });
  expect(requestFailure(error)).toEqual({ got: 'why', hint, isReached });
});

test('requestFailure: causes in a circle, a text, nothing → some text', () => {
  const circular = new Error('round');
  circular.cause = circular;
  expect(requestFailure(circular).got).toBe('round');
  expect(requestFailure('text').got).toBe('text');
  expect(requestFailure(undefined).got).toBe('undefined');
});
