import { checkSize } from '../../arguments.ts';
import { expected } from '../../errors.ts';
import type { GpuLatents } from '../../options.ts';
import { type RowSource, tensorRows } from '../../rows.ts';
import { elementCount, shapeText } from '../../tensor.ts';
import { GpuFault } from './fault.ts';
import { MAP_MODE_READ, USAGE } from './usage.ts';

/** A tensor [C, H, W] of f32 that lies on the device already, from the buffer's beginning; ours to destroy. */
export interface SourceOnDevice extends RowSource {
  readonly buffer: GPUBuffer;
  /** The same rows in memory. @throws GpuFault where the device is lost, and they with it */
  download(): Promise<RowSource>;
}

export const isOnDevice = (source: RowSource): source is SourceOnDevice => 'buffer' in source;

export const isGpuLatents = (value: unknown): value is GpuLatents =>
  typeof value === 'object' && value !== null && 'buffer' in value && 'shape' in value;

/**
 * Copies of the latents of a batch as they are on the device now, after what the caller has submitted.
 *
 * @throws TaesdError SHAPE, ARG (an offset that is no multiple of 4, a buffer that is too short)
 */
export function copyLatents(
  where: string,
  device: GPUDevice,
  latents: GpuLatents,
): SourceOnDevice[] {
  const shape = Array.from(latents.shape);
  const { offset = 0 } = latents;
  const from = latents.buffer as GPUBuffer;
  if (shape.length !== 4) {
    const rule = 'shape [N,C,H,W], each at least 1';
    throw expected('SHAPE', where, 'latents', rule, shapeText(shape));
  }
  for (const size of shape) checkSize(where, 'latents shape', size);
  const bytes = 4 * elementCount(shape);
  if (!Number.isInteger(offset / 4) || offset < 0) {
    throw expected('ARG', where, 'latents offset', 'a multiple of 4', `${offset}`);
  }
  if (!(from.size >= offset + bytes)) {
    const rule = `a buffer of ${offset + bytes} bytes for shape ${shapeText(shape)}`;
    throw expected('ARG', where, 'latents buffer', rule, `${from.size}`);
  }
  if ((from.usage & USAGE.COPY_SRC) === 0) {
    const rule = 'a buffer whose usage has COPY_SRC';
    throw expected('ARG', where, 'latents buffer', rule, `usage ${from.usage}`);
  }
  const [batch, channels, height, width] = shape;
  const size = bytes / batch;
  const commands = device.createCommandEncoder();
  const sources = Array.from({ length: batch }, (_, n): SourceOnDevice => {
    const usage = USAGE.STORAGE | USAGE.COPY_DST | USAGE.COPY_SRC;
    const buffer = device.createBuffer({ label: 'latents', size, usage });
    commands.copyBufferToBuffer(from, offset + n * size, buffer, 0, size);
    const read = () => {
      throw new Error('rows on the device are not read one by one');
    };
    const download = async () =>
      tensorRows({ shape: [1, channels, height, width], data: await readBuffer(device, buffer) });
    return { channels, height, width, read, buffer, download };
  });
  device.queue.submit([commands.finish()]);
  return sources;
}

async function readBuffer(device: GPUDevice, buffer: GPUBuffer): Promise<Float32Array> {
  const usage = USAGE.MAP_READ | USAGE.COPY_DST;
  const staging = device.createBuffer({ size: buffer.size, usage });
  const commands = device.createCommandEncoder();
  commands.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([commands.finish()]);
  try {
    await staging.mapAsync(MAP_MODE_READ);
    return new Float32Array(staging.getMappedRange().slice(0));
  } catch {
    throw new GpuFault('the latents were lost with the device');
  } finally {
    staging.destroy();
  }
}
