import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { documents, ROOT } from './docs/blocks.mjs';

/*
 * The links between documents: each leads to a file, and to a heading of it.
 */

/** Returns the text without code, which has no links. */
const prose = (text: string) => text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, 'code');

/** The names of a document's headings, as hosts of repositories and TypeDoc make them. */
function anchorsOf(text: string): string[] {
  const headings = [...text.replace(/^```.*?^```/gms, '').matchAll(/^#+ (.*)$/gm)];
  return headings.map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('links of all documents → files and headings that exist', () => {
  const files = documents().map((path) => join(ROOT, path));
  expect(files.length).toBeGreaterThan(20);
  const broken: string[] = [];
  let count = 0;
  for (const document of files) {
    for (const [, target] of prose(readFileSync(document, 'utf8')).matchAll(
      /\]\((?!https?:|mailto:)([^)\s]+)\)/g,
    )) {
      count++;
      const [path, anchor] = target.split('#');
      const file = path === '' ? document : join(dirname(document), path);
      const isThere =
        existsSync(file) &&
        (anchor === undefined ||
          (statSync(file).isFile() && anchorsOf(readFileSync(file, 'utf8')).includes(anchor)));
      if (!isThere) broken.push(`${relative(ROOT, document)}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
  expect(count).toBeGreaterThan(150);
});

test('headings → their names; links in code → none', () => {
  expect(anchorsOf('# A b-c (d): `e`\n')).toEqual(['a-b-c-d-e']);
  expect(prose('```js\n[x](y)\n```\n[a](b) `[c](d)`').match(/\]\(\w\)/g)).toEqual(['](b)']);
});
