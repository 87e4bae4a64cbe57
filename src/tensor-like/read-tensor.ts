import { arrayKind, isPromise } from '../builtins/tags.ts';
import { describe } from '../checks.ts';
import { expected, messageOf, TaesdError } from '../errors.ts';
import { elementCount, nonFiniteText, shapeText, type Tensor } from '../tensor.ts';
import { declaredType } from './element-type.ts';
import { type AxesNeeds, arrange } from './layout.ts';
import { copyNumbers } from './numbers.ts';
import type { Placed } from './packed.ts';
import type { LatentsWithOrigin, TensorLike } from './types.ts';
import { declaredView, FOUR_AXES, listOf, type View } from './view.ts';

/** The needs of the call that reads a tensor. */
export interface TensorNeeds extends AxesNeeds {
  /** The name for messages. */
  readonly what: string;
  /** Selects the part of the tensor to copy. Defaults to all of it. */
  readonly select?: ((all: Placed) => Placed) | undefined;
  readonly allowNonFinite?: boolean | undefined;
}

/** A copy of a tensor, f32 [N, C, h, w]. */
export interface ReadTensor {
  readonly tensor: Tensor;
  /** True for packed latents, whose size may have been rounded to patches. */
  readonly isPacked: boolean;
}

const RULE = 'a tensor with data, and dims or shape [N,C,h,w]';

/** Returns true for an object with a shape, which is read as a tensor. */
export const isTensorLike = (value: unknown): value is TensorLike | LatentsWithOrigin =>
  typeof value === 'object' &&
  value !== null &&
  reading('tensor', () => ['shape', 'dims', 'latents'].some((name) => name in value));

/**
 * Copies a tensor of any library.
 *
 * @returns a promise if the numbers have to be read from a GPU
 * @throws TaesdError ARG, SHAPE, NONFINITE, OOM
 */
export const readTensor = (value: unknown, wanted: TensorNeeds): ReadTensor | Promise<ReadTensor> =>
  reading(wanted.what, () => read(value, wanted));

function read(value: unknown, wanted: TensorNeeds): ReadTensor | Promise<ReadTensor> {
  const { what, select } = wanted;
  const tensor = value as TensorLike;
  const opened = openTensor(what, tensor, sizesOf(what, tensor));
  const arranged = arrange(what, opened.view, tensor.layout, wanted);
  const { isPacked } = arranged;
  const { view, shape } = select === undefined ? arranged : select(arranged);
  return opened.copy(view, (data) => {
    if (wanted.allowNonFinite !== true) checkFinite(what, data);
    return { tensor: { shape, data }, isPacked };
  });
}

/** A tensor whose shape, type and strides were read, and no numbers yet. */
interface Opened {
  /** All elements. */
  readonly view: View;
  /** Copies the numbers of a view and passes them to `make`, at once or when a GPU gives them. */
  copy<T>(view: View, make: (data: Float32Array) => T): T | Promise<T>;
}

/**
 * Reads the description of a tensor.
 *
 * @throws TaesdError ARG, SHAPE. `copy` throws these and OOM
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
  if (dims !== undefined && `${listOf(dims)}` !== `${sizes}`) {
    throw expected('ARG', what, 'one size by "shape" and "dims"', 'two');
  }
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
  if (arrayKind(data).startsWith('Uint8')) return;
  if (ArrayBuffer.isView(data) && data.byteLength === 0) return;
  const count = elementCount(sizes);
  if (typeof length !== 'number' || length === count) return;
  const rule = `${count} numbers for shape ${shapeText(sizes)}`;
  throw expected('SHAPE', what, rule, `${length}`);
}

function checkFinite(what: string, data: Float32Array): void {
  const got = nonFiniteText(data);
  if (got === undefined) return;
  const remedy = { api: 'allowNonFinite: true lets it pass' };
  throw expected('NONFINITE', what, 'finite numbers', got, { remedy });
}

/** Returns the numbers, or a promise if they are on a GPU. */
function numbersOf(what: string, tensor: TensorLike): unknown {
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
}

/** Runs code that reads a caller's object, whose getters may throw. @throws TaesdError */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (reason) {
    throw unreadable(what, reason);
  }
}

function unreadable(what: string, reason: unknown): TaesdError {
  if (reason instanceof TaesdError) return reason;
  const rule = 'numbers that can be read';
  return expected('ARG', `${what} data`, rule, messageOf(reason), { cause: reason });
}
