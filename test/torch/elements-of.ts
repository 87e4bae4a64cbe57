import { type StoredTensor, widen } from '../../src/numbers/stored.ts';

/** Returns a tensor's numbers; those of F64 unrounded. */
export function elementsOf(stored: StoredTensor): number[] {
  if (stored.dtype !== 'F64') return [...widen(stored, 'tensor').data];
  const view = new DataView(stored.bytes.slice().buffer);
  return Array.from({ length: stored.bytes.length / 8 }, (_, i) => view.getFloat64(8 * i, true));
}
