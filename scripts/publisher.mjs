// node scripts/publisher.mjs NAME URL      writes the publisher into package.json
// node scripts/publisher.mjs --check TAG   exit code 1 if it is missing or TAG is another version
// NAME is the author's, URL the repository's page: https://github.com/someone/taesd-wasm.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FILE = new URL('../package.json', import.meta.url);
const FIELDS = ['author', 'repository', 'bugs', 'homepage'];

/**
 * Returns the manifest with the publisher's four fields after `license`.
 *
 * @param {Record<string, unknown>} manifest
 * @param {string} name  the author's
 * @param {string} url  the repository's page, https
 */
export function withPublisher(manifest, name, url) {
  const page = new URL(url);
  const path = page.pathname.replace(/(?:\.git)?\/?$/, '');
  if (page.protocol !== 'https:' || path.split('/').length !== 3 || name.trim() === '') {
    throw new Error(
      `expected a NAME and an address like https://github.com/someone/project, got "${name}" ${url}`,
    );
  }
  const home = `${page.origin}${path}`;
  const own = {
    author: name,
    repository: { type: 'git', url: `git+${home}.git` },
    bugs: `${home}/issues`,
    homepage: `${home}#readme`,
  };
  const rest = Object.entries(manifest).filter(([key]) => !FIELDS.includes(key));
  const at = rest.findIndex(([key]) => key === 'license') + 1;
  return Object.fromEntries([...rest.slice(0, at), ...Object.entries(own), ...rest.slice(at)]);
}

/**
 * Returns the faults that keep a version from being published.
 *
 * @param {Record<string, unknown>} manifest
 * @param {string} tag  git's, such as v0.1.0
 */
export function faultsOf(manifest, tag) {
  const faults = FIELDS.filter((field) => manifest[field] === undefined).map(
    (field) => `package.json has no "${field}": node scripts/publisher.mjs NAME URL writes it`,
  );
  const wanted = `v${manifest.version}`;
  if (tag !== wanted) faults.push(`expected the tag ${wanted}, got ${tag}`);
  return faults;
}

function main([first, second]) {
  const manifest = JSON.parse(readFileSync(FILE, 'utf8'));
  if (first === undefined || second === undefined) {
    console.error('usage: node scripts/publisher.mjs NAME URL | --check TAG');
    return 2;
  }
  if (first === '--check') {
    const faults = faultsOf(manifest, second);
    for (const fault of faults) console.error(fault);
    return faults.length === 0 ? 0 : 1;
  }
  try {
    writeFileSync(FILE, `${JSON.stringify(withPublisher(manifest, first, second), null, 2)}\n`);
  } catch (error) {
    console.error(error.message);
    return 2;
  }
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = main(process.argv.slice(2));
