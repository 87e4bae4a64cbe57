import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A block of code in a document, between lines of three backticks. */
export interface DocumentBlock {
  readonly language: string;
  readonly code: string;
}

/** Returns the blocks of a document in their order. @param document  its path in the repository */
export function blocksIn(document: string): DocumentBlock[] {
  const text = readFileSync(new URL(`../../${document}`, import.meta.url), 'utf8');
  const found = text.matchAll(/^ *```(\w+)\n(.*?)^ *```$/gms);
  return [...found].map(([, language, code]) => ({ language, code }));
}
