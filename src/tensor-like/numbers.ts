import { allocate } from '../allocate.ts';
import { arrayKind, isFloats } from '../builtins/tags.ts';
import { checkLive, describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { bytesToF32, FLOAT_BYTES, type FloatType } from '../numbers/stored.ts';
import { isRowMajor } from '../numbers/strided.ts';
import { elementCount, shapeText } from '../tensor.ts';
import { typeOf } from './element-type.ts';
import { gather, rangeOf, type View } from './view.ts';

/**
 * Copies the numbers of a view as f32.
 *
 * @throws TaesdError ARG (numbers of another type, detached), SHAPE (too few or too many), OOM
 */
export function copyNumbers(
  what: string,
  data: unknown,
  declared: FloatType | undefined,
  view: View,
): Float32Array {
  if (ArrayBuffer.isView(data)) checkLive(what, data);
  const type = typeOf(what, data, declared);
  const numbers = data as ArrayLike<number>;
  const isBytes = arrayKind(data).startsWith('Uint8');
  const width = isBytes ? FLOAT_BYTES[type] : 1;
  const [low, high] = rangeOf(view);
  if (low < 0 || high >= numbers.length / width) {
    const rule = `numbers up to element ${high} for shape ${shapeText(view.sizes)}`;
    throw expected('SHAPE', what, rule, low < 0 ? `element ${low}` : `${numbers.length / width}`);
  }
  const source = widened(what, numbers, type, { first: low, end: high + 1, width });
  const count = elementCount(view.sizes);
  if (isRowMajor(view.sizes, view.strides) && isFloats(source)) {
    // Widened numbers are a copy already. `slice` would make an array of the data's own realm.
    return source === data
      ? allocate(what, 'a copy', () => new Float32Array(source.subarray(low, low + count)))
      : source;
  }
  const moved = source === data ? view : { ...view, first: view.first - low };
  return allocate(what, 'a copy', () => {
    const copy = new Float32Array(count);
    gather(source, moved, copy);
    return copy;
  });
}

/** The elements of data that a view touches, and the bytes of each. */
interface Part {
  readonly first: number;
  readonly end: number;
  readonly width: number;
}

/** Returns the given data if it can be read as it is; otherwise the part as numbers. */
function widened(
  what: string,
  data: ArrayLike<number>,
  type: FloatType,
  { first, end, width }: Part,
): ArrayLike<number> {
  if (isFloats(data)) return data;
  if (Array.isArray(data)) {
    const part: unknown[] = data.slice(first, end);
    const at = part.findIndex((value) => typeof value !== 'number');
    if (at < 0) return part as number[];
    const got = `${describe(part[at])} at element ${first + at}`;
    throw expected('ARG', what, 'a flat array of numbers', got);
  }
  const view = data as Float64Array;
  const isWords = arrayKind(data) === 'Uint16Array';
  if (width === 1 && !isWords) return view.subarray(first, end);
  const size = isWords ? 2 : width;
  const { buffer, byteOffset } = view;
  const bytes = new Uint8Array(buffer, byteOffset + first * size, (end - first) * size);
  return bytesToF32(type, bytes);
}
