/**
 * Diffusers' remote decoding and encoding, from Request to Response.
 *
 * @module taesd-wasm/remote
 */

export { createRemote } from './create-remote.ts';
export { REMOTE_LIMITS } from './limits.ts';
export type {
  EncodeJpeg,
  RemoteHandler,
  RemoteLimits,
  RemoteModel,
  RemoteOptions,
} from './types.ts';
