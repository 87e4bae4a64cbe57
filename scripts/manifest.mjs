// Writes weights/manifest.json as a module, src/weights/manifest-data.ts, which git ignores. The
// JSON file stays the only source of the hashes; as code its content reaches every runtime and
// bundler. A JSON import would not: Node 20 warns about it on stderr, workerd and browsers of 2023
// reject it, and the file lies outside of src.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);

export function writeManifest() {
  const json = readFileSync(new URL('weights/manifest.json', root), 'utf8');
  const lines = [
    '// Made by scripts/manifest.mjs from weights/manifest.json.',
    "import type { Manifest } from './manifest.ts';",
    '',
    `export const MANIFEST: Manifest = ${json.trimEnd()};`,
    '',
  ];
  writeFileSync(new URL('src/weights/manifest-data.ts', root), lines.join('\n'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeManifest();
