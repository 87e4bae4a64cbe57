import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { defineTaesdPreview } from '../../src/element/index.ts';
import { thrownBy } from '../thrown-by.ts';

/*
 * `taesd-wasm/element` where there is no page. element.browser.test.ts has the rest.
 */

const ELEMENT = new URL('../../dist/element/index.js', import.meta.url).href;

test('import and defineTaesdPreview in Node → nothing happens', () => {
  const code = `
    const before = Object.keys(globalThis).length;
    const { defineTaesdPreview } = await import(${JSON.stringify(ELEMENT)});
    console.log(defineTaesdPreview(), defineTaesdPreview('my-preview'), Object.keys(globalThis).length - before);`;
  const args = ['--input-type=module', '--eval', code];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect([stdout, stderr]).toEqual(['undefined undefined 0\n', '']);
  expect(fileURLToPath(ELEMENT)).toContain('dist');
});

for (const name of ['preview', 'Taesd-preview', 'a b-c', '', '-a', null, 7]) {
  test(`defineTaesdPreview(${JSON.stringify(name)}) → ARG`, () => {
    const error = thrownBy(() => defineTaesdPreview(name as string));
    expect(error).toMatchObject({ name: 'TaesdError', code: 'ARG' });
    expect((error as Error).message).toMatch(
      /^defineTaesdPreview: "name" expected a name in small letters with a hyphen/,
    );
  });
}
