import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { expect, test } from 'vitest';
import { MINIMUM, NEWER } from './older-browser.ts';

/*
 * The syntax and the methods of the published code, apart from the command, which runs in Node.
 */

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const FILES = readdirSync(DIST, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.js') && !path.startsWith('cli/'))
  // Data in code, and nothing else.
  .filter((path) => !/^(?:nano(?:-\w+)?|kernels)\.js$/.test(path));

/** esbuild rewrites these for any target. They came with Chrome 64, Firefox 78, Safari 11.1. */
const supported = { 'regexp-unicode-property-escapes': true };

const plain = async (code: string, target: string | string[]): Promise<string> =>
  (await transform(code, { target, supported, format: 'esm', charset: 'utf8' })).code;

test(`syntax of dist/ → that of ${MINIMUM.join(', ')}: nothing to rewrite`, async () => {
  expect(FILES.length).toBeGreaterThan(150);
  const newer: string[] = [];
  for (const path of FILES) {
    const code = readFileSync(join(DIST, path), 'utf8');
    if ((await plain(code, [...MINIMUM])) !== (await plain(code, 'esnext'))) newer.push(path);
  }
  expect(newer).toEqual([]);
  // Syntax that is newer is seen.
  const block = 'class A { static { this.b = 1; } }';
  expect(await plain(block, [...MINIMUM])).not.toBe(await plain(block, 'esnext'));
});

test('methods in dist/ → none that came later', () => {
  const names = NEWER.map(([, name]) => name).filter((name) => !COMMON.includes(name));
  const newer = new RegExp(
    `\\.(?:${names.join('|')})\\(|\\b(?:structuredClone\\(|new \\w*CompressionStream)`,
  );
  const found = FILES.flatMap((path) => {
    const code = readFileSync(join(DIST, path), 'utf8').replaceAll(
      /\/\*[\s\S]*?\*\/|\/\/.*$/gm,
      '',
    );
    const match = newer.exec(code)?.[0];
    return match === undefined ? [] : [`${path}: ${match}`];
  });
  expect(found).toEqual([]);
});

/** Names that objects of this package have too, and one that it calls in Node alone. */
const COMMON: readonly string[] =
  'abort any difference randomUUID dispose drop every filter find from intersection map parse resize some take timeout toArray transfer try union values with'.split(
    ' ',
  );
