// Previews of nano in Chromium, from latents pushed into a previewer to the pixels of a canvas,
// beside the decoder of taesd in this runtime, which shows how fast the machine is.
import { median } from '../../machine.mjs';
import { startBrowser } from '../../webgpu/browser.mjs';
import { startContestant } from '../contestant.mjs';
import { F32 } from '../contestants.mjs';

const SIZE = { height: 512, width: 512 };
const PAGE = '/bench/peers/measure/previews-page.mjs';
const ROUND_MS = 2000;

/** Two workers: those of one instance share each picture, two instances take one each. */
const WAYS = { shared: [2], each: [1, 1] };

/**
 * @returns { shared, each: pictures a second, taesdMs: taesd's f32 on one thread, runs }: medians
 *   of rounds in turns
 */
export async function measurePreviews({ quick, progress }) {
  const runs = { shared: [], each: [], taesdMs: [] };
  const taesd = await startContestant(F32, 'decoder');
  let browser;
  try {
    browser = await startBrowser('plain', PAGE);
    for (const [way, workers] of Object.entries(WAYS)) await browser.ask('start', way, workers);
    for (let i = 0; i < 2; i++) await taesd.run({ size: SIZE });
    for (let round = 1; round <= (quick ? 3 : 7); round++) {
      progress(`previews of nano in Chromium: round ${round}`);
      for (const way of Object.keys(WAYS)) {
        runs[way].push(await browser.ask('previews', way, ROUND_MS));
      }
      runs.taesdMs.push((await taesd.run({ size: SIZE })).ms);
    }
  } finally {
    await taesd.close();
    await browser?.close();
  }
  const { shared, each, taesdMs } = runs;
  return { shared: median(shared), each: median(each), taesdMs: median(taesdMs), runs };
}
