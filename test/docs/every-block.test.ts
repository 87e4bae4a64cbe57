import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { blockNamed, blocksIn, blocksOfText, documents, ROOT } from './blocks.mjs';

/*
 * Each block of code in a document is run by a test, or marked as an output.
 */

/** Blocks that show an output, a part of something, or a drawing. */
const OUTPUT = 'text';

/** The files that define the call and look for it. */
const ABOUT_CALLS = ['docs/blocks.mjs', 'docs/every-block.test.ts'];
const NAME = /\bdocumentedCode\(/g;
const CALL = /\bdocumentedCode\(\s*'([^']+)',\s*'(\w+)'(?:,\s*(?:'([^']+)'|(\d+)))?,?\s*\)/g;

/** The sources of all tests, by their paths in `test`. */
function testSources(): [string, string][] {
  const folder = join(ROOT, 'test');
  const skipped = /(?:^|[/\\])(?:node_modules|installed|state)(?:[/\\]|$)/;
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(?:ts|mjs)$/.test(path) && !skipped.test(path))
    .map((path) => [path.replaceAll('\\', '/'), readFileSync(join(folder, path), 'utf8')]);
}

test('each block of all documents → run by a test, which reads it with documentedCode, or marked as text', () => {
  const run = new Set<string>();
  for (const [path, source] of testSources()) {
    if (ABOUT_CALLS.includes(path)) continue;
    const calls = [...source.matchAll(CALL)];
    const note = `${path}: documentedCode takes literals, so that this test finds the blocks it reads`;
    expect(calls.length, note).toBe(source.match(NAME)?.length ?? 0);
    for (const [, document, language, named, number] of calls) {
      const which = number === undefined ? named : Number(number);
      const { line } = blockNamed(document, language, which);
      run.add(`${document}:${line}`);
    }
  }
  const blocks = documents().flatMap((document) => blocksIn(document));
  const places = blocks.map(({ document, line, language }) => ({
    place: `${document}:${line}`,
    isOutput: language === OUTPUT,
  }));
  const unrun = places.filter(({ place, isOutput }) => !isOutput && !run.has(place));
  expect(
    unrun.map(({ place }) => place),
    'Blocks that no test runs. Run each in a test that reads it with documentedCode of test/docs/blocks.mjs, or mark it ```text if it is an output, a fragment or a diagram',
  ).toEqual([]);
  const runOutputs = places.filter(({ place, isOutput }) => isOutput && run.has(place));
  expect(runOutputs, 'Blocks that a test runs need their language in place of text').toEqual([]);
  expect(run.size).toBeGreaterThan(60);
});

test('a text → its blocks with line, language, title and name; an error for code in another form', () => {
  const text = '# A\n\n```js\n// a.mjs, a file\n\n    run();\n```\n\n## B\n\n```\nc\n```\n';
  expect(blocksOfText(text, 'x.md')).toEqual([
    {
      ...{ document: 'x.md', line: 3, language: 'js', section: 'A', name: 'a.mjs' },
      code: '// a.mjs, a file\n\n    run();\n',
    },
    { document: 'x.md', line: 11, language: '', section: 'B', name: '', code: 'c\n' },
  ]);
  for (const [odd, message] of [
    ['a\n\n    run();\n', 'x.md:3: expected code between lines of three backticks'],
    ['~~~js\nrun();\n~~~\n', 'x.md:1: expected three backticks and one word, got ~~~js'],
    ['```js title="a"\n```\n', 'x.md:1: expected three backticks and one word'],
    ['```js\nrun();\n', 'x.md:1: expected the end of the block'],
  ]) {
    expect(() => blocksOfText(odd, 'x.md')).toThrow(message);
  }
});
