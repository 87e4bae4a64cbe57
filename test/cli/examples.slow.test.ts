import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { decodePng } from '../../src/png/index.ts';
import { sharedPath, testShared } from '../shared.ts';

const COMPARE = fileURLToPath(new URL('../../examples/compare.mjs', import.meta.url));

testShared('examples/compare.mjs: the real weights → PSNR of each, and their pictures', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taesd-example-'));
  try {
    const args = [COMPARE, '--weights', sharedPath('weights')];
    const options = { encoding: 'utf8', cwd: folder } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [taesd, nano, matrix] = [...stdout.matchAll(/([\d.]+) dB/g)].map((match) => +match[1]);
    expect(taesd).toBeGreaterThan(nano);
    expect(nano).toBeGreaterThan(matrix);
    const { width, height } = decodePng(readFileSync(join(folder, 'out/models.png')));
    expect([width, height]).toEqual([1048, 520]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
