import { smallerBytes } from './havoc.ts';
import type { Target } from './target.ts';

const PATIENCE_MS = 20_000;

/**
 * Makes an input smaller while it shows the same fault.
 *
 * @param shows  returns true if an input shows it
 */
export async function minimise(
  target: Target,
  input: Uint8Array,
  shows: (input: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  const end = performance.now() + PATIENCE_MS;
  let least = input;
  const smaller = target.smaller ?? smallerBytes;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smaller(least)) {
      if (performance.now() > end) return least;
      if (candidate.length >= least.length || !(await shows(candidate))) continue;
      least = candidate;
      isSmaller = true;
      break;
    }
  }
  return least;
}
