import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { REMOTE_LIMITS } from '../../src/remote/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(join(root, 'docs/remote.md'), 'utf8');

test('docs/remote.md: its example → the list of models', () => {
  const [, example] = /^```js\n(.*?)^```/ms.exec(text) ?? [];
  // Inside the project, so that `taesd-wasm` is found by the exports map.
  const folder = mkdtempSync(join(root, 'out-readme-remote-'));
  try {
    writeFileSync(join(folder, 'remote.mjs'), example);
    const { stdout, stderr } = spawnSync(process.execPath, ['remote.mjs'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(stdout).toContain("default: 'taesd'");
    expect(stdout).toContain("name: 'taef1'");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('docs/remote.md: the table of limits → those of the code', () => {
  const rows = text.matchAll(/^\| `(\w+)` \| ([\d,]+) \|/gm);
  const found = Object.fromEntries(
    [...rows].map(([, name, value]) => [name, Number(value.replaceAll(',', ''))]),
  );
  expect(found).toEqual(REMOTE_LIMITS);
});
