import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpHost } from '../../examples/node-server/http-host.mjs';
import { testAtFullLength } from '../full-length.ts';

const SERVER = fileURLToPath(new URL('../../examples/node-server/server.mjs', import.meta.url));
const LOAD = fileURLToPath(new URL('../../examples/node-server/load.mjs', import.meta.url));

testAtFullLength(
  'examples/node-server/load.mjs: 100 requests, 8 at once, bad ones and clients that go away among them → each gets what it should, memory flat',
  () => {
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
  },
);

test.each([
  [['--port', 'abc'], '"--port" expected a whole number from 0 to 65535, got abc'],
  [['--port', '65536'], '"--port" expected a whole number from 0 to 65535, got 65536'],
  [['--port='], '"--port" expected a whole number from 0 to 65535, got nothing'],
  [['--port', '-1'], "Option '--port' argument is ambiguous."],
  [['--workers', 'x'], '"--workers" expected a whole number from 0 to 64, got x'],
  [['--workers', '65'], '"--workers" expected a whole number from 0 to 64, got 65'],
  [['--foo'], "Unknown option '--foo'"],
  [['8788'], "Unexpected argument '8788'"],
])('examples/node-server/server.mjs %j → one line, exit 2', (args, message) => {
  const run = spawnSync(process.execPath, [SERVER, ...args], {
    encoding: 'utf8',
    timeout: 300_000,
  });
  expect({ status: run.status, stdout: run.stdout }).toEqual({ status: 2, stdout: '' });
  expect(run.stderr.split('\n')).toEqual([expect.any(String), '']);
  expect(run.stderr.startsWith(`server: ${message}`), run.stderr).toBe(true);
});

test('examples/node-server/server.mjs: a port that is in use → one line, exit 1', () => {
  const args = [SERVER, '--port', `${port}`];
  const run = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 300_000 });
  expect({ status: run.status, stdout: run.stdout, stderr: run.stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: `server: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`,
  });
});

test('examples/node-server/server.mjs --port 0 --workers 0 → it listens, and SIGTERM ends it', async () => {
  const run = spawn(process.execPath, [SERVER, '--port', '0', '--workers', '0']);
  const ended = once(run, 'exit');
  const [line] = await once(run.stdout, 'data');
  const url = /^listening on (127\.0\.0\.1:\d+)\n$/.exec(String(line))?.[1];
  expect((await fetch(`http://${url}/`)).status).toBe(200);
  run.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
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
