import type { RemoteLimits } from './types.ts';

/** The default limits: those of an edge function. */
export const REMOTE_LIMITS: RemoteLimits = {
  width: 1024,
  pixels: 1024 * 768,
  batch: 16,
  waiting: 4,
  turnMs: 20_000,
  answerBytes: 4_000_000,
  keptBytes: 8_000_000,
  bodyMs: 30_000,
};
