import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { decodePng, encodePng } from '../src/png/index.ts';
import { isFullLength } from './full-length.ts';
import { sharedFile, sharedPath, testShared } from './shared.ts';

/*
 * The examples of README.md do what it says. Those for other runtimes are run by test/runtimes.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const blocks = (language: string) =>
  [...README.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(
    ([, code]) => code,
  );

/** A picture's middle, 160×120, as a PNG: soon done. */
function middleOf(path: string): Uint8Array {
  const { width, height, data } = decodePng(sharedFile(path));
  const [left, top] = [(width - 160) >> 1, (height - 120) >> 1];
  const middle = new Uint8Array(4 * 160 * 120);
  for (let y = 0; y < 120; y++) {
    const from = 4 * ((top + y) * width + left);
    middle.set(data.subarray(from, from + 4 * 160), 4 * 160 * y);
  }
  return encodePng({ width: 160, height: 120, data: middle });
}

testShared('README: the JavaScript example → a PNG of the same size, near the original', () => {
  const [example] = blocks('js');
  // Inside the project, so that `taesd-wasm` is found as its users find it: through the exports
  // map.
  const folder = mkdtempSync(join(ROOT, 'out-readme-'));
  try {
    const picture = isFullLength
      ? sharedFile('images/chelsea.png')
      : middleOf('images/chelsea.png');
    writeFileSync(join(folder, 'in.png'), picture);
    writeFileSync(join(folder, 'example.mjs'), example);
    const { status, stderr } = spawnSync(process.execPath, ['example.mjs'], {
      cwd: folder,
      env: { ...process.env, TAESD_WEIGHTS: sharedPath('weights') },
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const [before, after] = [decodePng(picture), decodePng(readFileSync(join(folder, 'out.png')))];
    expect([after.width, after.height]).toEqual([before.width, before.height]);
    const mean =
      before.data.reduce((sum, value, i) => sum + Math.abs(value - after.data[i]), 0) /
      before.data.length;
    // The autoencoder loses detail, not the picture: 0.0 would mean that nothing went through it.
    expect(mean).toBeGreaterThan(1);
    expect(mean).toBeLessThan(10);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('README: its commands → scripts of package.json', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const [setUp] = blocks('sh');
  expect(setUp.split('\n').map((line) => line.split('  ')[0].trim())).toEqual([
    'npm ci && npm run example',
    'npm ci && npm test',
    '',
  ]);
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['example', 'test']));
  const ci = readFileSync(join(ROOT, '.ci/run'), 'utf8');
  expect(ci).toContain('\nnpm ci && npm test\n');
});

test('README: at most 1,500 words; the words that people search for', () => {
  expect(README.split(/\s+/).length).toBeLessThanOrEqual(1500);
  const { description, keywords } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const published = `${description} ${keywords.join(' ')}`.toLowerCase();
  for (const words of [
    'comfyui',
    'decode',
    'latents',
    'in the browser',
    'onnxruntime-web',
    'stable diffusion',
    'preview',
    'flux',
    'qwen-image',
  ]) {
    expect(README.toLowerCase(), words).toContain(words);
    expect(published, words).toContain(words);
  }
});
