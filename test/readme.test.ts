import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodePng, encodePng } from '../src/png/index.ts';
import { documentedCode, ROOT } from './docs/blocks.mjs';
import { inFolder, runModule } from './docs/in-folder.ts';
import { isFullLength } from './full-length.ts';
import { sharedFile, sharedPath, testShared } from './shared.ts';

/*
 * The example of README.md does what it says. test/runtimes, test/one-file and test/docs run the
 * others.
 */

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

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

testShared(
  'README: the JavaScript example → a PNG of the same size, near the original',
  async () => {
    const example = documentedCode('README.md', 'js', 'example.mjs');
    await inFolder((folder) => {
      const picture = isFullLength
        ? sharedFile('images/chelsea.png')
        : middleOf('images/chelsea.png');
      writeFileSync(join(folder, 'in.png'), picture);
      runModule(folder, example, { TAESD_WEIGHTS: sharedPath('weights') });
      const [before, after] = [
        decodePng(picture),
        decodePng(readFileSync(join(folder, 'out.png'))),
      ];
      expect([after.width, after.height]).toEqual([before.width, before.height]);
      const mean =
        before.data.reduce((sum, value, i) => sum + Math.abs(value - after.data[i]), 0) /
        before.data.length;
      // The autoencoder loses detail, not the picture: 0.0 would mean that nothing went through it.
      expect(mean).toBeGreaterThan(1);
      expect(mean).toBeLessThan(10);
    });
  },
);

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
