import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REMOTE_LIMITS } from '../../src/remote/index.ts';
import { documentedCode, ROOT } from '../docs/blocks.mjs';
import { inFolder, runModule } from '../docs/in-folder.ts';

const text = readFileSync(join(ROOT, 'docs/remote.md'), 'utf8');

test('docs/remote.md: its example → the list of models', async () => {
  await inFolder((folder) => {
    const stdout = runModule(folder, documentedCode('docs/remote.md', 'js'));
    expect(stdout).toContain("default: 'taesd'");
    expect(stdout).toContain("name: 'taef1'");
  });
});

test('docs/remote.md: the table of limits → those of the code', () => {
  const rows = text.matchAll(/^\| `(\w+)` \| ([\d,]+) \|/gm);
  const found = Object.fromEntries(
    [...rows].map(([, name, value]) => [name, Number(value.replaceAll(',', ''))]),
  );
  expect(found).toEqual(REMOTE_LIMITS);
});
