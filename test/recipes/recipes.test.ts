import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { titlesOf } from '../docs/blocks.ts';

/*
 * docs/recipes.md promises that each recipe is run by a test.
 */

test('each recipe → named in a test that runs its code', () => {
  const tests = ['recipes.browser.test.ts', 'recipes.slow.test.ts']
    .map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
    .join('');
  const titles = titlesOf('recipes.md');
  expect(titles.length).toBeGreaterThan(7);
  expect(titles.filter((title) => !tests.includes(`'${title}'`))).toEqual([]);
});
