import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);

/**
 * The package as it is published: each entry of its `exports` in this checkout, and nothing else of
 * it. A page that imports anything deeper does not build. Node finds the package by its own name
 * from its own folders alone, and the explorer has a `package.json` of its own.
 */
export function publicEntries() {
  const { name, exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  return Object.entries<string | { default: string }>(exports).map(([entry, target]) => ({
    find: new RegExp(`^${name}${entry.slice(1).replaceAll('.', '\\.').replaceAll('?', '\\?')}$`),
    replacement: fileURLToPath(new URL(typeof target === 'string' ? target : target.default, root)),
  }));
}
