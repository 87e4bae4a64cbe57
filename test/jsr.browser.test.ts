import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Taesd } from '../src/taesd.ts';
import { deno } from './webgpu/run-remotely.ts';

/*
 * The folder that JSR takes, in Deno, which publishes it.
 */

if (deno === undefined && process.env.CI) {
  throw new Error('no Deno here, and CI must not skip the test of the package for JSR');
}
if (deno === undefined) {
  console.warn('skipping the package for JSR: no Deno (npm run test:runtimes installs one)');
}

const SCRIPT = fileURLToPath(new URL('../scripts/jsr.mjs', import.meta.url));

describe.skipIf(deno === undefined)('the package for JSR', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taesd-jsr-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const runDeno = (...args: string[]) => {
    const env = { ...process.env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' };
    const { status, stdout, stderr } = spawnSync(deno as string, args, {
      cwd: folder,
      env: { ...env, DENO_DIR: join(folder, '.deno') },
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };

  beforeAll(() => {
    const made = spawnSync(process.execPath, [SCRIPT, 'somebody', folder], { encoding: 'utf8' });
    expect(made).toMatchObject({ status: 0, stderr: '' });
  });

  test('deno publish --dry-run → accepted, with all entries', () => {
    const { status, stderr } = runDeno('publish', '--dry-run', '--allow-dirty', '--no-check');
    expect(stderr).toContain('Success Dry run complete');
    expect(status).toBe(0);
    const { exports } = JSON.parse(readFileSync(join(folder, 'jsr.json'), 'utf8'));
    for (const path of Object.values<string>(exports)) {
      expect(stderr).toContain(join(folder, path));
    }
  });

  test('a program → its types are checked, and it decodes to the bytes of Node', async () => {
    const use = (weights: string): string => `
      import { Taesd } from './dist/index.js';
      import { nano } from './dist/nano.js';
      const taesd = await Taesd.load(${weights});
      const data = Float32Array.from({ length: 4 * 6 * 5 }, (_, i) => Math.sin(i));
      const picture = await taesd.decode({ shape: [1, 4, 6, 5], data });
      console.log(JSON.stringify([...picture.data]));
      taesd.dispose();`;
    writeFileSync(join(folder, 'use.ts'), use('nano()'));
    const { status, stdout, stderr } = runDeno(
      ...['run', '--check', '-A', '--config', 'jsr.json', 'use.ts'],
    );
    expect({ status, stderr: stderr.includes('error') }).toEqual({ status: 0, stderr: false });
    const taesd = await Taesd.load({ model: 'nano' });
    const data = Float32Array.from({ length: 4 * 6 * 5 }, (_, i) => Math.sin(i));
    const picture = await taesd.decode({ shape: [1, 4, 6, 5], data });
    taesd.dispose();
    expect(JSON.parse(stdout)).toEqual([...picture.data]);

    writeFileSync(join(folder, 'wrong.ts'), use('{ model: 7 }'));
    const wrong = runDeno('check', '--config', 'jsr.json', 'wrong.ts');
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toContain("Type 'number' is not assignable to type");
  });
});
