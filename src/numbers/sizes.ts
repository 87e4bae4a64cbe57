import { expected } from '../errors.ts';
import { MAX_RANK, shapeText } from '../tensor.ts';

/**
 * Checks a program's shape by the rules for shapes in files.
 *
 * @returns a copy of it, and the bytes of its elements
 * @throws TaesdError SHAPE (a size that is missing or not a whole number of at least 0; 2⁵³ bytes
 *   and more), LIMIT (more than 64 dimensions)
 */
export function checkSizes(
  what: string,
  shape: readonly unknown[],
  elementBytes: number,
): { sizes: number[]; byteCount: number } {
  if (shape.length > MAX_RANK) {
    throw expected('LIMIT', what, `at most ${MAX_RANK} dimensions`, `${shape.length}`);
  }
  // Array.from makes holes undefined, where `every` would pass over them.
  const sizes = Array.from(shape) as number[];
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw expected('SHAPE', what, 'whole sizes of at least 0', shapeText(sizes));
  }
  const byteCount = byteLength(sizes, elementBytes);
  if (byteCount === undefined) {
    throw expected('SHAPE', what, 'a shape of less than 2^53 bytes', shapeText(sizes));
  }
  return { sizes, byteCount };
}

/**
 * Returns the bytes of a shape, or undefined if a product passes 2⁵³. Each step is checked, as the
 * reference implementation does with `checked_mul`, so a 0 does not excuse an overflow before it.
 */
export function byteLength(shape: readonly number[], elementBytes: number): number | undefined {
  let product = elementBytes;
  for (const size of shape) {
    product *= size;
    if (product > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return product;
}
