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

/** Returns the number of letters to insert, delete, replace or swap with the next. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? before[j - 2] + 1 : Infinity;
      next.push(Math.min(replaced, swapped, row[j] + 1, next[j - 1] + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length];
}
