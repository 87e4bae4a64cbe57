import type { Half } from '../model/layers.ts';
import type { GpuInfo } from '../options/types.ts';
import type { RowSource } from '../rows.ts';
import type { Runner } from './batches.ts';

/** Latents in a buffer of the device, checked. */
export interface LatentsOnDevice {
  readonly shape: readonly number[];
}

/**
 * The networks of a model on a device, as the rest of the library knows them: no type of WebGPU's is in the package's
 * declarations, and none of its code in the core.
 */
export interface GpuPlace {
  /** True while the device does the work. */
  readonly active: boolean;
  /** What `taesd.info` tells of it. */
  readonly info: GpuInfo;
  /** Bytes of the buffers that are kept on the device. */
  readonly memoryBytes: number;
  /**
   * Checks latents that lie in a buffer of the device; undefined for any others.
   *
   * @throws TaesdError ARG, SHAPE
   */
  check(latents: unknown): LatentsOnDevice | undefined;
  /** Copies of such latents, one for each of the batch, as they are now; they are the caller's to release. */
  copy(latents: LatentsOnDevice): readonly RowSource[];
  /**
   * Where a network runs: on the device, and on WASM from the row on at which the device fails.
   *
   * @throws TaesdError UNSUPPORTED where WASM may not take over
   */
  runner(part: Half, wasm: () => Promise<Runner>): Runner;
  /** Gives back what a large run has taken. */
  settle(): void;
  /** Lets go of everything on the device; the device itself goes where it is not the caller's. */
  dispose(): void;
}
