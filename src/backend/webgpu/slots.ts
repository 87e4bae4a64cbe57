import type { Plan } from '../plan.ts';
import type { Gpu } from './device.ts';
import { USAGE } from './usage.ts';

/*
 * Buffers that maps lie in, each in turn for several maps.
 */

/**
 * The default limit of all maps of a band together: those of 1536×1536 in f32. If a device runs out
 * of memory below it, the picture is made in smaller bands.
 */
const DEFAULT_MAX_BYTES = 2 ** 31;

/** The buffers, shared by the programs of an instance. One program runs at a time. */
export class Slots {
  readonly #gpu: Gpu;
  /** The maximum number of bytes of all buffers together. Bands of pictures need no more. */
  readonly maxBytes: number;
  #buffers: (GPUBuffer | undefined)[] = [];
  /** Changes whenever a buffer is replaced: bindings of an older version are made anew. */
  version = 0;

  constructor(gpu: Gpu, maxBytes = DEFAULT_MAX_BYTES) {
    this.#gpu = gpu;
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#buffers.reduce((sum, buffer) => sum + (buffer?.size ?? 0), 0);
  }

  /**
   * Returns a buffer of at least so many bytes for each size. The sizes add up to at most
   * `maxBytes`.
   */
  take(sizes: readonly number[]): GPUBuffer[] {
    // Buffers left by another shape may be large where these are small, and the other way round.
    const count = Math.max(sizes.length, this.#buffers.length);
    let bytes = 0;
    for (let n = 0; n < count; n++) bytes += Math.max(sizes[n] ?? 0, this.#buffers[n]?.size ?? 0);
    if (bytes > this.maxBytes) this.release();
    return sizes.map((size, n) => {
      const buffer = this.#buffers[n];
      if (buffer !== undefined && buffer.size >= size) return buffer;
      buffer?.destroy();
      this.version++;
      const usage = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;
      const made = this.#gpu.device.createBuffer({ label: `maps ${n}`, size, usage });
      this.#buffers[n] = made;
      return made;
    });
  }

  /** Gives back what a large run has taken. */
  settle(): void {
    if (this.bytes > this.#gpu.tuning.keptBytes) this.release();
  }

  release(): void {
    for (const buffer of this.#buffers) buffer?.destroy();
    this.#buffers = [];
    this.version++;
  }
}

/**
 * Gives each map a slot that no other map is in while it is alive: a decoder has three, and one for
 * its input.
 *
 * @param kept  maps that stay while bands come and go, and share their slots with none
 * @returns the slot of each map
 */
export function assignSlots({ stages }: Plan, kept: readonly number[]): number[] {
  /** The last stage that reads each map. */
  const lastUse: number[] = [];
  for (const [n, stage] of stages.entries()) {
    lastUse[stage.input] = n;
    if (stage.kind === 'conv' && stage.add !== undefined) lastUse[stage.add] = n;
  }
  // The input has a slot of its own: it is written before all else.
  const slotOf = [0];
  /** The map that lies in each slot. */
  const holds: number[] = [0];
  for (const [n, stage] of stages.entries()) {
    const isFree = (map: number, slot: number) =>
      slot > 0 && !kept.includes(map) && lastUse[map] < n;
    const free = kept.includes(stage.output) ? -1 : holds.findIndex(isFree);
    const slot = free < 0 ? holds.length : free;
    holds[slot] = stage.output;
    slotOf[stage.output] = slot;
  }
  return slotOf;
}
