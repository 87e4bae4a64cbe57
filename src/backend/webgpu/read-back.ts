import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import { mapBytes } from './bands.ts';
import type { Gpu } from './device.ts';
import { BYTES_WORKGROUP } from './picture-bytes.ts';
import { computePipeline } from './pipelines.ts';
import { watched } from './scopes.ts';
import { MAP_MODE_READ, USAGE } from './usage.ts';

/** A band of the output, in a buffer on the device: planes of quads, f32. */
export interface BandOnDevice {
  readonly buffer: GPUBuffer;
  readonly span: Span;
  readonly shape: Chw;
}

/** A band of the output in memory that the device has mapped. */
export interface BandInMemory {
  /** f32, or bytes that stand for 0 to 1. */
  readonly planes: Float32Array | Uint8Array;
  readonly span: Span;
  readonly shape: Chw;
  /** The buffers made for it. `release` takes them. */
  readonly buffers: readonly GPUBuffer[];
}

/**
 * Reads bands back to memory. Each has buffers of its own until it is released, so that the device
 * can go on with the next one.
 */
export class ReadBack {
  readonly #device: GPUDevice;
  /** Rounds pixels to bytes; undefined if numbers are read. */
  readonly #rounds: GPUComputePipeline | undefined;
  readonly #buffers = new Set<GPUBuffer>();

  private constructor(device: GPUDevice, rounds: GPUComputePipeline | undefined) {
    this.#device = device;
    this.#rounds = rounds;
  }

  /**
   * Makes what all bands share.
   *
   * @param isPicture  true if bytes are made of the output
   * @throws Error (the device does not compile a shader)
   */
  static async start({ device, tuning }: Gpu, isPicture: boolean): Promise<ReadBack> {
    const asBytes = isPicture && tuning.pictures === 'bytes';
    const rounds = asBytes ? await computePipeline(device, { kind: 'pictureBytes' }) : undefined;
    return new ReadBack(device, rounds);
  }

  /**
   * Copies a band after the work that was submitted before, and waits for the copy.
   *
   * @throws Error (the device fails, or is lost)
   */
  async read({ buffer, span, shape }: BandOnDevice): Promise<BandInMemory> {
    const device = this.#device;
    const rounds = this.#rounds;
    const size = mapBytes(shape, span.end - span.first, 'f32') / (rounds === undefined ? 1 : 4);
    // A fault shows below, as a buffer that cannot be mapped.
    const { result } = watched(device, ['validation', 'out-of-memory'], () => {
      const staging = this.#make(size, USAGE.MAP_READ | USAGE.COPY_DST);
      const buffers = [staging];
      const commands = device.createCommandEncoder();
      let from = buffer;
      if (rounds !== undefined) {
        from = this.#make(size, USAGE.STORAGE | USAGE.COPY_SRC);
        buffers.push(from);
        addRounding(device, rounds, [buffer, from], commands);
      }
      commands.copyBufferToBuffer(from, 0, staging, 0, size);
      device.queue.submit([commands.finish()]);
      return { mapped: staging.mapAsync(MAP_MODE_READ), staging, buffers };
    });
    const { mapped, staging, buffers } = result;
    await mapped;
    const bytes = staging.getMappedRange();
    const planes = rounds === undefined ? new Float32Array(bytes) : new Uint8Array(bytes);
    return { planes, span, shape, buffers };
  }

  /** Destroys the buffers of a band. Defaults to all that are left. */
  release(buffers: Iterable<GPUBuffer> = this.#buffers): void {
    for (const buffer of [...buffers]) {
      buffer.destroy();
      this.#buffers.delete(buffer);
    }
  }

  #make(size: number, usage: number): GPUBuffer {
    const buffer = this.#device.createBuffer({ label: 'rows', size, usage });
    this.#buffers.add(buffer);
    return buffer;
  }
}

/** Adds the dispatch that rounds pixels, f32, to bytes. */
function addRounding(
  device: GPUDevice,
  pipeline: GPUComputePipeline,
  buffers: readonly [pixels: GPUBuffer, bytes: GPUBuffer],
  commands: GPUCommandEncoder,
): void {
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const groups = Math.ceil(buffers[1].size / 4 / BYTES_WORKGROUP);
  // Every device allows that many workgroups in a row.
  const columns = Math.min(groups, 2 ** 15);
  const pass = commands.beginComputePass();
  pass.setPipeline(pipeline);
  const layout = pipeline.getBindGroupLayout(0);
  pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
  pass.dispatchWorkgroups(columns, Math.ceil(groups / columns));
  pass.end();
}
