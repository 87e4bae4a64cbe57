import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import { encodeLatentSafetensors } from '../../src/formats/index.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { comfyByHand, npzByHand } from '../formats/files-by-hand.ts';
import { integers, seededNumbers } from '../formats/seeded-numbers.ts';
import { FULL, LOSSY } from '../picture/files.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { sharedPath, testShared } from '../shared.ts';
import { blocksIn, ROOT } from './blocks.ts';
import { inFolder } from './in-folder.ts';

/*
 * Code and commands of the documents, run as they stand there.
 */

/** Runs code as a module, and returns what its last line has printed as JSON. */
function printed(folder: string, code: string): unknown {
  writeFileSync(join(folder, 'example.mjs'), code);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['example.mjs'], {
    cwd: folder,
    env: { ...process.env, TAESD_WEIGHTS: sharedPath('weights') },
    encoding: 'utf8',
  });
  expect([stderr, status]).toEqual(['', 0]);
  return JSON.parse(stdout);
}

const NANO = `
import { Taesd } from 'taesd-wasm';
import { nano } from 'taesd-wasm/nano';
import { createPreviewer as makePreviewer } from 'taesd-wasm/preview';
const zeros = (side) => ({ shape: [1, 4, side, side], data: new Float32Array(4 * side * side) });
const shown = [];
`;

test('docs/previews.md: the loop → its last step is drawn', async () => {
  const [loop] = blocksIn('docs/previews.md');
  await inFolder((folder) => {
    const found = printed(
      folder,
      `
      const drawn = [];
      class ImageData {
        constructor(data, width, height) { Object.assign(this, { data, width, height }); }
      }
      const context = { putImageData: (image, x, y) => drawn.push([image.width, image.height, image.data.length, x, y]) };
      const zeros = (side) => ({ shape: [1, 4, side, side], data: new Float32Array(4 * side * side) });
      const [sigmas, timesteps, prompt] = [[4, 2, 1, 0], [999, 500, 1], ''];
      let x = zeros(8);
      const scaled = (latents) => latents;
      const unet = async () => zeros(8);
      const sampler = { next: async () => zeros(8) };
      ${loop.code}
      taesd.dispose();
      console.log(JSON.stringify(drawn.at(-1)));`,
    );
    expect(found).toEqual([64, 64, 4 * 64 * 64, 0, 0]);
  });
});

test('docs/previews.md: small pictures, two instances → the documented sizes', async () => {
  const [, small, two] = blocksIn('docs/previews.md');
  await inFolder((folder) => {
    const found = printed(
      folder,
      `${NANO}
      const createPreviewer = (...args) => { previewers.push(makePreviewer(...args)); return previewers.at(-1); };
      const previewers = [];
      const onFrame = ({ width, height }) => shown.push([width, height]);
      const taesd = await Taesd.load({ ...nano(), workers: 0 });
      const latents = zeros(64);
      let decoded;
      {
        ${small.code}
        decoded = [width, height, data.length];
      }
      ${two.code}
      for (const each of previewers) {
        each.push(zeros(8), 0);
        await each.idle();
        each.stop();
      }
      console.log(JSON.stringify({ decoded, shown }));
      process.exit();`,
    );
    expect(found).toEqual({
      decoded: [128, 128, 4 * 128 * 128],
      shown: [
        [32, 32],
        [64, 64],
      ],
    });
  });
});

testShared('docs/api.md: a cache of sd-scripts → the documented source, its picture', async () => {
  const [example] = blocksIn('docs/api.md');
  await inFolder((folder) => {
    const latents = seededNumbers('F32', [4, 6, 5], 3);
    const size = integers('I64', [40, 48]);
    const crop = integers('I64', [0, 0, 40, 48]);
    const entries = { latents, original_size: size, crop_ltrb: crop };
    writeFileSync(join(folder, 'cache.npz'), npzByHand(Object.entries(entries)));
    const found = printed(
      folder,
      `import { readFileSync } from 'node:fs';
      import { Taesd } from 'taesd-wasm';
      const bytes = readFileSync('cache.npz');
      ${example.code}
      taesd.dispose();
      const { width, height } = picture;
      const { source, model, assumed } = found;
      console.log(JSON.stringify({ source, model, assumed: assumed.length, width, height }));`,
    );
    expect(found).toMatchObject({ source: 'sd-scripts cache, F32', model: 'taesdxl' });
    expect(found).toMatchObject({ width: 40, height: 48 });
  });
});

