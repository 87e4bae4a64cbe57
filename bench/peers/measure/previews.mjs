// Previews of nano in Chromium, from latents pushed into a previewer to the pixels of a canvas,
// beside the decoder of taesd in this runtime: how fast the machine is.
import { median } from '../../machine.mjs';
import { startBrowser } from '../../webgpu/browser.mjs';
import { startContestant } from '../contestant.mjs';
import { F32 } from '../contestants.mjs';

const SIZE = { height: 512, width: 512 };
const WORKERS = 2;
const PAGE = '/bench/peers/measure/previews-page.mjs';

/**
 * @returns { fps: pictures a second, taesdMs: taesd's f32 on one thread, runs: { fps, taesdMs } },
 *   medians of rounds in turns
 */
export async function measurePreviews({ quick, progress }) {
  const runs = { fps: [], taesdMs: [] };
  const taesd = await startContestant(F32, 'decoder');
  let browser;
  try {
    browser = await startBrowser('plain', PAGE);
    await browser.ask('start', WORKERS);
    for (let i = 0; i < 2; i++) await taesd.run({ size: SIZE });
    for (let round = 1; round <= (quick ? 3 : 7); round++) {
      progress(`previews of nano in Chromium: round ${round}`);
      runs.fps.push(await browser.ask('previews', 2000));
      runs.taesdMs.push((await taesd.run({ size: SIZE })).ms);
    }
  } finally {
    await taesd.close();
    await browser?.close();
  }
  return { fps: median(runs.fps), taesdMs: median(runs.taesdMs), runs };
}
