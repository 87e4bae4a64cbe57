import type { LatentCase } from './latent-cases.ts';

/** The readers that the table of formats does not have yet. Their tests are `todo`. */
export const MISSING_READERS: ReadonlySet<LatentCase['reader']> = new Set();
