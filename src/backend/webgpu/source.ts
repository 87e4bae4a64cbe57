import { describe } from '../../checks.ts';
import { expected } from '../../errors.ts';
import type { GpuLatents } from '../../options/types.ts';
import { type RowSource, tensorRows } from '../../rows.ts';
import { elementCount, MAX_RANK, shapeText } from '../../tensor.ts';
import { GpuFault, lossBehind } from './device.ts';
import { watched } from './scopes.ts';
import { MAP_MODE_READ, USAGE } from './usage.ts';

/*
 * Latents that the caller hands over in a buffer of the device.
 */

/** A tensor f32 [C, H, W] at the beginning of a buffer on the device. */
export interface SourceOnDevice extends RowSource {
  readonly buffer: GPUBuffer;
  /**
   * Waits until the device has checked the copy.
   *
   * @throws TaesdError ARG, OOM; GpuFault (the device was lost)
   */
  arrived(): Promise<void>;
  /** Reads the tensor back to memory. @throws Error (it was lost with the device) */
  download(): Promise<RowSource>;
  release(): void;
}

export const isOnDevice = (source: RowSource): source is SourceOnDevice => 'buffer' in source;

/** Returns true for a value meant as latents on a device. `checkGpuLatents` checks the rest. */
export const isGpuLatents = (value: unknown): value is GpuLatents =>
  typeof value === 'object' && value !== null && 'buffer' in value && 'shape' in value;

/** Latents on a device, checked as far as that goes without the device. */
export interface CheckedLatents {
  readonly shape: readonly number[];
  readonly offset: number;
  readonly buffer: GPUBuffer;
}

/**
 * @throws TaesdError SHAPE; ARG (not a buffer, a buffer that is too short or cannot be copied, an
 *   offset that is not a multiple of 4)
 */
export function checkGpuLatents(latents: GpuLatents): CheckedLatents {
  const shape: readonly number[] = Array.isArray(latents.shape)
    ? Array.from(latents.shape.slice(0, MAX_RANK))
    : [];
  if (shape.length !== 4 || !shape.every((size) => Number.isSafeInteger(size) && size > 0)) {
    const got = shape.length > 0 ? shapeText(shape) : describe(latents.shape);
    throw expected('SHAPE', 'latents', 'shape [N,C,H,W], each at least 1', got);
  }
  const { offset = 0 } = latents;
  if (typeof offset !== 'number' || !Number.isInteger(offset / 4) || offset < 0) {
    throw expected('ARG', 'latents offset', 'a multiple of 4', describe(offset));
  }
  const buffer = latents.buffer as GPUBuffer | null;
  if (typeof buffer?.size !== 'number' || typeof buffer.usage !== 'number') {
    throw expected('ARG', 'latents buffer', 'a GPUBuffer', describe(buffer));
  }
  const bytes = offset + 4 * elementCount(shape);
  if (buffer.size < bytes) {
    const rule = `a buffer of ${bytes} bytes for shape ${shapeText(shape)}`;
    throw expected('ARG', 'latents buffer', rule, `${buffer.size}`);
  }
  if ((buffer.usage & USAGE.COPY_SRC) === 0) {
    const rule = 'a buffer whose usage has COPY_SRC';
    throw expected('ARG', 'latents buffer', rule, `usage ${buffer.usage}`);
  }
  return { shape, offset, buffer };
}

/**
 * Copies the latents of a batch as they are after the work that the caller has submitted so far.
 */
export function copyOnDevice(
  device: GPUDevice,
  { shape, offset, buffer: from }: CheckedLatents,
): SourceOnDevice[] {
  const [batch, channels, height, width] = shape;
  const size = 4 * channels * height * width;
  const { result: buffers, faults } = watched(device, ['out-of-memory', 'validation'], () => {
    const commands = device.createCommandEncoder();
    const copies = Array.from({ length: batch }, (_, n) => {
      const usage = USAGE.STORAGE | USAGE.COPY_DST | USAGE.COPY_SRC;
      const buffer = device.createBuffer({ label: 'latents', size, usage });
      commands.copyBufferToBuffer(from, offset + n * size, buffer, 0, size);
      return buffer;
    });
    device.queue.submit([commands.finish()]);
    return copies;
  });
  const arrived = async () => {
    const [full, invalid] = await faults;
    if (full !== null) {
      throw expected('OOM', 'latents', `memory for ${size} bytes each`, full.message);
    }
    if (invalid !== null) {
      // On a lost device all buffers are invalid.
      const lost = await lossBehind(device);
      if (lost !== undefined) throw new GpuFault(lost.message);
      const rule = "a buffer of the model's device, neither destroyed nor mapped";
      throw expected('ARG', 'latents buffer', rule, invalid.message);
    }
  };
  return buffers.map((buffer) => ({
    channels,
    height,
    width,
    buffer,
    read() {
      throw new Error('rows on a device cannot be read one by one');
    },
    arrived,
    download: async () =>
      tensorRows({ shape: [1, channels, height, width], data: await readBuffer(device, buffer) }),
    release: () => buffer.destroy(),
  }));
}

async function readBuffer(device: GPUDevice, buffer: GPUBuffer): Promise<Float32Array> {
  const usage = USAGE.MAP_READ | USAGE.COPY_DST;
  const staging = device.createBuffer({ size: buffer.size, usage });
  try {
    const commands = device.createCommandEncoder();
    commands.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
    device.queue.submit([commands.finish()]);
    await staging.mapAsync(MAP_MODE_READ);
    return new Float32Array(staging.getMappedRange().slice(0));
  } finally {
    staging.destroy();
  }
}
