import type { Runner } from '../backend/batches.ts';
import type { Pacer } from '../backend/pacer.ts';
import type { GpuRunner } from '../backend/webgpu/networks.ts';
import { lazily } from '../platform/lazily.ts';
import { context2dOf, drawIn2d } from './canvas-2d.ts';
import { checkTarget, type Drawing, isCanvas } from './target.ts';

/**
 * Decodes a picture and draws it: on the device that made it if there is one, else from memory. A
 * canvas takes the picture's size, a texture must have it.
 *
 * @throws TaesdError as `decode`; ARG (not a target; a texture of another size, or one that cannot
 *   be painted on), UNSUPPORTED (a canvas that draws neither in 2d nor with WebGPU; a texture
 *   without a device, or of a lost one), LIMIT (a canvas that stays empty at this size)
 */
export async function drawDecoded(
  drawing: Drawing,
  runner: Runner | GpuRunner,
  pacer: Pacer,
): Promise<void> {
  const { target } = drawing;
  checkTarget(target);
  if (isCanvas(target) && !('device' in runner)) {
    const context = context2dOf(target);
    if (context !== undefined) return drawIn2d(context, drawing, runner, pacer);
  }
  // Imported on first use: a canvas in 2d needs nothing of WebGPU.
  const { drawOnDevice } = await lazily(() => import('./on-device.ts'));
  await drawOnDevice(drawing, runner, pacer);
}
