import { inCall, TaesdError } from '../errors.ts';
import type { RemoteHandler, RemoteOptions } from './types.ts';

/**
 * Creates a handler of diffusers' protocol for remote decoding and encoding, for every host with
 * the classes `Request` and `Response`.
 *
 * @throws TaesdError ARG (a wrong option)
 */
export function createRemote(_options: RemoteOptions): RemoteHandler {
  return inCall('createRemote', () => {
    throw new TaesdError('UNSUPPORTED', 'this handler is not there yet');
  });
}
