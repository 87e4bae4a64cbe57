import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type FittedSpace, MATRICES } from '../../src/cli/sheet/matrices.ts';
import { encodeLatentSafetensors } from '../../src/formats/index.ts';
import type { ModelName } from '../../src/model/variants.ts';
import { decodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { realWeights } from '../golden.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { sharedFile, testShared } from '../shared.ts';
import { taesdAsProcess, temporaryFolder } from './command-line.ts';
import { matrixError } from './matrix-error.ts';

const at = temporaryFolder();

/** A module that writes the most memory that the process ever held, in bytes. */
const REPORT = `data:text/javascript,process.on('exit', () => process.stderr.write(
  'rss ' + 1024 * process.resourceUsage().maxRSS));`.replaceAll(/\s+/g, '%20');

/** Draws a sheet of `count` files of 64 kB and returns the most memory it held. */
function memoryOf(count: number, model: ModelName, ...more: string[]): number {
  const name = `${model}-${count}`;
  const folder = at(name);
  mkdirSync(folder);
  const latents = randomTensor(seededRandom(count), [1, 4, 64, 64]);
  const bytes = encodeLatentSafetensors({ latents, model });
  for (let n = 0; n < count; n++) writeFileSync(`${folder}/${n}.safetensors`, bytes);
  // Without columns given, a sheet of more files is wider.
  const args = ['sheet', folder, '-o', at(`${name}.png`), '--columns', '20', ...more];
  const { code, stderr } = taesdAsProcess(args, { env: { NODE_OPTIONS: `--import ${REPORT}` } });
  expect(code).toBe(0);
  const rss = /^rss (\d+)$/.exec(stderr);
  return Number(rss?.[1]);
}

test('1,000 files, a matrix → hardly more memory than 100', () => {
  const [few, many] = [100, 1000].map((count) => memoryOf(count, 'taesdxl', '--matrix'));
  const { width, height } = decodePng(new Uint8Array(readFileSync(at('taesdxl-1000.png'))), {
    maxPixels: 2 ** 27,
  });
  expect([width, height]).toEqual([20 * 200 + 8, 50 * 227 + 8]);
  // The sheet has 45 million pixels, 136 MB; the difference is garbage that was not collected yet.
  expect(many - few).toBeLessThan(64 * 2 ** 20);
});

test('240 files, a model → hardly more memory than 40', () => {
  const [few, many] = [40, 240].map((count) => memoryOf(count, 'taesd', '--workers', '0'));
  // The sheet has 11 million pixels, 33 MB; a picture that is not freed has 1 MB.
  expect(many - few).toBeLessThan(32 * 2 ** 20);
});

describe('matrices', () => {
  /** The errors that weights/matrix/README.md states for the picture held out. */
  const stated = new Map(
    [
      ...readFileSync(new URL('../../weights/matrix/README.md', import.meta.url), 'utf8').matchAll(
        /^\| `(\w+)` \| \d+ \| [\d.]+ dB \| ([\d.]+) dB \|$/gm,
      ),
    ].map(([, space, decibels]) => [space, decibels]),
  );

  async function heldOut(space: FittedSpace): Promise<number> {
    const taesd = await Taesd.load({ model: space, weights: realWeights(space) });
    const { width, height, data } = decodePng(sharedFile('images/chelsea.png'));
    const latents = await taesd.encode({ width, height, data });
    const decoded = await taesd.decode(latents);
    taesd.dispose();
    return matrixError(space, latents, (c, y, x) => decoded.data[4 * (y * decoded.width + x) + c]);
  }

  for (const space of Object.keys(MATRICES) as FittedSpace[]) {
    testShared(`${space} on the picture held out → the error that the table states`, async () => {
      expect((await heldOut(space)).toFixed(2)).toBe(stated.get(space));
    });
  }
});
