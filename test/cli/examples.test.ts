import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { decodePng } from '../../src/png/index.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/roundtrip.mjs', import.meta.url));

test.each([
  [['--wieghts', 'x'], "Unknown option '--wieghts'"],
  [['DIR'], "Unexpected argument 'DIR'"],
  [['--weights'], "Option '--weights <value>' argument missing"],
])('examples/roundtrip.mjs: %j → what is wrong, the usage, exit 1', (args, problem) => {
  const options = { encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [EXAMPLE, ...args], options);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  const [first, ...rest] = stderr.split('\n');
  expect(first).toContain(problem);
  expect(rest).toEqual(['', '  npm run example [-- --weights DIR]', '']);
});

test('examples/roundtrip.mjs: no weights anywhere → nano, four pictures, the decoded one near the original', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taesd-example-'));
  const home = { XDG_CACHE_HOME: folder, LOCALAPPDATA: folder, HOME: folder, TAESD_WEIGHTS: '' };
  try {
    const { status, stdout, stderr } = spawnSync(process.execPath, [EXAMPLE], {
      encoding: 'utf8',
      cwd: folder,
      env: { ...process.env, ...home },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^model nano, weights from the package\n/);
    const decibels = Number(/PSNR ([\d.]+) dB/.exec(stdout)?.[1]);
    expect(decibels).toBeGreaterThan(25);
    const sizes = ['picture', 'latent', 'decoded', 'side-by-side'].map((name) => {
      const { width, height } = decodePng(readFileSync(join(folder, `out/${name}.png`)));
      return `${width}×${height}`;
    });
    expect(sizes).toEqual(['512×512', '64×64', '512×512', '784×256']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
