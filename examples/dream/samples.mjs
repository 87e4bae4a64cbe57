// node examples/dream/samples.mjs [-o samples.png]
// Paints 4×4 samples that are not chosen, at half their size: seeds 0 to 15, with labels in turn.
// In each row the times of day, from dawn to night; all places within three rows.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Taesd } from 'taesd-wasm';
import { encodePng } from 'taesd-wasm/png';
import { grid, shrunk } from '../panel.mjs';
import { loadDream } from './dream.mjs';

const WEIGHTS = new URL('../../weights/dream/dream.safetensors', import.meta.url);
const SIDE = 4;
const SHRINK = 2;

const { out } = parseArgs({
  options: { out: { type: 'string', short: 'o', default: 'samples.png' } },
}).values;
const dream = await loadDream(readFileSync(WEIGHTS));
const nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
const rows = [];
let size = 0;
for (let row = 0; row < SIDE; row++) {
  const parts = [];
  for (let column = 0; column < SIDE; column++) {
    const seed = SIDE * row + column;
    const turns = {
      time: column,
      place: column + 2 * row,
      weather: (seed >> 1) % 2, // clear or clouds; fog hides what is painted
      season: seed + row,
    };
    const wanted = Object.fromEntries(
      Object.entries(turns).map(([name, turn]) => {
        const values = dream.labels[name];
        return [name, values[turn % values.length]];
      }),
    );
    const picture = await nano.decode(await dream.generate({ seed, wanted }));
    console.log(`seed ${seed}: ${Object.values(wanted).join(', ')}`);
    parts.push(shrunk(picture, 4, SHRINK));
    size = picture.width / SHRINK;
  }
  rows.push(parts);
}
writeFileSync(out, encodePng(grid(rows, size, size)));
dream.dispose();
nano.dispose();
