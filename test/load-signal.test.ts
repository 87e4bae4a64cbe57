import { describe, expect, test, vi } from 'vitest';
import { Taesd } from '../src/taesd.ts';
import { randomWeights } from './small-model.ts';
import { weightsServer } from './weights/weights-server.ts';

/*
 * Loading that is cancelled. A download's own way to end is pull.test.ts's.
 */

const FILES = {
  encoder: new Uint8Array(randomWeights('taesd', 'encoder')),
  decoder: new Uint8Array(randomWeights('taesd', 'decoder')),
};
/** `STALL_MS` of weights/pull.ts. */
const STALL_MS = 30_000;
const LATENTS = { shape: [1, 4, 1, 1], data: new Float32Array(4) };

describe('load: signal', () => {
  const { requests, mirror } = weightsServer(FILES);
  const aborted = (got: string) => ({
    name: 'TaesdError',
    code: 'ABORTED',
    message: `Taesd.load: aborted (${got})`,
  });

  test('fired before → ABORTED, and no request', async () => {
    const loading = Taesd.load({ weights: mirror('good'), signal: AbortSignal.abort('enough') });
    await expect(loading).rejects.toMatchObject(aborted('enough'));
    expect(requests).toEqual([]);
  });

  test('fired while a server stalls → ABORTED at once; the next load works', async () => {
    const controller = new AbortController();
    const loading = Taesd.load({ weights: mirror('stall'), signal: controller.signal });
    await vi.waitFor(() => expect(requests).toHaveLength(2), { timeout: 300_000 });
    const started = performance.now();
    controller.abort();
    await expect(loading).rejects.toMatchObject(aborted('This operation was aborted'));
    // Before a download gives up by itself.
    expect(performance.now() - started).toBeLessThan(STALL_MS);
    expect(requests).toHaveLength(2);
    const taesd = await Taesd.load({
      weights: mirror('good'),
      signal: new AbortController().signal,
    });
    expect((await taesd.decode(LATENTS)).data).toHaveLength(4 * 8 * 8);
    taesd.dispose();
  });

  test('fired while the networks are made ready → ABORTED', async () => {
    const controller = new AbortController();
    const loading = Taesd.load({ weights: FILES, workers: 1, signal: controller.signal });
    queueMicrotask(() => queueMicrotask(() => controller.abort()));
    await expect(loading).rejects.toMatchObject(aborted('This operation was aborted'));
  });

  test('none → ARG', async () => {
    await expect(Taesd.load({ weights: FILES, signal: 7 as never })).rejects.toMatchObject({
      code: 'ARG',
      message: 'Taesd.load: "signal" expected an AbortSignal, got 7',
    });
  });
});
