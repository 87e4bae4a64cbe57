import { readFileSync } from 'node:fs';

/** The code of a document's section, by language: `js`, `html`, `py`. */
export function blocksOf(document: string, title: string): Readonly<Record<string, string>> {
  const text = readFileSync(new URL(`../../docs/${document}`, import.meta.url), 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`${document}: no section ${title}`);
  const found = section.matchAll(/^```(\w+)\n(.*?)^```/gms);
  return Object.fromEntries([...found].map(([, language, code]) => [language, code]));
}

/** The titles of a document's sections. */
export const titlesOf = (document: string): string[] =>
  [
    ...readFileSync(new URL(`../../docs/${document}`, import.meta.url), 'utf8').matchAll(
      /^## (.*)$/gm,
    ),
  ].map(([, title]) => title);
