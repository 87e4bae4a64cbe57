import type { RowSource } from '../../rows.ts';

/** A tensor [C, H, W] of f32 that lies on the device already, from the buffer's beginning. */
export interface SourceOnDevice extends RowSource {
  readonly buffer: GPUBuffer;
}

export const isOnDevice = (source: RowSource): source is SourceOnDevice => 'buffer' in source;
