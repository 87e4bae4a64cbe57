import type { BoundNetwork } from '../model/bind.ts';
import type { GpuInfo } from '../options/types.ts';
import type { RowSource } from '../rows.ts';
import type { Runner } from './batches.ts';
import type { NetworkName } from './segment.ts';

/** Latents in a buffer of the device, checked. */
export interface LatentsOnDevice {
  readonly shape: readonly number[];
  /** True for latents of the full VAE, which are converted in memory. */
  readonly isVae?: boolean;
}

/**
 * The networks of a model on a device, as the rest of the library knows them. It keeps WebGPU's
 * code out of the core, and WebGPU's types out of the package's declarations.
 */
export interface GpuNetworks {
  /** True while the device does the work. */
  readonly active: boolean;
  /** The part of `taesd.info` that is about WebGPU. */
  readonly info: GpuInfo;
  /** Bytes of the buffers that are kept on the device. */
  readonly memoryBytes: number;
  /**
   * Checks latents in a buffer of the device. Returns undefined for any others.
   *
   * @throws TaesdError ARG, SHAPE
   */
  check(latents: unknown): LatentsOnDevice | undefined;
  /**
   * Copies such latents as they are now, one copy for each of the batch. The caller releases them.
   */
  copy(latents: LatentsOnDevice): readonly RowSource[];
  /** Reads such a copy to memory. @throws TaesdError UNSUPPORTED (it was lost with its device) */
  inMemory(source: RowSource): Promise<RowSource>;
  /**
   * Compiles one more network, which is like one of those it started with.
   *
   * @throws TaesdError UNSUPPORTED (the device fails, and `fallback` is false)
   */
  add(name: NetworkName, network: BoundNetwork): Promise<void>;
  /**
   * Returns the runner of a network: on the device, and on WASM from the row at which the device
   * fails.
   *
   * @param wasm  starts the runner on WASM
   * @throws TaesdError UNSUPPORTED (the device fails, and `fallback` is false)
   */
  runner(name: NetworkName, wasm: () => Promise<Runner>): Runner;
  /** Gives back the memory that a large run has taken. */
  settle(): void;
  /** Releases all buffers on the device. A device that is not the caller's is destroyed. */
  dispose(): void;
}
