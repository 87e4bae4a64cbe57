import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { createHttpHost } from '../../examples/node-server/http-host.mjs';

/* Connections to the HTTP host of examples/node-server that stop or close. */

async function listen(handler: (request: Request) => Promise<Response>, options = {}) {
  const server = createHttpHost(handler, options);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, port: (server.address() as AddressInfo).port };
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
