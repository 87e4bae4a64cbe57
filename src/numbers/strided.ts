/** The places of a tensor's elements, counted in elements. */
export interface Strided {
  readonly shape: readonly number[];
  /** Elements between neighbours on each axis. */
  readonly strides: readonly number[];
  /** The element at index 0 of every axis. */
  readonly offset: number;
}

/** Returns the row-major strides of a shape. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

/**
 * Returns true if the elements lie side by side, in row-major order. The stride of an axis of 1 has
 * no meaning.
 */
export function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  const plain = rowMajorStrides(shape);
  return (
    shape.includes(0) || shape.every((size, axis) => size === 1 || strides[axis] === plain[axis])
  );
}

/** Copies elements in row-major order. @param size  bytes of an element */
export function copyStrided(
  target: Uint8Array,
  source: Uint8Array,
  all: Strided,
  size: number,
): void {
  // The stride of an axis of 1 has no meaning. A huge one would round the positions of others, and
  // many of them would take time.
  const axes = all.shape.map((_, axis) => axis).filter((axis) => all.shape[axis] !== 1);
  const shape = axes.length === 0 ? [1] : axes.map((axis) => all.shape[axis]);
  const strides = axes.length === 0 ? [1] : axes.map((axis) => all.strides[axis]);
  const last = shape.length - 1;
  const index = new Array<number>(shape.length).fill(0);
  let row = all.offset;
  for (let at = 0; at < target.length; ) {
    for (let i = 0; i < shape[last]; i++) {
      const from = (row + i * strides[last]) * size;
      for (let byte = 0; byte < size; byte++) target[at++] = source[from + byte];
    }
    // As an odometer does: the innermost axis that is not at its end steps on, and those inside it
    // start again.
    for (let axis = last - 1; axis >= 0; axis--) {
      index[axis]++;
      row += strides[axis];
      if (index[axis] < shape[axis]) break;
      row -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}
