import type { Server } from 'node:http';
import { type AddressInfo, isIP, isIPv6 } from 'node:net';
import { systemCode, systemReason } from '../../platform/system-errors.ts';
import { expectedGot, fault } from '../terminal/faults.ts';

/** The place where a server listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * Makes a server listen.
 *
 * @returns its address: `http://127.0.0.1:8788`
 * @throws TaesdError ARG (a port in use or not allowed, an address of another machine)
 */
export async function listen(server: Server, place: Place): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(notListening(place, cause)));
    server.listen(place.port, place.host, resolve);
  });
  server.removeAllListeners('error');
  const { address, port } = server.address() as AddressInfo;
  return `http://${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

function notListening({ host, port }: Place, cause: unknown) {
  switch (systemCode(cause)) {
    case 'EADDRINUSE': {
      const hint = '--port 0 takes a free one';
      return fault('--port', expectedGot('a free port', `${port}, which is in use`), {
        hint,
        cause,
      });
    }
    case 'EACCES': {
      const got = `${port}, which this user may not listen on`;
      return fault('--port', expectedGot('a port that is allowed', got), {
        hint: 'ports from 1024 on are',
        cause,
      });
    }
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
    case 'EAFNOSUPPORT':
      return fault('--host', expectedGot('an address of this machine', JSON.stringify(host)), {
        cause,
      });
  }
  return fault(`${host}:${port}`, 'cannot be listened on', { hint: systemReason(cause), cause });
}

/** Returns true for an address that only programs on this machine reach. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
