import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpHost } from '../../examples/node-server/http-host.mjs';

const LOAD = fileURLToPath(new URL('../../examples/node-server/load.mjs', import.meta.url));

test('examples/node-server/load.mjs: 100 requests, 8 at once, bad ones and clients that go away among them → each gets what it should, memory flat', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [LOAD, '--requests', '100'], {
    encoding: 'utf8',
  });
  expect({ status, stderr, wrong: /^WRONG.*/m.exec(stdout)?.[0] }).toEqual({
    status: 0,
    stderr: '',
    wrong: undefined,
  });
  expect(stdout).toContain('100 of 100 requests, 8 at once');
  console.log(stdout);
});

const server = createHttpHost(async (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === '/fails') throw new Error('a handler must not');
  const seen = { method: request.method, pathname, body: await request.text() };
  return Response.json(seen, { status: 201, headers: { 'x-answer': 'a, b' } });
});
let port = 0;
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

/** What the server says to bytes that no client would send. */
async function answerTo(head: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(`${head}\r\nHost: ?\r\nConnection: close\r\n\r\n`);
  return text(socket);
}

test('http host: a request with a body → the handler sees it, its answer comes as it is', async () => {
  const url = `http://127.0.0.1:${port}/a/b?c=d`;
  const answer = await fetch(url, { method: 'PUT', body: 'x'.repeat(200_000) });
  expect([answer.status, answer.headers.get('x-answer')]).toEqual([201, 'a, b']);
  expect(await answer.json()).toEqual({
    method: 'PUT',
    pathname: '/a/b',
    body: 'x'.repeat(200_000),
  });
});

test.each([
  ['GET // HTTP/1.1', 'HTTP/1.1 201'],
  ['GET http://elsewhere/x HTTP/1.1', 'HTTP/1.1 201'],
  ['OPTIONS * HTTP/1.1', 'HTTP/1.1 201'],
  ['TRACE / HTTP/1.1', 'HTTP/1.1 400'],
])('http host: %s → %s, and it goes on', async (head, status) => {
  expect(await answerTo(head)).toMatch(new RegExp(`^${status} `));
});

test('http host: a handler that throws → that connection ends, the server does not', async () => {
  const url = `http://127.0.0.1:${port}`;
  await expect(fetch(`${url}/fails`)).rejects.toThrow();
  expect((await fetch(url)).status).toBe(201);
});
