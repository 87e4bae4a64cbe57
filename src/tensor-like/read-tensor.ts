import { describe } from '../checks.ts';
import { expected, messageOf, TaesdError } from '../errors.ts';
import { elementCount, firstNonFinite, shapeText, type Tensor } from '../tensor.ts';
import { declaredType } from './element-type.ts';
import { arrange } from './layout.ts';
import { copyNumbers } from './numbers.ts';
import type { Size } from './packed.ts';
import type { LatentsFound, TensorLike } from './types.ts';
import { declaredView, FOUR_AXES, listOf, type View } from './view.ts';

/** The needs of the call that reads a tensor. */
export interface Wanted extends Size {
  /** The name for messages. */
  readonly what: string;
  /** The numbers of channels that the call takes. It refuses others itself. */
  readonly channels: readonly number[];
  /** The index of the one to read of a batch; undefined for all. */
  readonly pick?: number | undefined;
  readonly allowNonFinite?: boolean | undefined;
}

/** A copy of a tensor, f32 [N, C, h, w]. */
export interface ReadTensor {
  readonly tensor: Tensor;
  /** True if the picture's size decided how packed latents were read. */
  readonly isPacked: boolean;
}

const RULE = 'a tensor with data, and dims or shape [N,C,h,w]';

/** Returns true for an object with a shape, which is read as a tensor. */
export const isTensorLike = (value: unknown): value is TensorLike | LatentsFound =>
  typeof value === 'object' &&
  value !== null &&
  ('shape' in value || 'dims' in value || 'latents' in value);

/**
 * Copies a tensor of any library.
 *
 * @returns a promise if the numbers have to be read from a GPU
 * @throws TaesdError ARG, SHAPE, NONFINITE, OOM
 */
export function readTensor(value: unknown, wanted: Wanted): ReadTensor | Promise<ReadTensor> {
  const { what, pick } = wanted;
  const tensor = value as TensorLike;
  const opened = openTensor(what, tensor, sizesOf(what, tensor));
  const arranged = arrange(what, opened.view, tensor.layout, wanted.channels, wanted);
  const { isPacked } = arranged;
  let { view, shape } = arranged;
  if (pick !== undefined) {
    if (pick >= shape[0]) {
      const rule = `a batch of at least ${pick + 1}, for pick ${pick}`;
      throw expected('SHAPE', what, rule, shapeText(shape));
    }
    const first = view.first + pick * view.strides[0];
    view = { ...view, sizes: [1, ...view.sizes.slice(1)], first };
    shape = [1, ...shape.slice(1)];
  }
  return opened.copy(view, (data) => {
    if (wanted.allowNonFinite !== true) checkFinite(what, data);
    return { tensor: { shape, data }, isPacked };
  });
}

/** A tensor whose description of itself was read, and whose numbers were not. */
interface Opened {
  /** All elements. */
  readonly view: View;
  /** Copies the numbers of a view and passes them to `make`, at once or when a GPU gives them. */
  copy<T>(view: View, make: (data: Float32Array) => T): T | Promise<T>;
}

/**
 * Reads the description of a tensor.
 *
 * @throws TaesdError ARG, SHAPE; its `copy` too, and OOM
 */
export function openTensor(what: string, tensor: TensorLike, sizes: readonly number[]): Opened {
  const declared = declaredType(what, tensor.dtype, tensor.type);
  const strides = tensor.strides ?? tensor.stride;
  const isPlain = strides === undefined && tensor.offset === undefined;
  return {
    view: declaredView(what, sizes, strides, tensor.offset),
    copy(view, make) {
      const copy = (data: unknown) => {
        if (isPlain) checkCount(what, data, sizes);
        return make(copyNumbers(what, data, declared, view));
      };
      const numbers = numbersOf(what, tensor);
      if (!isPromise(numbers)) return copy(numbers);
      return Promise.resolve(numbers).then(copy, (reason) => {
        throw unreadable(what, reason);
      });
    },
  };
}

const FOUR = { min: 3, max: 5, rule: FOUR_AXES };

/** Returns the sizes of a tensor. @throws TaesdError ARG (none), SHAPE (other numbers of axes) */
export function sizesOf(what: string, tensor: TensorLike, { min, max, rule } = FOUR): number[] {
  if (typeof tensor !== 'object' || tensor === null) {
    throw expected('ARG', what, RULE, describe(tensor));
  }
  const { dims, shape = dims } = tensor;
  const sizes = listOf(shape);
  if (sizes === undefined) {
    const got = shape === undefined ? describe(tensor) : `shape ${describe(shape)}`;
    throw expected('ARG', what, RULE, got);
  }
  const { length } = sizes;
  if (length >= min && length <= max && sizes.every(isSize)) return sizes as number[];
  throw expected('SHAPE', what, rule, shapeText(sizes));
}

const isSize = (size: unknown): boolean => Number.isSafeInteger(size) && (size as number) > 0;

/** Checks that data without strides and offset has a number for each element, and no others. */
function checkCount(what: string, data: unknown, sizes: readonly number[]): void {
  const { length } = (data ?? {}) as { length?: unknown };
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return;
  if (ArrayBuffer.isView(data) && data.byteLength === 0) return;
  const count = elementCount(sizes);
  if (typeof length !== 'number' || length === count) return;
  const rule = `${count} numbers for shape ${shapeText(sizes)}`;
  throw expected('SHAPE', what, rule, `${length}`);
}

function checkFinite(what: string, data: Float32Array): void {
  const index = firstNonFinite(data);
  if (index < 0) return;
  const got = `${data[index]} at element ${index}`;
  const remedy = { api: 'allowNonFinite: true lets it pass' };
  throw expected('NONFINITE', what, 'finite numbers', got, { remedy });
}

/** Returns the numbers, or a promise if they are on a GPU. */
function numbersOf(what: string, tensor: TensorLike): unknown {
  try {
    // `location` is read first, because onnxruntime's `data` throws if the numbers are on a GPU.
    const { location } = tensor;
    const isHere = location === undefined || location === 'cpu' || location === 'cpu-pinned';
    if (!isHere && typeof tensor.getData === 'function') return tensor.getData();
    if (!isHere) {
      throw expected('ARG', `${what} location`, "'cpu', or a function getData", describe(location));
    }
    const { data } = tensor;
    if (data === undefined && typeof tensor.getData === 'function') return tensor.getData();
    return typeof data === 'function' ? data.call(tensor) : data;
  } catch (reason) {
    throw unreadable(what, reason);
  }
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as Promise<unknown> | undefined)?.then === 'function';

function unreadable(what: string, reason: unknown): TaesdError {
  if (reason instanceof TaesdError) return reason;
  const rule = 'numbers that can be read';
  return expected('ARG', `${what} data`, rule, messageOf(reason), { cause: reason });
}
