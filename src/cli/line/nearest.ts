/** The most letters that a mistyped word has wrong, missing or too many. */
const MAX_WRONG = 2;

/**
 * Returns the word that another was mistyped for; undefined if none is alike. Hyphens, underscores
 * and capitals do not matter.
 */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  const plain = (word: string) => word.toLowerCase().replace(/[-_]/g, '');
  const [best] = words
    .map((word) => ({ word, wrong: distance(plain(typed), plain(word)) }))
    .filter(({ word, wrong }) => wrong <= Math.min(MAX_WRONG, word.length / 3))
    .sort((a, b) => a.wrong - b.wrong);
  return best?.word;
}

/** Returns the number of letters to insert, delete or replace (Levenshtein's distance). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
