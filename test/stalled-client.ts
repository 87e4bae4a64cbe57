import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { expect } from 'vitest';

/** A client that sends a request and reads nothing but the beginning of the answer. */
export async function clientThatStalls(address: AddressInfo, path: string, body: Uint8Array) {
  const socket = connect(address.port, '127.0.0.1');
  const type = 'content-type: application/octet-stream';
  socket.write(`POST ${path} HTTP/1.1\r\nHost: ?\r\n${type}\r\n`);
  socket.write(`content-length: ${body.length}\r\n\r\n`);
  socket.write(body);
  await once(socket, 'readable');
  expect(String(socket.read(12))).toBe('HTTP/1.1 200');
  return socket;
}
