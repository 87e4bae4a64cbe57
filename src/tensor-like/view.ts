import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { rowMajorStrides } from '../numbers/strided.ts';
import { elementCount, MAX_RANK, shapeText } from '../tensor.ts';

/** The positions of a tensor's elements in its data. Sizes begin with the outermost axis. */
export interface View {
  readonly sizes: readonly number[];
  /** Elements between neighbours on each axis. */
  readonly strides: readonly number[];
  /** The element at index 0 of every axis. */
  readonly first: number;
}

/** The right axes of pictures and latents, for messages. */
export const FOUR_AXES = 'shape [N,C,h,w] or [C,h,w], each at least 1';

/** Returns a library's list, whose numbers may be 64-bit, as an array; undefined for others. */
export function listOf(list: unknown): unknown[] | undefined {
  if (typeof list !== 'object' || list === null) return undefined;
  const { length } = list as ArrayLike<unknown>;
  if (typeof length !== 'number') return undefined;
  const sizes = Array.from({ length: Math.min(length, MAX_RANK + 1) }, (_, i) => {
    const size = (list as ArrayLike<unknown>)[i];
    return typeof size === 'bigint' ? Number(size) : size;
  });
  return sizes;
}

/**
 * Returns the view a tensor declares.
 *
 * @throws TaesdError SHAPE (strides of another rank or not whole), ARG (a wrong offset)
 */
export function declaredView(
  what: string,
  sizes: readonly number[],
  strides: unknown,
  offset: unknown,
): View {
  const first = offset ?? 0;
  if (!Number.isSafeInteger(first) || (first as number) < 0) {
    throw expected('ARG', `${what} offset`, 'a whole number of elements', describe(offset));
  }
  if (strides === undefined || strides === null) {
    return { sizes, strides: rowMajorStrides(sizes), first: first as number };
  }
  const list = listOf(strides) as number[] | undefined;
  if (list?.length !== sizes.length || !list.every(Number.isSafeInteger)) {
    const rule = `${sizes.length} whole numbers of elements, for shape ${shapeText(sizes)}`;
    const got = list === undefined ? describe(strides) : shapeText(list);
    throw expected('SHAPE', `${what} strides`, rule, got);
  }
  return { sizes, strides: list, first: first as number };
}

/** Returns the lowest and the highest element that a view touches. */
export function rangeOf({ sizes, strides, first }: View): [low: number, high: number] {
  let [low, high] = [first, first];
  for (const [axis, size] of sizes.entries()) {
    const far = (size - 1) * strides[axis];
    if (far < 0) low += far;
    else high += far;
  }
  return [low, high];
}

/** Copies the elements of a view in row-major order. */
export function gather(source: ArrayLike<number>, view: View, target: Float32Array): void {
  const { sizes, strides } = view;
  const last = sizes.length - 1;
  const index = sizes.map(() => 0);
  let from = view.first;
  const count = elementCount(sizes);
  for (let to = 0; to < count; to += sizes[last]) {
    for (let i = 0; i < sizes[last]; i++) target[to + i] = source[from + i * strides[last]];
    for (let axis = last - 1; axis >= 0; axis--) {
      // The stride of an axis of 1 has no meaning. A huge one would round the positions of others.
      if (sizes[axis] === 1) continue;
      from += strides[axis];
      if (++index[axis] < sizes[axis]) break;
      from -= sizes[axis] * strides[axis];
      index[axis] = 0;
    }
  }
}
