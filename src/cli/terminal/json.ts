/** Characters that a terminal would obey or that hide text. Line breaks between values stay. */
const UNPRINTABLE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Writes one JSON document to stdout. */
export function writeJson(value: unknown): void {
  const text = JSON.stringify(value, null, 2).replace(UNPRINTABLE, escapes);
  process.stdout.write(`${text}\n`);
}

/** Returns a character as JSON's escapes, one for each of its one or two units. */
const escapes = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');
