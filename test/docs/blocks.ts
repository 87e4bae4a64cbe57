import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A block of code in a document, between lines of three backticks. */
export interface DocumentBlock {
  readonly language: string;
  readonly code: string;
}

/** Reads a document. @param path  in the repository */
const textOf = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const blocksOfText = (text: string): DocumentBlock[] =>
  [...text.matchAll(/^ *```(\w+)\n(.*?)^ *```$/gms)].map(([, language, code]) => ({
    language,
    code,
  }));

/** Returns the blocks of a document in their order. @param path  in the repository */
export const blocksIn = (path: string): DocumentBlock[] => blocksOfText(textOf(path));

/** Returns the code of a document's section, by language: `js`, `html`, `py`. */
export function blocksOf(document: string, title: string): Readonly<Record<string, string>> {
  const sections = textOf(`docs/${document}`).split(/^## /m);
  const section = sections.find((part) => part.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`${document}: no section ${title}`);
  return Object.fromEntries(blocksOfText(section).map(({ language, code }) => [language, code]));
}

/** Returns the titles of a document's sections. */
export const titlesOf = (document: string): string[] =>
  [...textOf(`docs/${document}`).matchAll(/^## (.*)$/gm)].map(([, title]) => title);
