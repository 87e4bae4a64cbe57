// The time of a pixel of a large picture by that of a small one.
import { median } from '../../machine.mjs';
import { startContestant } from '../contestant.mjs';
import { F32, FAST } from '../contestants.mjs';

const SMALL = { height: 512, width: 512 };
const LARGE = { height: 4096, width: 4096 };
const PIXELS = (LARGE.height * LARGE.width) / (SMALL.height * SMALL.width);

/**
 * @returns by contestant { small, large: runs in ms, perPixel: ratio of the medians }, or
 *   { reason }
 */
export async function measureScale({ quick, progress }) {
  if (quick) throw new Error('--quick leaves 4096² out');
  const results = {};
  for (const [name, rounds] of [
    [F32, 3],
    [FAST, 3],
  ]) {
    let contestant;
    try {
      contestant = await startContestant(name, 'decoder');
      const run = async (size) => (await contestant.run({ size, rows: true })).ms;
      await run(SMALL);
      const small = [];
      const large = [];
      for (let round = 1; round <= rounds; round++) {
        progress(`time per pixel, ${name}: round ${round} of ${rounds}`);
        small.push(await run(SMALL), await run(SMALL));
        large.push(await run(LARGE));
        small.push(await run(SMALL), await run(SMALL));
      }
      results[name] = { small, large, perPixel: median(large) / median(small) / PIXELS };
    } catch (error) {
      results[name] = { reason: error.message };
    } finally {
      await contestant?.close();
    }
  }
  return results;
}
