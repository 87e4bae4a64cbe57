import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Answered,
  createHttpHost,
  type Handler,
  type HttpHostOptions,
} from '../../../src/cli/serve/http-host.ts';
import { clientThatStalls } from '../../stalled-client.ts';

/* Connections that stop or close, and bytes that no client would send. */

async function listen(handler: Handler, options: HttpHostOptions = {}) {
  const host = createHttpHost(handler, options);
  const { server } = host;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { host, server, port: (server.address() as AddressInfo).port };
}

test('http host: a body that lacks a byte → the handler sees it break off, 408, the connection closes', async () => {
  let seen = 0;
  const { server, port } = await listen(
    async (request) => {
      await request.arrayBuffer().catch(() => seen++);
      return new Response();
    },
    { requestMs: 200 },
  );
  const socket = connect(port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: ?\r\nContent-Length: 10\r\n\r\n123456789');
  expect(await text(socket)).toMatch(/^HTTP\/1.1 408 /);
  expect(seen).toBe(1);
  server.close();
});

test('http host: 20 pipelined requests without an answer, the connection is reset → the signal of each fires', async () => {
  const signals: AbortSignal[] = [];
  let arrived = () => {};
  const all = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const { server, port } = await listen((request) => {
    signals.push(request.signal);
    if (signals.length === 20) arrived();
    return once(request.signal, 'abort').then(() => new Response());
  });
  const socket = connect(port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: ?\r\nContent-Length: 3\r\n\r\nabc'.repeat(20));
  await all;
  expect(signals.filter(({ aborted }) => aborted)).toEqual([]);
  const fired = Promise.all(signals.map((signal) => once(signal, 'abort')));
  socket.resetAndDestroy();
  await fired;
  server.close();
});

test('http host: 20 pipelined requests, the client stays → 20 answers in order, no signal before its answer', async () => {
  let [n, early] = [0, 0];
  const { server, port } = await listen(async (request) => {
    const body = `<${n++}>`;
    await request.arrayBuffer();
    if (request.signal.aborted) early++;
    return new Response(body);
  });
  const socket = connect(port, '127.0.0.1');
  const head = 'POST / HTTP/1.1\r\nHost: ?\r\nContent-Length: 3\r\n';
  socket.write(`${head}\r\nabc`.repeat(19));
  socket.write(`${head}Connection: close\r\n\r\nabc`);
  const got = (await text(socket)).match(/<\d+>/g);
  expect(got).toEqual(Array.from({ length: 20 }, (_, n) => `<${n}>`));
  expect(early).toBe(0);
  server.close();
});

const { server } = createHttpHost(async (request) => {
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

/** Returns the server's answer to bytes that no client would send. */
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

test('http host: a client that reads nothing → cut off', async () => {
  const { server: large } = createHttpHost(async () => new Response(new Uint8Array(2 ** 25)), {
    stallMs: 200,
  });
  await once(large.listen(0, '127.0.0.1'), 'listening');
  const socket = await clientThatStalls(large.address() as AddressInfo, '/', new Uint8Array());
  const connections = () =>
    new Promise((resolve) => large.getConnections((_, count) => resolve(count)));
  while ((await connections()) !== 0) await pause(50);
  socket.destroy();
  large.close();
});

/** Sends one request, and returns the connection once the answer has begun. */
async function begun(port: number, path = '/'): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ?\r\n\r\n`);
  await once(socket, 'readable');
  return socket;
}

test('http host: end with a slow client whose answer lies whole in the server → every byte of it, idle connections closed', async () => {
  const size = 2 ** 24;
  const { host, server, port } = await listen(async () => new Response(new Uint8Array(size)));
  const idle = connect(port, '127.0.0.1');
  await once(idle, 'connect');
  const socket = await begun(port);
  await pause(100);
  expect(host.open()).toBe(1);
  const ended = host.end();
  await once(idle, 'close');
  await pause(100);
  const { length } = await buffer(socket);
  expect(length).toBeGreaterThan(size);
  await ended;
  expect([host.open(), server.listening]).toEqual([0, false]);
});

test('http host: end between two pieces of an answer → the rest, and the connection closes at once', async () => {
  let finish = () => {};
  const { host, port } = await listen(async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from('one'));
        finish = () => {
          controller.enqueue(Buffer.from('two'));
          controller.close();
        };
      },
    });
    return new Response(body);
  });
  const socket = await begun(port);
  const ended = host.end();
  await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow();
  const began = performance.now();
  finish();
  expect(await text(socket)).toMatch(/one\r\n3\r\ntwo\r\n0\r\n\r\n$/);
  await ended;
  // Node would keep the connection for five seconds.
  expect(performance.now() - began).toBeLessThan(4000);
});

test('http host: answers that are whole, cut off and missing → what onAnswered is told', async () => {
  const seen: Answered[] = [];
  let tell = () => {};
  const onAnswered = (one: Answered) => {
    seen.push(one);
    tell();
  };
  const { server, port } = await listen(
    async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/never') await once(request.signal, 'abort');
      const body = pathname === '/large' ? new Uint8Array(2 ** 25) : 'hello';
      return new Response(body, { status: 201, headers: { shape: '[1]' } });
    },
    { onAnswered },
  );
  const next = () =>
    new Promise<void>((resolve) => {
      tell = resolve;
    });
  let over = next();
  await (await fetch(`http://127.0.0.1:${port}/a%20b?secret=1`, { method: 'PUT' })).text();
  await over;
  over = next();
  (await begun(port, '/large')).resetAndDestroy();
  await over;
  over = next();
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /never HTTP/1.1\r\nHost: ?\r\n\r\n');
  await pause(100);
  socket.resetAndDestroy();
  await over;
  const told = seen.map(({ method, path, status, isWhole }) => [method, path, status, isWhole]);
  expect(told).toEqual([
    ['PUT', '/a%20b', 201, true],
    ['GET', '/large', 201, false],
    ['GET', '/never', undefined, false],
  ]);
  expect(seen[0].headers?.get('shape')).toBe('[1]');
  expect(`${Buffer.from(seen[0].head ?? [])}`).toBe('hello');
  expect(seen[0].ms).toBeGreaterThan(0);
  server.close();
});

test('http host: more connections than it may have → the others are closed, the server goes on', async () => {
  const { server, port } = await listen(async () => new Response('hello'), { maxConnections: 2 });
  const [first, second] = [await begun(port), await begun(port)];
  const third = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(third, 'close');
  first.destroy();
  second.destroy();
  await pause(100);
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('hello');
  server.close();
});
