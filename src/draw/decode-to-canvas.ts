import type { Span } from '../backend/backend.ts';
import { handOn, type Runner } from '../backend/batches.ts';
import type { Pacer } from '../backend/pacer.ts';
import { GpuFault, lossBehind, lossOf } from '../backend/webgpu/device.ts';
import type { GpuRunner } from '../backend/webgpu/networks.ts';
import type { BandOnDevice } from '../backend/webgpu/program.ts';
import { expected } from '../errors.ts';
import { pictureSink } from '../image.ts';
import { allocatePixels } from '../options/call.ts';
import type { CanvasLike } from '../options/types.ts';
import type { RowSource } from '../rows.ts';
import { type Faults, paintBytes, paintMap, tryToPaint } from './paint.ts';
import {
  type Frame,
  isContext2d,
  liveSurface,
  lostSurface,
  resize,
  type Surface,
  surfaceOf,
} from './surface.ts';
import { isTexture } from './target.ts';

/** What is decoded, and where to. */
export interface Drawing extends Frame {
  readonly source: RowSource;
}

/**
 * Decodes a picture and draws it: on the device that made it where there is one, else from memory. A canvas takes the
 * picture's size, a texture must have it.
 *
 * @throws TaesdError as `decode`; ARG (a texture of another size, or that cannot be painted on), UNSUPPORTED (a canvas that
 *   draws otherwise, a texture where there is no device, or a lost one)
 */
export async function drawDecoded(
  drawing: Drawing,
  runner: Runner | GpuRunner,
  pacer: Pacer,
): Promise<void> {
  const { target, height, source } = drawing;
  const span = { first: 0, end: height };
  const device = 'device' in runner ? runner.device : undefined;
  const surface = surfaceOf(drawing, device);
  if (isContext2d(surface)) {
    const data = await decodeBytes(runner, drawing, span, pacer);
    resize(target as CanvasLike, drawing);
    surface.putImageData(new ImageData(data, drawing.width, height), 0, 0);
    return;
  }
  // Before the work is done for nothing; a canvas would show what was asked for and not painted.
  if (isTexture(target)) {
    const lost = await lossIn(surface, tryToPaint(surface.device, target));
    if (lost !== undefined) throw lostSurface(lost);
  }
  if ('paint' in runner && surface.device === device) {
    const draw = async (band: BandOnDevice) => {
      const lost = await lossIn(surface, paintMap(surface.device, band, surface.texture));
      if (lost !== undefined) throw new GpuFault(lost.message);
    };
    if (await runner.paint(source, span, pacer, draw)) return;
  }
  const data = await decodeBytes(runner, drawing, span, pacer);
  const live = await liveSurface(drawing, surface);
  const lost = await lossIn(live, paintBytes(live.device, data, live.texture));
  if (lost !== undefined) throw lostSurface(lost);
}

/**
 * Waits for what was painted.
 *
 * @returns why the device was lost, if it was; what it finds wrong does not count then
 * @throws TaesdError OOM; ARG where the device finds something else wrong: with the texture, as the rest is known to be right
 */
async function lossIn(
  { device }: Surface,
  painted: Promise<Faults>,
): Promise<GPUDeviceLostInfo | undefined> {
  const [full, invalid] = await painted;
  // A lost device may say that all is well, or that all is wrong.
  const lost = await (full || invalid ? lossBehind(device) : lossOf(device));
  if (lost !== undefined) return lost;
  if (full) throw expected('OOM', 'canvas', 'memory to paint with', full.message);
  const rule = "one that the model's device can paint on";
  if (invalid) throw expected('ARG', 'canvas', rule, invalid.message);
  return undefined;
}

async function decodeBytes(
  runner: Runner,
  { source, width, height }: Drawing,
  span: Span,
  pacer: Pacer,
): Promise<Uint8ClampedArray<ArrayBuffer>> {
  const data = allocatePixels(width, height);
  const sink = pictureSink({ width, height, data });
  for await (const batch of runner.batches(source, span, pacer)) handOn(batch, sink);
  return data;
}
