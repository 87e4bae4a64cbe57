import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { decodePng } from '../../src/png/index.ts';
import { sharedPath, testShared } from '../shared.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/roundtrip.mjs', import.meta.url));
const PREVIEW = fileURLToPath(new URL('../../examples/preview.mjs', import.meta.url));
const COMPARE = fileURLToPath(new URL('../../examples/compare.mjs', import.meta.url));

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

test('examples/preview.mjs: a sampler that is watched → pictures in order to its last step, a strip of them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taesd-example-'));
  try {
    const options = { encoding: 'utf8', cwd: folder } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [PREVIEW], options);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const steps = [...stdout.matchAll(/^step +(\d+): /gm)].map(([, step]) => Number(step));
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(steps.at(-1)).toBe(23);
    const told = /^model nano, 24 steps: (\d+) shown, (\d+) dropped$/m.exec(stdout);
    expect(Number(told?.[1])).toBe(steps.length);
    expect(Number(told?.[1]) + Number(told?.[2])).toBe(24);
    const { width, height, data } = decodePng(readFileSync(join(folder, 'out/preview.png')));
    const shown = Math.min(steps.length, 6);
    expect([width, height]).toEqual([shown * 136 - 8, 128]);
    // The last one is at dusk: more red than blue.
    let warmth = 0;
    for (let y = 0; y < height; y++) {
      for (let x = width - 128; x < width; x++) {
        const at = (y * width + x) * 4;
        warmth += (data[at] - data[at + 2]) / 128 / 128;
      }
    }
    expect(warmth).toBeGreaterThan(20);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

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
