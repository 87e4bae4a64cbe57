import { allocateBytes } from '../allocate.ts';
import { expected } from '../errors.ts';
import { isFloatType, type StoredTensor } from '../numbers/stored.ts';
import { copyStrided, isRowMajor, type Strided } from '../numbers/strided.ts';
import { elementCount, MAX_RANK, shapeText } from '../tensor.ts';
import { HostItem, type Item, itemText, PickleDict, PickleTuple } from './items.ts';
import { Storage } from './storage.ts';
import type { TorchTensor } from './values.ts';

/** A checked tensor: all its elements lie in its storage. */
class TensorItem extends HostItem {
  readonly words = 'a tensor';
  readonly value: TorchTensor;

  constructor(where: string, storage: Storage, layout: Strided) {
    super();
    const { dtype } = storage.type;
    const read = () => readElements(`tensor of ${where}`, storage, layout);
    this.value = Object.freeze({ dtype, ...layout, read });
  }
}

/** The arguments of `_rebuild_tensor_v2` without the last one, which only torch 2 may write. */
const ARGUMENTS = 6;

/**
 * Makes the tensor of a call
 * `_rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks, metadata = {})`.
 *
 * @param where     the place of the call, for messages
 * @param maxBytes  the maximum size of the tensor, for strides that repeat elements
 * @throws TaesdError FORMAT (malformed arguments, elements outside the storage), LIMIT (over 64
 *   dimensions, over `maxBytes`), UNSUPPORTED (hooks or metadata)
 */
export function rebuildTensor(where: string, args: readonly Item[], maxBytes: number): TensorItem {
  if (args.length < ARGUMENTS || args.length > ARGUMENTS + 1) {
    throw expected('FORMAT', where, 'the six or seven arguments of a tensor', `${args.length}`);
  }
  const [storage, offset, sizes, strides, needsGradient, hooks, metadata] = args;
  if (!(storage instanceof Storage)) {
    throw expected('FORMAT', where, "a tensor's storage", itemText(storage));
  }
  const layout = {
    shape: wholeNumbers(where, "a tensor's sizes", sizes),
    strides: wholeNumbers(where, "a tensor's strides", strides),
    offset: wholeNumber(where, "a tensor's offset", offset),
  };
  checkFlags(where, needsGradient, hooks);
  if (metadata !== undefined) checkEmpty(where, "a tensor's metadata", metadata);
  checkLayout(where, storage, layout, maxBytes);
  return new TensorItem(where, storage, layout);
}

/**
 * Returns the tensor of a call `_rebuild_parameter(tensor, requires_grad, hooks)`.
 *
 * @throws TaesdError FORMAT, UNSUPPORTED (hooks)
 */
export function rebuildParameter(where: string, args: readonly Item[]): TensorItem {
  const [tensor, needsGradient, hooks] = args;
  if (args.length !== 3) {
    throw expected('FORMAT', where, 'the three arguments of a parameter', `${args.length}`);
  }
  if (!(tensor instanceof TensorItem)) {
    throw expected('FORMAT', where, 'the tensor of a parameter', itemText(tensor));
  }
  checkFlags(where, needsGradient, hooks);
  return tensor;
}

function checkFlags(where: string, needsGradient: Item, hooks: Item): void {
  if (typeof needsGradient !== 'boolean') {
    const rule = 'True or False for requires_grad';
    throw expected('FORMAT', where, rule, itemText(needsGradient));
  }
  checkEmpty(where, "a tensor's hooks", hooks);
}

function checkEmpty(where: string, what: string, item: Item): void {
  if (!(item instanceof PickleDict)) {
    throw expected('FORMAT', where, `${what} as a dict`, itemText(item));
  }
  if (item.entries.size > 0) {
    throw expected('UNSUPPORTED', where, `no entries in ${what}`, `${item.entries.size}`);
  }
}

/** Returns a Python int. A float or a boolean that equals one is refused. */
function wholeNumber(where: string, what: string, item: Item): number {
  if (typeof item === 'number' && item >= 0) return item;
  throw expected('FORMAT', where, `${what} from 0 to 2^53 − 1, whole`, itemText(item));
}

function wholeNumbers(where: string, what: string, item: Item): number[] {
  if (!(item instanceof PickleTuple)) {
    throw expected('FORMAT', where, `${what} as a tuple`, itemText(item));
  }
  if (item.items.length > MAX_RANK) {
    throw expected('LIMIT', where, `at most ${MAX_RANK} dimensions`, `${item.items.length}`);
  }
  return item.items.map((one) => wholeNumber(where, what, one));
}

/**
 * Checks that the first and the last element lie in the storage. Sums and products are exact up to
 * 2⁵³. Past that they are rounded, but still larger than every storage.
 */
function checkLayout(where: string, storage: Storage, layout: Strided, maxBytes: number): void {
  const { shape, strides, offset } = layout;
  if (shape.length !== strides.length) {
    const rule = `a stride for each of ${shape.length} sizes`;
    throw expected('FORMAT', where, rule, `${strides.length}`);
  }
  const isEmpty = shape.includes(0);
  const reach = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], offset + 1);
  const end = isEmpty ? offset : reach;
  if (end > storage.count) {
    const rule = `a tensor within the ${storage.count} elements of its storage`;
    throw expected('FORMAT', where, rule, `element ${end}`);
  }
  if (isEmpty) return;
  const bytes = elementCount(shape) * storage.type.bytes;
  if (bytes > maxBytes) {
    const got = `${bytes} for ${shapeText(shape)}`;
    const hint = 'a tensor that was expanded; save its clone()';
    throw expected('LIMIT', where, `at most ${maxBytes} bytes for a tensor`, got, { hint });
  }
}

function readElements(what: string, storage: Storage, layout: Strided): StoredTensor {
  const { dtype, bytes: size } = storage.type;
  const { shape, offset } = layout;
  if (!isFloatType(dtype)) {
    const rule = 'elements of F32, F16, BF16 or F64';
    const hint = 'convert it with .float() before saving';
    throw expected('UNSUPPORTED', what, rule, dtype, { hint });
  }
  const all = storage.bytes();
  const count = shape.includes(0) ? 0 : elementCount(shape);
  if (isRowMajor(shape, layout.strides)) {
    return { dtype, shape, bytes: all.subarray(offset * size, (offset + count) * size) };
  }
  const bytes = allocateBytes(what, count * size);
  copyStrided(bytes, all, layout, size);
  return { dtype, shape, bytes };
}
