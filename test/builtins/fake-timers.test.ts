import { afterEach, expect, test, vi } from 'vitest';
import { createPreviewer } from '../../src/preview/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { randomTensor, seededRandom } from '../random.ts';

/*
 * Calls while a test has replaced the timers and the clock.
 */

const LATENTS = randomTensor(seededRandom(8), [1, 4, 32, 32], 2);

afterEach(() => {
  vi.useRealTimers();
});

test('load, decode 256×256, encode, steps, previewer with maxFps, abort under fake timers → as without', async () => {
  const plain = await Taesd.load({ model: 'nano', workers: 0 });
  const wanted = await plain.decode(LATENTS);
  const encoded = await plain.encode(wanted);
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance', 'Date', 'queueMicrotask'],
  });
  const taesd = await Taesd.load({ model: 'nano', workers: 0 });
  expect(await taesd.decode(LATENTS)).toEqual(wanted);
  expect(await taesd.encode(wanted)).toEqual(encoded);
  for await (const { elapsedMs } of taesd.steps(LATENTS)) {
    expect(elapsedMs).toBeGreaterThan(0);
    break;
  }
  const frames: unknown[] = [];
  const onFrame = (picture: unknown): void => void frames.push(picture);
  const previewer = createPreviewer(taesd, { onFrame, maxFps: 50 });
  for (const step of [1, 2]) {
    previewer.push(LATENTS, step);
    await previewer.idle();
  }
  expect(frames).toEqual([wanted, wanted]);
  const controller = new AbortController();
  const work = taesd.decode(LATENTS, { signal: controller.signal });
  controller.abort();
  await expect(work).rejects.toMatchObject({ code: 'ABORTED' });
});
