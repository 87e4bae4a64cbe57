import type { Runner } from '../backend/batches.ts';
import type { Pacer } from '../backend/pacer.ts';
import { GpuFault, lossBehind, lossOf } from '../backend/webgpu/device.ts';
import type { GpuRunner } from '../backend/webgpu/networks.ts';
import type { BandOnDevice } from '../backend/webgpu/read-back.ts';
import { expected } from '../errors.ts';
import { decodePixels, drawIn2d } from './canvas-2d.ts';
import { type PaintFaults, paintBytes, paintMap, tryToPaint } from './paint.ts';
import { isContext2d, liveSurface, lostTarget, type Surface, surfaceOf } from './surface.ts';
import { type Drawing, isTexture } from './target.ts';

/**
 * Draws on a texture, or on a canvas that draws with WebGPU.
 *
 * @throws TaesdError as `drawDecoded`
 */
export async function drawOnDevice(
  drawing: Drawing,
  runner: Runner | GpuRunner,
  pacer: Pacer,
): Promise<void> {
  const { source, target, height } = drawing;
  const device = 'device' in runner ? runner.device : undefined;
  const surface = surfaceOf(drawing, device);
  if (isContext2d(surface)) return drawIn2d(surface, drawing, runner, pacer);
  // Tried before the work. A canvas is not tried: it would show its cleared texture.
  if (isTexture(target)) {
    const lost = await lossIn(surface, tryToPaint(surface.device, target));
    if (lost !== undefined) throw lostTarget(lost);
  }
  if ('paint' in runner && surface.device === device) {
    const draw = async (band: BandOnDevice) => {
      const lost = await lossIn(surface, paintMap(surface.device, band, surface));
      if (lost !== undefined) throw new GpuFault(lost.message);
    };
    if (await runner.paint(source, { first: 0, end: height }, pacer, draw)) return;
  }
  const data = await decodePixels(drawing, runner, pacer);
  const live = await liveSurface(drawing, surface);
  const lost = await lossIn(live, paintBytes(live.device, data, live));
  if (lost !== undefined) throw lostTarget(lost);
}

/**
 * Waits until a picture is painted.
 *
 * @returns why the device was lost, if it was; its faults do not count then
 * @throws TaesdError OOM; ARG (any other fault: it is the texture's, as all else was made here)
 */
async function lossIn(
  { device }: Surface,
  painted: Promise<PaintFaults>,
): Promise<GPUDeviceLostInfo | undefined> {
  const [full, invalid] = await painted;
  // A lost device may report no fault, or any.
  const lost = await (full || invalid ? lossBehind(device) : lossOf(device));
  if (lost !== undefined) return lost;
  if (full) throw expected('OOM', 'canvas', 'memory to paint with', full.message);
  const rule = "one that the model's device can paint on";
  if (invalid) throw expected('ARG', 'canvas', rule, invalid.message);
  return undefined;
}
