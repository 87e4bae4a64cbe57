import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadEsbuild } from '../../examples/edge-worker/tools/install.mjs';
import { startWorkerd } from '../../examples/edge-worker/tools/workerd.mjs';
import { decodeLatentPng } from '../../src/formats/index.ts';
import { decodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { documentedCode, ROOT } from '../docs/blocks.mjs';
import { inFolder } from '../docs/in-folder.ts';
import { installSharp } from '../picture/install-sharp.ts';
import { randomTensor, seededRandom } from '../random.ts';

/*
 * The recipes for Node and for edge functions: the code that stands in docs/recipes.md.
 */

test('sharp → latents of the upright picture, in a PNG that says their model and size', async ({
  skip,
}) => {
  const { sharp, reason } = installSharp();
  if (sharp === undefined) {
    if (process.env.CI) throw new Error(reason);
    return skip(reason);
  }
  const width = 96;
  const height = 64;
  const data = Uint8Array.from(
    { length: 3 * width * height },
    (_, i) => 99 + 90 * Math.sin(i / 700),
  );
  const raw = { raw: { width, height, channels: 3 } };
  // Orientation 6: shown turned by a quarter.
  const photo = await sharp(data, raw).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  await inFolder(async (folder) => {
    mkdirSync(join(folder, 'node_modules'));
    const installed = fileURLToPath(new URL('../picture/installed/node_modules', import.meta.url));
    symlinkSync(join(installed, 'sharp'), join(folder, 'node_modules/sharp'));
    writeFileSync(join(folder, 'photo.jpg'), photo);
    const js = documentedCode('docs/recipes.md', 'js', 'encode.mjs');
    writeFileSync(join(folder, 'encode.mjs'), js);
    const args = ['encode.mjs'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    expect([stderr, status]).toEqual(['', 0]);
    const found = decodeLatentPng(new Uint8Array(readFileSync(join(folder, 'photo.png'))));
    expect(found).toMatchObject({ model: 'taesd', width: 341, height: 512 });
    const nano = await Taesd.load({ model: 'nano', workers: 0 });
    const picture = await nano.decode(found.latents, { width: 341, height: 512 });
    const upright = await sharp(photo).autoOrient().ensureAlpha().raw().toBuffer();
    // Both are brightest and darkest in equal places: columns of the stored file became rows.
    const shown = meansOfRows(picture.data, 341, 512);
    const wanted = meansOfRows(upright, height, width);
    for (const [i, mean] of wanted.entries()) {
      const y = Math.round(((i + 0.5) * 512) / width);
      if (i > 2 && i < width - 3) expect(Math.abs(shown[y] - mean), `row ${i}`).toBeLessThan(8);
    }
  });
});

function meansOfRows(data: ArrayLike<number>, width: number, height: number): number[] {
  return Array.from({ length: height }, (_, y) => {
    let sum = 0;
    for (let x = 0; x < width; x++) sum += data[4 * (y * width + x)];
    return sum / width;
  });
}

test('a Cloudflare worker in workerd → the pixels of Node', async () => {
  const latents = randomTensor(seededRandom(6), [1, 4, 5, 7], 2);
  const nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
  const { data } = await nano.decode(latents);
  await inFolder(async (folder) => {
    const js = documentedCode('docs/recipes.md', 'js', 'worker.js');
    const outdir = join(folder, 'out');
    await loadEsbuild().build({
      stdin: { contents: js, resolveDir: folder, sourcefile: 'worker.js' },
      outfile: join(outdir, 'worker.js'),
      ...{ bundle: true, minify: true, format: 'esm', target: 'es2022', conditions: ['workerd'] },
      ...{ loader: { '.wasm': 'copy' }, assetNames: '[name]', logLevel: 'error' },
    });
    const inExample = relative(join(ROOT, 'examples/edge-worker'), outdir).replaceAll('\\', '/');
    const worker = await startWorkerd((config: string) =>
      config.replace(/^.*nano-decoder.*\n/m, '').replaceAll('"out/', `"${inExample}/`),
    );
    try {
      const body = new Uint8Array(latents.data.slice().buffer);
      const response = await fetch(`${worker.url}/decode?width=7&height=5`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body,
      });
      expect(response.status).toBe(200);
      const picture = decodePng(new Uint8Array(await response.arrayBuffer()));
      expect([picture.width, picture.height]).toEqual([56, 40]);
      expect(picture.data).toEqual(new Uint8Array(data));
    } finally {
      await worker.stop();
    }
  });
});
