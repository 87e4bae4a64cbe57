import type { Row } from '../../rows.ts';
import { F32_BYTES } from './layout.ts';
import type { Machine } from './machine.ts';
import type { Ring } from './ring.ts';

/**
 * Returns a function that reads row `y` of a network's output: its numbers, or RGBA bytes. Bytes
 * take a quarter of the memory, and a kernel makes them twenty times as fast as JavaScript.
 *
 * @param channels  the channels of the output: for bytes 3, or 4 with alpha
 * @param asBytes   true for bytes
 * @throws TaesdError LIMIT, OOM
 */
export function outputRows(
  { memory, kernels }: Machine,
  ring: Ring,
  channels: number,
  asBytes: boolean | undefined,
): (y: number) => Row {
  if (!asBytes) return (y) => ring.pixels(memory, y);
  const { width } = ring;
  const ptr = memory.allocate('pixels', 4 * Math.ceil(width / 4) * 4);
  return (y) => {
    const first = ring.row(y) + ring.channels * F32_BYTES;
    kernels.pixelBytes(ptr, first, width, channels === 4 ? 1 : 0);
    return new Uint8ClampedArray(memory.wasm.buffer, ptr, 4 * width);
  };
}
