import type { Gpu } from './device.ts';
import { USAGE } from './usage.ts';

/** What a picture of 512×512 takes in f32, or one of 1024×1024 in f16, is kept for the next; more is given back. */
const KEPT_BYTES = 2 ** 29;

/** All maps of a band together, unless said: those of 1536×1536 in f32. A card that has less says so, and gets bands. */
const MOST_BYTES = 2 ** 31;

/** Buffers that maps lie in, shared by the programs of an instance: one runs at a time. */
export class Slots {
  readonly #gpu: Gpu;
  /** The most bytes that all of them together take: pictures are made in bands that need no more. */
  readonly mostBytes: number;
  #buffers: (GPUBuffer | undefined)[] = [];
  /** Changes where a buffer was replaced, so that what was bound to the old one is bound anew. */
  version = 0;

  constructor(gpu: Gpu, mostBytes = MOST_BYTES) {
    this.#gpu = gpu;
    this.mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#buffers.reduce((sum, buffer) => sum + (buffer?.size ?? 0), 0);
  }

  /** A buffer of at least that many bytes for each number, which together are at most `mostBytes`. */
  take(sizes: readonly number[]): GPUBuffer[] {
    // Those of another shape may be large where these are small, and the other way round.
    const number = Math.max(sizes.length, this.#buffers.length);
    let bytes = 0;
    for (let n = 0; n < number; n++) bytes += Math.max(sizes[n] ?? 0, this.#buffers[n]?.size ?? 0);
    if (bytes > this.mostBytes) this.release();
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
    if (this.bytes > KEPT_BYTES) this.release();
  }

  release(): void {
    for (const buffer of this.#buffers) buffer?.destroy();
    this.#buffers = [];
    this.version++;
  }
}
