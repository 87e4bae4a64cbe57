import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { npzByHand } from '../formats/files-by-hand.ts';
import { integers, seededNumbers } from '../formats/seeded-numbers.ts';
import { sharedPath, testShared } from '../shared.ts';
import { documentedCode } from './blocks.mjs';
import { inFolder, runModule } from './in-folder.ts';

/*
 * JavaScript of the documents, run as they stand there.
 */

/** Runs code as a module, and returns what its last line has printed as JSON. */
const printed = (folder: string, code: string): unknown =>
  JSON.parse(runModule(folder, code, { TAESD_WEIGHTS: sharedPath('weights') }));

const NANO = `
import { Taesd } from 'taesd-wasm';
import { nano } from 'taesd-wasm/nano';
import { createPreviewer as makePreviewer } from 'taesd-wasm/preview';
const zeros = (side) => ({ shape: [1, 4, side, side], data: new Float32Array(4 * side * side) });
const shown = [];
`;

test('docs/previews.md: the loop → the finished picture is drawn last', async () => {
  const loop = documentedCode('docs/previews.md', 'js', 0);
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
      const unet = async (latents) => latents;
      let made = 0;
      const sampler = { next: async () => zeros(++made === 3 ? 9 : 8) };
      ${loop}
      taesd.dispose();
      console.log(JSON.stringify(drawn.at(-1)));`,
    );
    expect(found).toEqual([72, 72, 4 * 72 * 72, 0, 0]);
  });
});

test('docs/previews.md: small pictures, two instances → the documented sizes', async () => {
  const small = documentedCode('docs/previews.md', 'js', 1);
  const two = documentedCode('docs/previews.md', 'js', 2);
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
        ${small}
        decoded = [width, height, data.length];
      }
      ${two}
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
  const example = documentedCode('docs/api.md', 'js');
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
      ${example}
      taesd.dispose();
      const { width, height } = picture;
      const { source, model, assumed } = found;
      console.log(JSON.stringify({ source, model, assumed: assumed.length, width, height }));`,
    );
    expect(found).toMatchObject({ source: 'sd-scripts cache, F32', model: 'taesdxl' });
    expect(found).toMatchObject({ width: 40, height: 48 });
  });
});