/** Runs lines of a shell, each of which must succeed. `taesd` is the built command. */
function shell(folder: string, lines: string): string {
  const main = join(ROOT, 'dist/cli/main.js');
  const from = sharedPath('weights');
  const script = `set -eo pipefail
taesd() {
  case $1 in
    serve)
      node '${main}' serve --port 0 < /dev/null > served.txt 2>&1 &
      until grep -q http: served.txt; do sleep 0.2; done
      kill -INT $!
      wait $! || [ $? -eq 130 ]
      cat served.txt
      ;;
    pull) node '${main}' "$@" --from '${from}' ;;
    *) node '${main}' "$@" ;;
  esac
}
npx() { [ "$1" = --no-install ] && shift; "$@"; }
${lines}`;
  const cache = mkdtempSync(join(tmpdir(), 'taesd-docs-'));
  try {
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
      cwd: folder,
      env: { ...process.env, TAESD_WEIGHTS: from, XDG_CACHE_HOME: cache },
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    return stdout + stderr;
  } finally {
    rmSync(cache, { recursive: true });
  }
}

/** The files that the documents' commands name. */
function writeInputs(folder: string): void {
  writeFileSync(join(folder, 'photo.png'), encodePng(renderPicture(64)));
  writeFileSync(join(folder, 'photo.jpg'), FULL.bytes);
  writeFileSync(join(folder, 'photo.webp'), LOSSY.bytes);
  const stored = seededNumbers('F32', [1, 4, 6, 5], 1);
  writeFileSync(join(folder, 'ComfyUI_00001_.latent'), comfyByHand(stored));
  const random = randomTensor(seededRandom(5), [1, 4, 64, 64], 1);
  writeFileSync(join(folder, 'latents.f16'), Buffer.from(new Uint8Array(2 * random.data.length)));
  mkdirSync(join(folder, 'latents'));
  const latents = randomTensor(seededRandom(5), [1, 4, 6, 5], 1);
  const file = encodeLatentSafetensors({ latents, model: 'taesd', width: 40, height: 48 });
  writeFileSync(join(folder, 'latents/a.safetensors'), file);
}

testShared('docs/command.md: its commands → each succeeds; the files that they name', async () => {
  const [{ code }] = blocksIn('docs/command.md');
  await inFolder((folder) => {
    writeInputs(folder);
    const said = shell(folder, code);
    expect(said).toMatch(/http:\/\/127\.0\.0\.1:\d+/);
    const names = readdirSync(folder);
    expect(names).toEqual(
      expect.arrayContaining(['latent.png', 'photo.latent', 'sheet.png', 'decoded.png', 'maps']),
    );
    expect(readdirSync(join(folder, 'latents')).sort()).toEqual(['a.safetensors', 'photo.png']);
    const decoded = decodePng(readFileSync(join(folder, 'decoded.png')));
    expect([decoded.width, decoded.height]).toEqual([64, 64]);
    expect(readdirSync(join(folder, 'maps')).length).toBeGreaterThan(10);
  });
});

testShared('README: its commands → each succeeds; a contact sheet', async () => {
  const [, commands] = blocksIn('README.md').filter(({ language }) => language === 'sh');
  await inFolder((folder) => {
    writeInputs(folder);
    const said = shell(folder, commands.code);
    expect(said).toMatch(/http:\/\/127\.0\.0\.1:\d+/);
    const decoded = decodePng(readFileSync(join(folder, 'decoded.png')));
    expect([decoded.width, decoded.height]).toEqual([40, 48]);
    expect(existsSync(join(folder, 'sheet.png'))).toBe(true);
  });
});

testShared('docs/models.md: weights pulled → found in the cache and listed', async () => {
  const [{ code }] = blocksIn('docs/models.md');
  await inFolder((folder) => {
    const said = shell(folder, code);
    for (const model of ['taesd', 'taesdxl', 'taef1', 'nano']) expect(said).toContain(model);
  });
});
